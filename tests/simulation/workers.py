"""A delivery function with many workers at once, on a clock that moves only when all of them wait.

Each worker is a thread, and one runs at a time. So the same simulation takes the same course.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.slowness import Slowness
from chalicelib.flow import deliver
from tests.fakes.clock import FakeClock
from tests.fakes.queues import FakeQueues
from tests.fakes.world import FakeWorld

Turn = threading.Semaphore


class TurnClock(FakeClock):
    """A clock for threads. A thread that sleeps lets the one run that wakes up next."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[int, int, Turn | None]] = []  # None: an alarm
        self._idle: list[Turn] = []
        self._order = itertools.count()

    def start(self, work: Callable[[], None]) -> None:
        """Start a thread, which runs once its turn comes."""
        turn = Turn(0)
        self._put(self.time, turn)

        def run() -> None:
            turn.acquire()
            work()
            self._wake_next()

        threading.Thread(target=run, daemon=True).start()

    def advance(self, seconds: float) -> None:
        """Sleep, while others work."""
        turn = Turn(0)
        self._put(self.time + round(seconds * 1000), turn)
        self._wake_next()
        turn.acquire()

    def idle(self) -> None:
        """Sleep until an alarm goes off, of which each wakes one idle thread."""
        turn = Turn(0)
        self._idle.append(turn)
        self._wake_next()
        turn.acquire()

    def set_alarm(self, at: int) -> None:
        self._put(at, None)

    def wake_all(self) -> None:
        for _ in self._idle:
            self.set_alarm(self.time)

    def _put(self, at: int, turn: Turn | None) -> None:
        heapq.heappush(self._sleepers, (at, next(self._order), turn))

    def _wake_next(self) -> None:
        while self._sleepers:
            at, _, turn = heapq.heappop(self._sleepers)
            self.time = max(self.time, at)
            turn = turn or (self._idle.pop(0) if self._idle else None)
            if turn is not None:
                turn.release()
                return


class AlarmQueues(FakeQueues):
    """Queues that wake an idle worker when a job can be received."""

    def _accept(self, envelopes: Sequence[Envelope]) -> None:
        super()._accept(envelopes)
        for at, _ in self.waiting[-len(envelopes) :]:
            assert isinstance(self.clock, TurnClock)
            self.clock.set_alarm(at)


class Function:
    """The workers of one priority of a delivery function, each a container with its own memory.

    Its queue serves first whose jobs few workers have in hand, as SQS does for message groups.
    A request to AWS takes `request` seconds, one exchange with a provider `exchange` at most.
    """

    def __init__(self, workers: int, seconds: int, exchange: float, request: float = 0.005) -> None:
        self.fake, self._seconds = FakeWorld(), seconds
        self.fake.limits = replace(
            self.fake.limits,
            lease=seconds,
            provider_timeout=exchange,
            concurrency=(workers, workers, workers),
        )
        self.clock = TurnClock()
        self.fake.clock = self.fake.timers.clock = self.clock
        self.fake.queues = AlarmQueues(self.fake, self.clock)
        self.fake.on_step = lambda number, name: self._pass(name, request)
        self._in_hand: Counter[str] = Counter()
        self.is_over = False
        for _ in range(workers):
            self.clock.start(self._work)

    def end(self) -> None:
        """Let every worker finish its job, and take no other."""
        self.is_over = True
        self.clock.wake_all()
        self.clock.advance(2 * self._seconds)

    def _pass(self, name: str, request: float) -> None:
        is_request = not name.startswith(("provider.", "files.")) and not name.endswith(".done")
        if is_request:
            self.clock.advance(request)

    def _work(self) -> None:
        memory = Slowness()
        while not self.is_over:
            envelope = self._take()
            if envelope is None:
                self.clock.idle()
                continue
            self._in_hand[envelope.group] += 1
            ends = self.clock.now() + self._seconds * 1000
            world = replace(self.fake.ports, slowness=memory, ends=ends)
            assert isinstance(envelope.job, DeliverJob)
            deliver.deliver(world, envelope.job)
            assert self.clock.now() <= ends, "the function was ended"
            self._in_hand[envelope.group] -= 1

    def _take(self) -> Envelope | None:
        waiting: list[Any] = self.fake.queues.waiting
        ready = [n for n, (at, e) in enumerate(waiting) if at <= self.clock.now()]
        ready = [n for n in ready if isinstance(waiting[n][1].job, DeliverJob)]
        if not ready:
            return None
        first = min(ready, key=lambda n: (self._in_hand[waiting[n][1].group], waiting[n][0], n))
        envelope: Envelope = waiting.pop(first)[1]
        return envelope
