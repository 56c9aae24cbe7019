"""Work that is done later or elsewhere: time, timers, queues, and counters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from chalicelib.domain.jobs import Envelope, Timer
from chalicelib.domain.rules.caps import Marks
from chalicelib.domain.values import frozen


class Taken(NamedTuple):
    """The answer of a counter: whether it granted the request, and how much is left now."""

    granted: bool
    left: int


class Counters(Protocol):
    """Counters of usage within a window of time.

    The name of a counter contains its subject and its window: a second, a day.
    """

    def take(self, name: str, number: int, most: int, expires: int) -> Taken:
        """Count a whole number if the count stays within `most`, else nothing, in one update.

        `expires`: epoch seconds, after the window.
        """

    def give_back(self, name: str, number: int) -> None:
        """Subtract a number that was not used. Do nothing if the counter has expired."""

    def used(self, name: str) -> int:
        """Return the count, read consistently."""


class MarkStore(Protocol):
    """The messages that count for a person under frequency caps, by a name for the person."""

    def get(self, names: Sequence[str]) -> Mapping[str, Marks]:
        """Return stored marks, read consistently, one batch read per 100 names."""

    def put(self, changed: Mapping[str, Marks]) -> frozenset[str]:
        """Store marks in the place of the version that they carry, one request per 100.

        Return the names whose marks were changed meanwhile, which stay as they are.
        """


class Clock(Protocol):
    def now(self) -> int:
        """Return milliseconds since the epoch."""

    def sleep(self, seconds: float) -> None: ...


@frozen
class DueRow:
    """A row of timers of a slot (ms), which come due together. Its name is unique in the slot."""

    slot: int
    name: str
    timers: tuple[Timer, ...]


class Timers(Protocol):
    def set(self, timers: Sequence[Timer], *, punctual: bool = True) -> None:
        """Make sure that the clock ticks for every timer, then put the rows.

        The clock needs one execution per slot. Timers that are not `punctual` have none of their
        own. The next sweep after their time serves them, at the latest the scheduled one.
        Timers of a slot that are set together share rows. So a timer may be in several rows.
        """

    def due(self, now: int, limit: int) -> Sequence[DueRow]:
        """Return up to `limit` rows that are due. The time of a timer in them is its slot."""

    def oldest(self, now: int) -> int | None:
        """Return the time (ms) of the row that has been due longest at `now`, or None."""

    def done(self, rows: Sequence[DueRow]) -> None: ...


class Queues(Protocol):
    def send(self, envelopes: Sequence[Envelope]) -> None:
        """Send in batches per queue. Raise if a job could not be sent. Others may have been sent.

        A job for a channel type or worker that the stage does not run is skipped. The other jobs
        are still sent. The next check of its chunk finds it unsent.
        """

    def hand_back(self, queue: str, jobs: Sequence[tuple[str, str]]) -> None:
        """Send jobs that were received anew: group and text of each. Raise if one was not sent.

        `queue` is the name that the queue has in its account.
        """


@frozen
class QueueMessage:
    """A job as a queue hands it out. It comes back unless it is `done`."""

    id: str
    body: str
    handle: str
    receives: int


class QueueReader(Protocol):
    """The receiving side of one queue, for processes that no event source feeds."""

    def receive(self) -> Sequence[QueueMessage]:
        """Wait some seconds for messages. Return at most one: another must not wait behind it."""

    def done(self, message: QueueMessage) -> None: ...
