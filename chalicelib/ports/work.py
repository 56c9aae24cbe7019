"""What is done later or elsewhere: time, timers, queues; and how much of it within a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from chalicelib.domain.jobs import Envelope, Timer


class Taken(NamedTuple):
    """Whether it was granted, and how much is left now."""

    granted: bool
    left: int


class Counters(Protocol):
    """How much of what may be used within a window is in use. A name says what of whom, and which window: a second, a day."""

    def take(self, name: str, wanted: int, most: int, expires: int) -> Taken:
        """All that is wanted, if no more than `most` is in use then, or nothing; one update. `expires`: seconds, after the window."""

    def give_back(self, name: str, number: int) -> None:
        """So much of it was not used; nothing where nothing is counted any more."""

    def used(self, name: str) -> int:
        """Read consistently."""


class Clock(Protocol):
    def now(self) -> int:
        """Milliseconds since the epoch."""

    def sleep(self, seconds: float) -> None: ...


class Timers(Protocol):
    def set(self, timers: Sequence[Timer]) -> None:
        """Make sure that the clock will tick for each (one execution per slot), then put the rows."""

    def due(self, now: int, limit: int) -> Sequence[Timer]: ...
    def done(self, timers: Sequence[Timer]) -> None: ...


class Queues(Protocol):
    def send(self, envelopes: Sequence[Envelope]) -> None:
        """In batches per queue; raises when one could not be sent (the others may have been).

        A job for a channel type or worker that the stage does not run (any more) is left out, and must not keep others from being sent:
        who looks after it later finds that it never left.
        """


@dataclass(frozen=True)
class QueueMessage:
    """A job as a queue hands it out. Unless it is `done`, it comes back."""

    id: str
    body: str
    handle: str
    receives: int


class QueueReader(Protocol):
    """The receiving side of one queue, for processes that no event source feeds."""

    def receive(self) -> Sequence[QueueMessage]:
        """Waits some seconds; at most one, so that none waits behind another."""

    def done(self, letter: QueueMessage) -> None: ...
