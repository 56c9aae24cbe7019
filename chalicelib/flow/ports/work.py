"""What is done later or elsewhere: time, timers, queues; and how much of it within a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.jobs import Envelope, Timer


class Rates(Protocol):
    def take(self, name: str, second: int, wanted: int, limit: int) -> tuple[int, int]:
        """How many of the wanted requests are granted within this second, and how many are left of it then."""


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
class Letter:
    """A job as a queue hands it out. Unless it is `done`, it comes back."""

    id: str
    body: str
    handle: str
    receives: int


class Inbox(Protocol):
    """The receiving side of one queue, for processes that no event source feeds."""

    def receive(self) -> Sequence[Letter]:
        """Waits some seconds; at most one, so that none waits behind another."""

    def done(self, letter: Letter) -> None: ...
