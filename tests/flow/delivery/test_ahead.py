"""Turns that the first jobs of single sends take before anything is read or claimed for them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.flow import deliver
from chalicelib.manage import delivery_channels
from tests.builders import SHOP, a_strategy
from tests.fakes.clock import START
from tests.simulation.singles import MALL, Singles

FOUR = ("ann", "bob", "cem", "ann")
RESERVE, READ, CALL = "rate_limiter.reserve", "recordings.read", "provider.send"
# Steps that a job takes which cannot rely on nobody having worked on its message.
OTHERWISE = {"messages.get", "ledger.chunk", "ledger.put_plan", "ledger.put_deferral"}


def limited(per_second: float, people: Sequence[str] = FOUR, **limit: float) -> Singles:
    """Send to people over a channel with a limit. The log begins when all is accepted."""
    simulation = Singles(strategy=a_strategy("app"), people=people)
    simulation.world.providers.push.can(**(limit or {"calls_per_second": per_second}))
    simulation.submit()
    simulation.world.log.clear()
    return simulation


def sent_back(simulation: Singles) -> list[Envelope]:
    return [e for _, e in simulation.world.queues.waiting if isinstance(e.job, DeliverJob)]


def test_jobs_that_must_wait_go_back_unread_with_their_turns() -> None:
    simulation = limited(0.5)
    now = simulation.world.clock.now()
    simulation._next()
    log = simulation.world.log
    assert [log.count(step) for step in (READ, CALL, RESERVE)] == [1, 1, 4]
    assert not OTHERWISE & set(log)
    assert [(e.job.slot - now, e.job.turns, e.delay) for e in sent_back(simulation)] == [  # type: ignore[union-attr]
        (2500, 1, 2),
        (5000, 1, 5),
        (7500, 1, 8),
    ]
    assert [(e.group, e.priority) for e in sent_back(simulation)] == [
        (key, Priority.MEDIUM) for key in (MALL, SHOP, MALL)
    ]


@pytest.mark.parametrize("per_second", [2, 0.5, 0.004])
def test_a_job_whose_turn_has_come_is_claimed_as_a_fresh_one(per_second: float) -> None:
    """With the last rate the third job waits for ten minutes, for which a chunk has a note else."""
    simulation = limited(per_second)
    simulation.run()
    log = simulation.world.log
    assert log.count("ledger.begin") == log.count(CALL) == len(FOUR)
    assert not OTHERWISE & set(log)
    simulation.check()


def test_each_job_goes_back_once_at_most_for_a_turn_within_a_quarter_of_an_hour() -> None:
    simulation = limited(0.5)
    before = len(simulation.world.queues.sent)
    simulation.run()
    jobs = [e.job for e in simulation.world.queues.sent[before:] if isinstance(e.job, DeliverJob)]
    assert len(jobs) == len({job.msgid for job in jobs}) == 3


def test_a_container_that_does_not_know_the_limit_yet_reads_first_and_records_nothing() -> None:
    simulation = limited(0.004)
    simulation.world.rate_limiter.is_cold = True
    simulation._next()
    log = simulation.world.log
    assert [log.count(step) for step in (READ, CALL, "ledger.begin")] == [1, 1, 1]
    assert not OTHERWISE & set(log)
    assert [e.job.slot > 0 for e in sent_back(simulation)] == [True] * 3  # type: ignore[union-attr]


def test_a_person_with_two_devices_reserves_the_second_one_when_it_is_known() -> None:
    simulation = limited(0, ("fay",), deliveries_per_minute=60)
    simulation.run()
    log, (line,) = simulation.world.log, simulation.world.rate_limiter.lines.values()
    assert [log.count(step) for step in (RESERVE, CALL)] == [2, 1]
    assert line - START == 2500, "two deliveries at eight tenths of one a second"
    simulation.check()


def test_jobs_whose_turns_cannot_be_taken_together_are_done_one_by_one() -> None:
    simulation = limited(10)
    simulation.world.fail(Unavailable("busy"), RESERVE, times=1)
    simulation.run()
    assert simulation.world.log.count(CALL) == len(FOUR)
    simulation.check()


@pytest.mark.parametrize(("waiting", "steps"), [(0, (1, 1)), (9, (0, 0))])
def test_a_job_that_is_worked_on_alone_takes_its_turn_first_too(
    waiting: int, steps: tuple[int, int]
) -> None:
    simulation = limited(0.5, ("ann",))
    world, ((_, envelope),) = simulation.world, simulation.world.queues.waiting
    for _ in range(waiting):
        world.rate_limiter.reserve("push", 1, 0.5, urgent=False)
    world.log.clear()
    assert isinstance(envelope.job, DeliverJob)
    deliver.deliver(world.ports, envelope.job)
    assert (world.log.count(READ), world.log.count(CALL)) == steps
    assert not OTHERWISE & set(world.log)


def test_a_paused_channel_takes_no_turns() -> None:
    simulation = limited(1)
    delivery_channels.pause(simulation.world.ports, "push", None, paused=True)
    simulation.world.log.clear()
    simulation._next()
    assert RESERVE not in simulation.world.log
    assert {e.job.slot for e in sent_back(simulation)} == {0}  # type: ignore[union-attr]


def test_a_send_that_cannot_be_made_in_time_expires_before_its_turn() -> None:
    """The fourth turn is in more than four days. A job comes back every quarter of an hour."""
    simulation = limited(0.00001)
    simulation.run()
    simulation.check()
    states = [state for chunk in simulation.chunks() for state in chunk.states.values()]
    expired = [state.facts[FactKind.EXPIRED] for state in states if state.has(FactKind.EXPIRED)]
    assert len(expired) == 3
    assert (simulation.world.clock.now() - START) / 1000 < 86400 + 2 * 900


def test_a_send_that_is_withdrawn_while_it_waits_is_not_made() -> None:
    simulation = limited(0.5)
    simulation._next()
    simulation.withdraw_all()
    simulation.run()
    assert simulation.world.log.count(CALL) == 1
    assert len(simulation.chunks()) == len(FOUR)
    assert all(chunk.withdrawn for chunk in simulation.chunks())
