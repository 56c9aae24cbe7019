"""Chunks whose calls are all closed at once, which takes long where each person has a call."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Timer, TimerKind, TimersJob, WithdrawJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import evaluate, withdraw
from chalicelib.flow.timers import TIMERS_PER_JOB, sweep
from tests.builders import SHOP, a_big_message, a_channel, a_plan, an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import LIMITS, FakeWorld

RECEIVES = 8  # of a job, which is a dead letter then
TARGETS = 10  # of a chunk. They stand for 1,000, each of which takes two writes of 10 ms.
WRITE = 1  # seconds


class Worker:
    """A consumer of the queue of chunks. It is ended when its time is over."""

    def __init__(self, chunks: int) -> None:
        self.fake, self.deaths, self.dead = FakeWorld(), 0, 0
        self.fake.settings.put_access_channel(an_access_channel())
        self.fake.settings.put_channel(a_channel("push"))
        self.message = a_big_message(chunks * TARGETS, call_sizes={"push": 1})
        self.fake.messages.has(self.message)
        for number in range(chunks):
            self._plan(number, is_last=number == chunks - 1)
        self.fake.on_step = self._step

    def _plan(self, number: int, *, is_last: bool) -> None:
        named = self.message.userids[number * TARGETS : (number + 1) * TARGETS]
        after = None if is_last else str((number + 1) * TARGETS)
        plan = a_plan(_to(self.message, named), number, next=after)
        self.fake.ledger.put_plan(plan, self.message)

    def _step(self, number: int, name: str) -> None:
        if name in ("ledger.claim", "ledger.add"):
            self.fake.clock.advance(WRITE)
        if self.fake.ends is not None and self.fake.clock.now() > self.fake.ends:
            raise Killed

    def run(self) -> None:
        """Work on all that the queue has by now."""
        while (envelope := self.fake.queues.take()) is not None:
            if not any(self._works(envelope.job) for _ in range(RECEIVES)):
                self.dead += 1

    def _works(self, job: object) -> bool:
        self.fake.ends = self.fake.clock.now() + LIMITS.lease * 1000
        try:
            if isinstance(job, TimersJob):
                evaluate.check_chunks(self.fake.ports, job.timers)
            elif isinstance(job, WithdrawJob):
                withdraw.withdraw_partition(self.fake.ports, job)
            return True
        except Killed:
            self.deaths += 1
            return False
        finally:
            self.fake.ends = None

    def ended(self, kind: FactKind) -> int:
        """Count the deliveries that have a fact."""
        partitions = [ChunkId(self.message.msgid, n) for n in range(TIMERS_PER_JOB)]
        chunks = [self.fake.ledger.chunk(at, self.message) for at in partitions]
        states = [state for chunk in chunks if chunk for state in chunk.states.values()]
        return sum(state.has(kind) for state in states)


def _to(message: Message, named: Sequence[str]) -> Message:
    return a_big_message(userids=tuple(named), msgid=message.msgid)


@pytest.mark.parametrize("priority", list(Priority))
def test_chunks_that_expire_together_are_closed_by_jobs_that_end_in_time(
    priority: Priority,
) -> None:
    worker = Worker(TIMERS_PER_JOB)
    worker.fake.clock.advance(LIMITS.submit_within)
    chunks = [ChunkId(worker.message.msgid, n) for n in range(TIMERS_PER_JOB)]
    worker.fake.ports.timers.set([Timer(0, TimerKind.CHECK, at, priority) for at in chunks])
    worker.fake.clock.advance(3 * LIMITS.clock_width)
    sweep(worker.fake.ports)
    worker.run()
    assert (worker.deaths, worker.dead) == (0, 0)
    assert worker.ended(FactKind.EXPIRED) == TIMERS_PER_JOB * TARGETS


def test_a_large_message_is_withdrawn_by_jobs_that_end_in_time() -> None:
    chunks = 2 * LIMITS.sizes.chunks_per_job
    worker = Worker(chunks)
    withdraw.withdraw(worker.fake.ports, SHOP, worker.message.msgid)
    worker.run()
    assert (worker.deaths, worker.dead) == (0, 0)
    assert worker.ended(FactKind.WITHDRAWN) == chunks * TARGETS
