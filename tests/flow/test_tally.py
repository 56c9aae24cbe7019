"""One recount per chunk and slot, the later the older the message is."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.figures import of_line
from chalicelib.domain.funnel import count
from chalicelib.domain.jobs import Timer, TimerKind, TimersJob
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures, tally
from tests.builders import a_big_message, a_msgid, a_plan, a_strategy
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

CHUNK = ChunkId(a_msgid(), 0)


def _recounts(world: FakeWorld, seconds: int) -> int:
    """Count the recounts of a chunk that changes every second for so long."""
    for _ in range(seconds):
        tally.changed(world.ports, {CHUNK: 0})
        world.clock.advance(1)
    return len(world.timers.rows)


def test_a_chunk_that_changes_every_second_for_two_minutes_is_counted_a_few_times() -> None:
    assert _recounts(FakeWorld(clock_width=10), 125) <= 9


def test_the_clocks_width_does_not_multiply_recounts() -> None:
    world = FakeWorld(clock_width=60)
    world.clock.advance(1000)
    assert _recounts(world, 300) <= 3


def test_every_change_is_followed_by_a_recount_within_its_delay_and_the_clocks_two_widths() -> None:
    world = FakeWorld()
    for age in (0, 45, 400, 4000, 40_000):
        world.clock.time = world.clock.time + age * 1000
        world.timers.rows.clear()
        tally.changed(world.ports, {CHUNK: 0})
        slot = world.timers.next() or 0
        assert world.clock.now() < slot <= world.clock.now() + 86_400_000


def test_a_message_that_was_held_is_as_young_as_its_start() -> None:
    world = FakeWorld()
    world.clock.advance(12 * 3600)
    tally.changed(world.ports, {CHUNK: world.clock.now()})
    slot = world.timers.next() or 0
    assert slot <= world.clock.now() + 300_000


def test_chunks_that_there_is_no_time_for_are_counted_by_a_job_of_their_own() -> None:
    world = FakeWorld()
    world.ends = world.clock.now()
    timers = tuple(
        Timer(world.clock.now(), TimerKind.RECOUNT, ChunkId(a_msgid(), n), Priority.LOW)
        for n in range(3)
    )
    tally.recount(world.ports, timers)
    (envelope,) = world.queues.sent
    assert envelope.job == TimersJob(timers[1:])
    assert (envelope.priority, envelope.channel_type) == (Priority.LOW, None)


@pytest.mark.parametrize("is_withdrawn", [False, True])
def test_a_slow_worker_replaces_no_later_count(is_withdrawn: bool) -> None:
    """The later count knows of an earlier report of the same kind, or of the withdrawal."""
    fake = FakeWorld()
    message = a_big_message(strategy=a_strategy("app", "sms"))
    fake.messages.has(message)
    plan = fake.ledger.put_plan(a_plan(message), message)
    delivered = Fact(DeliveryRef(0, "push", 0), FactKind.DELIVERED, START + 30 * 86_400_000)
    fake.ledger.add(plan.id, [delivered], message)

    def others() -> None:
        if is_withdrawn:
            fake.ledger.withdraw(plan.id, START + 2, message)
        else:
            fake.ledger.add(plan.id, [delivered._replace(time=START + 1)], message)
        tally.recount_chunk(fake.ports, plan.id)

    fake.meanwhile("messages.put_counts", others, times=1)
    tally.recount_chunk(fake.ports, plan.id)
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    assert fake.messages.counts(message.msgid) == {0: count(message, chunk)}
    line = fake.figures.stored[figures.line_key(message.msgid, 0)].body
    assert line == dict(+of_line(message, chunk))
