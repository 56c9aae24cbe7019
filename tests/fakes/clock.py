"""A clock that a test moves, and the timers that wait for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from tests.fakes.steps import Steps

START = 1_800_000_000_000  # 2027-01-15T08:00:00Z


class FakeClock:
    """A clock without threads. `while_asleep`: actions of others during a sleep."""

    def __init__(self, now: int = START) -> None:
        self.time = now
        self.while_asleep: list[Callable[[], None]] = []

    def now(self) -> int:
        return self.time

    def advance(self, seconds: float) -> None:
        self.time += round(seconds * 1000)

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)
        for action in self.while_asleep:
            action()


class FakeTimers:
    """Rows by (slot, what), and the slots whose execution was started.

    A timer that comes back from `due` has its slot's time.
    """

    def __init__(self, steps: Steps, clock: FakeClock, width: int = 60) -> None:
        self.steps, self.clock, self.width = steps, clock, width * 1000
        self.rows: set[tuple[int, str]] = set()
        self.started: list[int] = []

    def slot(self, at: int) -> int:
        return max(-(-at // self.width), -(-self.clock.now() // self.width) + 2) * self.width

    def set(self, timers: Sequence[Timer], *, punctual: bool = True) -> None:
        if not timers:
            return
        if punctual:
            self.start_clock(timers)
        for start in range(0, len(timers), 25):
            with self.steps.around("timers.set", write=True):
                for timer in timers[start : start + 25]:
                    self.put_row(timer)

    def start_clock(self, timers: Sequence[Timer]) -> None:
        for slot in sorted({self.slot(timer.at) for timer in timers} - set(self.started)):
            with self.steps.around("timers.start_clock", write=True):
                self.started.append(slot)

    def put_row(self, timer: Timer) -> None:
        self.rows.add((self.slot(timer.at), timer.what))

    def due(self, now: int, limit: int) -> Sequence[Timer]:
        with self.steps.around("timers.due", write=False):
            return [_read(slot, what) for slot, what in sorted(self.rows) if slot <= now][:limit]

    def oldest(self, now: int) -> int | None:
        with self.steps.around("timers.oldest", write=False):
            return min((slot for slot, _ in self.rows if slot <= now), default=None)

    def done(self, timers: Sequence[Timer]) -> None:
        for start in range(0, len(timers), 25):
            with self.steps.around("timers.done", write=True):
                self.rows -= {(timer.at, timer.what) for timer in timers[start : start + 25]}

    def next(self) -> int | None:
        """Return the time at which the earliest row is due."""
        return min((slot for slot, _ in self.rows), default=None)

    def waiting(self) -> list[Timer]:
        return [_read(slot, what) for slot, what in sorted(self.rows)]


def _read(slot: int, what: str) -> Timer:
    kind, msgid, chunk, priority, channel = keys.split(what)
    return Timer(
        slot, TimerKind(kind), ChunkId(msgid, int(chunk)), Priority(int(priority)), channel
    )
