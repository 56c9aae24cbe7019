"""Reservations of a rate limit that the jobs of a batch share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.jobs import DeliverJob
from chalicelib.flow import deliver
from chalicelib.flow.delivery.rate import MISSED
from tests.builders import a_strategy
from tests.simulation.singles import Singles

RESERVE, CALL = "rate_limiter.reserve", "provider.send"


def limited(per_second: float) -> Singles:
    simulation = Singles(strategy=a_strategy("app"), people=("ann", "bob", "cem", "ann"))
    simulation.world.providers.push.can(calls_per_second=per_second)
    simulation.submit()
    simulation.world.log.clear()
    return simulation


@pytest.mark.parametrize(
    ("per_second", "reservations", "calls"),
    [(10, 1, 4), (4, 1, 4), (3, 2, 3), (2, 2, 2), (1, 4, 1), (0.5, 4, 1)],
)
def test_a_batch_reserves_once_for_as_many_calls_as_a_second_takes(
    per_second: float, reservations: int, calls: int
) -> None:
    simulation = limited(per_second)
    simulation._next()
    log = simulation.world.log
    assert (log.count(RESERVE), log.count(CALL)) == (reservations, calls)
    (line,) = simulation.world.rate_limiter.lines.values()
    reserved = (line - simulation.world.clock.now()) / 1000 * per_second
    assert 4 <= round(reserved * 0.8, 3) <= 5


@pytest.mark.parametrize("per_second", [10, 3, 2, 1, 0.5])
def test_jobs_that_wait_for_their_turn_reserve_no_second_one(per_second: float) -> None:
    simulation = limited(per_second)
    times: list[int] = []
    simulation.world.providers.push.watchers.append(
        lambda call: times.append(simulation.world.clock.now())
    )
    simulation._next()
    before = simulation.world.log.count(RESERVE)
    simulation.run()
    assert simulation.world.log.count(RESERVE) == before
    simulation.check()
    seconds = [time // 1000 for time in times]
    assert max(seconds.count(second) for second in seconds) <= max(1, per_second)


def test_a_job_that_has_its_turn_takes_none_of_the_others() -> None:
    simulation = limited(2)
    simulation._next()
    waiting = [e.job for _, e in simulation.world.queues.waiting if isinstance(e.job, DeliverJob)]
    assert [job.slot > 0 for job in waiting] == [True, True]
    assert len({job.slot for job in waiting}) == 1


def unbegun(simulation: Singles, made: int = 0) -> tuple[list[DeliverJob], list[DeliverJob]]:
    """Begin a batch, make some of its jobs, and return all jobs, and the others as they go back."""
    world = simulation.world
    jobs = [e.job for _, e in world.queues.waiting if isinstance(e.job, DeliverJob)]
    batch = deliver.Batch(world.ports, jobs)
    for job in jobs[:made]:
        batch.deliver(world.ports, job, job.msgid)
    returned = [batch.unbegun(world.ports, job) for job in jobs[made:]]
    batch.end()
    return jobs, returned


@pytest.mark.parametrize("is_cold", [False, True])
def test_jobs_that_are_not_begun_go_back_with_the_turns_that_their_batch_has(is_cold: bool) -> None:
    simulation = limited(10)
    simulation.world.rate_limiter.is_cold = is_cold
    now = simulation.world.clock.now()
    jobs, returned = unbegun(simulation, made=1)
    assert returned == [replace(job, slot=now, turns=1) for job in jobs[1:]]
    assert simulation.world.rate_limiter.reserved["push"] == 4


def test_a_turn_that_is_left_goes_back_with_one_job() -> None:
    simulation = limited(2)
    simulation.world.rate_limiter.is_cold = True
    _, returned = unbegun(simulation, made=1)
    assert [job.turns for job in returned] == [1, 0, 0]


def test_jobs_of_a_batch_that_has_reserved_nothing_go_back_as_they_came() -> None:
    simulation = limited(10)
    simulation.world.rate_limiter.is_cold = True
    jobs, returned = unbegun(simulation)
    assert returned == jobs


def test_a_turn_that_others_will_have_is_not_taken_back() -> None:
    simulation = limited(10)
    simulation.world.rate_limiter.is_cold = True
    push, clock = simulation.world.providers.push, simulation.world.clock
    push.watchers.append(lambda call: clock.advance(MISSED / 1000))
    jobs, returned = unbegun(simulation, made=1)
    assert returned == jobs[1:]


def test_a_job_with_a_turn_of_its_own_leaves_the_others_theirs() -> None:
    simulation = limited(10)
    simulation.world.rate_limiter.is_cold = True
    world, now = simulation.world, simulation.world.clock.now()
    first, own, other = [e.job for _, e in world.queues.waiting if isinstance(e.job, DeliverJob)][
        :3
    ]
    own = replace(own, slot=7, turns=1)
    batch = deliver.Batch(world.ports, [first, own, other])
    batch.deliver(world.ports, first)
    returned = [batch.unbegun(world.ports, job) for job in (own, other)]
    assert returned == [own, replace(other, slot=now, turns=1)]
