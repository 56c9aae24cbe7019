"""A clock that a test moves, and the timers that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from operator import itemgetter

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import DueRow
from tests.fakes.steps import Steps

WRITE_BATCH = 25
START = 1_800_000_000_000  # 2027-01-15T08:00:00Z


class FakeClock:
    """A clock without threads. `while_asleep`: actions of others during a sleep."""

    def __init__(self, now: int = START) -> None:
        self.time = now
        self.while_asleep: list[Callable[[], None]] = []

    def now(self) -> int:
        return self.time

    def monotonic(self) -> float:
        """Return the seconds, as `time.monotonic` and `time.time` do."""
        return self.time / 1000

    def advance(self, seconds: float) -> None:
        self.time += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        for action in self.while_asleep:
            action()


TOGETHER = 50  # timers of a row


class FakeTimers:
    """Rows of timers of a slot, and the slots whose execution was started.

    A timer that comes back from `due` has its slot's time.
    """

    def __init__(self, steps: Steps, clock: FakeClock, width: int = 60) -> None:
        self.steps, self.clock, self.width = steps, clock, width * 1000
        self.rows: set[DueRow] = set()
        self.started: list[int] = []

    def slot(self, at: int) -> int:
        return max(-(-at // self.width), -(-self.clock.now() // self.width) + 2) * self.width

    def set(self, timers: Sequence[Timer], *, punctual: bool = True) -> None:
        if not timers:
            return
        if punctual:
            self.start_clock(timers)
        rows = self.rows_of(timers)
        for start in range(0, len(rows), WRITE_BATCH):
            with self.steps.around("timers.set", write=True):
                self.rows.update(rows[start : start + WRITE_BATCH])

    def start_clock(self, timers: Sequence[Timer]) -> None:
        for slot in sorted({self.slot(timer.at) for timer in timers} - set(self.started)):
            with self.steps.around("timers.start_clock", write=True):
                self.started.append(slot)

    def rows_of(self, timers: Sequence[Timer]) -> list[DueRow]:
        """Build rows as the adapter does. Timers of one slot share rows."""
        unique = sorted({(self.slot(timer.at), timer.what) for timer in timers})
        rows: list[DueRow] = []
        for slot, members in groupby(unique, itemgetter(0)):
            whats = [what for _, what in members]
            parts = (whats[n : n + TOGETHER] for n in range(0, len(whats), TOGETHER))
            rows += [_row(slot, part) for part in parts]
        return rows

    def put_row(self, timer: Timer) -> None:
        self.rows.update(self.rows_of([timer]))

    def due(self, now: int, limit: int) -> Sequence[DueRow]:
        with self.steps.around("timers.due", write=False):
            return [row for row in self._sorted() if row.slot <= now][:limit]

    def oldest(self, now: int) -> int | None:
        with self.steps.around("timers.oldest", write=False):
            return min((row.slot for row in self.rows if row.slot <= now), default=None)

    def done(self, rows: Sequence[DueRow]) -> None:
        for start in range(0, len(rows), WRITE_BATCH):
            with self.steps.around("timers.done", write=True):
                self.rows.difference_update(rows[start : start + WRITE_BATCH])

    # -- what tests ask and do

    def next(self) -> int | None:
        """Return the time at which the earliest row is due."""
        return min((row.slot for row in self.rows), default=None)

    def waiting(self) -> list[Timer]:
        """Return all timers by their times, each once."""
        return list(dict.fromkeys(timer for row in self._sorted() for timer in row.timers))

    def ready(self) -> list[Timer]:
        """Return the timers that are due now."""
        return [timer for timer in self.waiting() if timer.at <= self.clock.now()]

    def forget(self, timers: Sequence[Timer]) -> None:
        """Take timers out of their rows."""
        left = [(row.slot, [t.what for t in row.timers if t not in timers]) for row in self.rows]
        self.rows = {_row(slot, whats) for slot, whats in left if whats}

    def _sorted(self) -> list[DueRow]:
        return sorted(self.rows, key=lambda row: (row.slot, row.name))


def _row(slot: int, whats: Sequence[str]) -> DueRow:
    return DueRow(slot, " ".join(whats), tuple(_read(slot, what) for what in whats))


def _read(slot: int, what: str) -> Timer:
    kind, msgid, chunk, priority, channel = keys.split(what)
    return Timer(
        slot, TimerKind(kind), ChunkId(msgid, int(chunk)), Priority(int(priority)), channel
    )
