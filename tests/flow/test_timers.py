"""Items that came due together do not wait for the one that fails."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.jobs import Timer, TimerKind, TimersJob
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import timers
from tests.builders import a_channel, a_msgid
from tests.fakes.world import FakeWorld


def test_everything_is_done_before_the_first_failure_is_raised() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number % 2:
            raise ValueError(str(number))
        done.append(number)

    with pytest.raises(ValueError, match="1"):
        timers.do_all(work, range(6))
    assert done == [0, 2, 4]


def test_a_tick_that_comes_a_hair_early_finds_its_timers() -> None:
    fake = FakeWorld()
    world = fake.ports
    world.timers.set(
        [Timer(fake.clock.now(), TimerKind.CHECK, ChunkId(a_msgid(), 0), Priority.HIGH)]
    )
    (slot,) = fake.timers.started
    fake.clock.time = slot - 1
    timers.sweep(world)
    assert len(fake.timers.rows) == 1
    timers.sweep(world, slot)
    assert fake.timers.rows == set()


def test_a_tick_that_comes_late_finds_all_that_is_due_by_now() -> None:
    fake = FakeWorld()
    world = fake.ports
    for _ in range(3):
        world.timers.set(
            [Timer(fake.clock.now(), TimerKind.CHECK, ChunkId(a_msgid(), 0), Priority.HIGH)]
        )
        fake.clock.advance(60)
    fake.clock.advance(120)
    timers.sweep(world, fake.timers.started[0])
    assert fake.timers.rows == set()


def test_polls_that_there_is_no_time_for_are_a_job_of_their_own() -> None:
    """Two of four accounts are slow. The others' turn comes in the next job, not after a retry."""
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("text"))
    polls = [
        Timer(fake.clock.now(), TimerKind.POLL, ChunkId(a_msgid(n), 0), Priority.LOW, "text")
        for n in range(4)
    ]
    done: list[Timer] = []

    def slow(timer: Timer) -> None:
        done.append(timer)
        fake.clock.advance(20)

    timers.do_in_time(fake.ports, slow, polls)
    (envelope,) = fake.queues.sent
    assert done == polls[:2]
    assert envelope.job == TimersJob(tuple(polls[2:]))
    assert envelope.channel_type is ChannelType.SMS


@pytest.mark.parametrize(("priority", "done"), [(Priority.HIGH, 3), (Priority.MEDIUM, 25)])
def test_polls_of_priority_1_are_cut_short_so_that_no_code_waits_for_all_of_them(
    priority: Priority, done: int
) -> None:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("push"))
    polls = [
        Timer(fake.clock.now(), TimerKind.POLL, ChunkId(a_msgid(n), 0), priority, "push")
        for n in range(timers.TIMERS_PER_JOB)
    ]
    begun: list[Timer] = []

    def poll(timer: Timer) -> None:
        begun.append(timer)
        fake.clock.advance(1)

    timers.do_in_time(fake.ports, poll, polls)
    assert begun == polls[:done]
    left = [timer for e in fake.queues.sent for timer in e.job.timers]  # type: ignore[union-attr]
    assert left == polls[done:]
