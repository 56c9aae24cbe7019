"""Reservations of a rate limit that the jobs of a batch share."""

from __future__ import annotations

import pytest

from chalicelib.domain.jobs import DeliverJob
from tests.builders import a_strategy
from tests.simulation.singles import Singles

RESERVE, CALL = "rate_limiter.reserve", "provider.send"


def limited(per_second: float) -> Singles:
    simulation = Singles(strategy=a_strategy("app"), people=("ann", "bob", "cem", "ann"))
    simulation.submit()
    simulation.world.providers.push.can(calls_per_second=per_second)
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
