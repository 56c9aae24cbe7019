"""Timers that came due together, some slow and some failing, on a queue that brings jobs back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Set

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import Envelope, Timer, TimerKind, TimersJob
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import tally, timers
from tests.builders import a_channel, a_message, a_msgid, a_plan, a_reachable_user
from tests.fakes.world import FakeWorld

RECEIVES = 8  # of a job, which is a dead letter then
LONG = 60  # seconds that a worker has
SLOW = 25  # seconds of a timer: two find time in a job
TIMERS = timers.TIMERS_PER_JOB


class Queue:
    """A queue with redelivery. It counts how often each timer is worked on."""

    def __init__(self, broken: Set[int], *, end_fails: int = 0) -> None:
        self.fake = FakeWorld()
        self.fake.settings.put_channel(a_channel("text"))
        self.broken, self.end_fails = broken, end_fails
        self.done, self.tried = Counter[int](), Counter[int]()
        self.dead: list[tuple[int, ...]] = []
        self.jobs = 0

    def run(self, count: int) -> None:
        polls = tuple(
            Timer(
                self.fake.clock.now(), TimerKind.POLL, ChunkId(a_msgid(n), n), Priority.LOW, "text"
            )
            for n in range(count)
        )
        sms = ChannelType.SMS
        self.fake.ports.queues.send([Envelope(TimersJob(polls), Priority.LOW, sms, "poll")])
        while (envelope := self.fake.queues.take()) is not None:
            assert isinstance(envelope.job, TimersJob)
            if not any(self._works(envelope.job) for _ in range(RECEIVES)):
                self.dead.append(tuple(timer.chunk.number for timer in envelope.job.timers))

    def _works(self, job: TimersJob) -> bool:
        self.jobs += 1
        assert self.jobs < 100 * TIMERS, "jobs make ever more jobs"
        self.fake.ends = self.fake.clock.now() + LONG * 1000
        try:
            timers.do_in_time(self.fake.ports, self._poll, job.timers, self._end)
        except ValueError:
            return False
        return True

    def _poll(self, timer: Timer) -> None:
        self.tried[timer.chunk.number] += 1
        self.fake.clock.advance(SLOW)
        if timer.chunk.number in self.broken:
            raise ValueError("broken")
        self.done[timer.chunk.number] += 1

    def _end(self) -> None:
        self.end_fails -= 1
        if self.end_fails >= 0:
            raise ValueError("the end failed")


@given(st.sets(st.integers(0, TIMERS - 1)), st.integers(1, TIMERS))
def test_what_fails_neither_keeps_others_from_their_turn_nor_repeats_them(
    broken: set[int], count: int
) -> None:
    queue = Queue(broken)
    queue.run(count)
    whole = set(range(count))
    assert set(queue.done) == whole - broken
    assert set().union(*queue.dead) & whole >= broken & whole
    for timer in whole:
        assert queue.tried[timer] <= RECEIVES + 1
    assert all(set(dead) & broken for dead in queue.dead)


def test_a_failure_of_the_work_that_is_done_together_is_repeated_timer_by_timer() -> None:
    queue = Queue(set(), end_fails=3)
    queue.run(TIMERS)
    assert set(queue.done) == set(range(TIMERS))
    assert not queue.dead
    assert queue.jobs <= 2 * TIMERS


def test_a_worker_that_is_killed_sends_nothing_of_what_comes_back() -> None:
    queue = Queue(set())
    polls = [
        Timer(0, TimerKind.POLL, ChunkId(a_msgid(n), n), Priority.LOW, "text") for n in range(9)
    ]

    def die(timer: Timer) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        timers.do_in_time(queue.fake.ports, die, polls)
    assert not queue.fake.queues.sent


def test_recounts_whose_figures_cannot_be_added_send_no_others_twice() -> None:
    """Others may be faster in every round when what chunks have gained is added together."""
    fake = FakeWorld()
    fake.ends = fake.clock.now()
    message = a_message("ann")
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message, users=[a_reachable_user("ann")]), message)
    fake.figures.crowded = True
    recounts = [
        Timer(0, TimerKind.RECOUNT, ChunkId(message.msgid, n), Priority.LOW) for n in range(3)
    ]
    tally.recount(fake.ports, recounts)
    jobs = [envelope.job for envelope in fake.queues.sent]
    assert jobs == [TimersJob(tuple(recounts[1:])), TimersJob((recounts[0],))]
