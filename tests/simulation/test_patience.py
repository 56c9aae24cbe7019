"""Batches of a slow provider, whose workers hand back what they have not begun after seconds."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.jobs import DeliverJob
from tests.builders import a_strategy
from tests.fakes.clock import START
from tests.flow.delivery.test_ahead import CALL, OTHERWISE, RESERVE
from tests.simulation.singles import Singles, finished

PACE = 2  # seconds of a call, so that a batch makes three
FOUR = ("ann", "bob", "cem", "fay")
TEN = ("ann", "bob", "cem", "ann", "bob", "cem", "ann", "bob", "cem", "ann")


def slow(people: tuple[str, ...] = FOUR, *, tokens: bool = True) -> Singles:
    simulation = Singles(strategy=a_strategy("app"), people=people, pace=PACE, size=10)
    if not tokens:
        simulation.world.providers.push.can(token_life=None)
    return simulation


@pytest.mark.parametrize("tokens", [True, False])
def test_what_is_handed_back_is_not_lost_or_doubled_wherever_its_worker_is_ended(
    tokens: bool,
) -> None:
    sample = finished(slow(tokens=tokens))
    assert (len(sample.returned), sample.deaths) == (1, 0)
    assert sample.world.providers.push.sent().total() == 5, "fay has two devices"
    for number in sample.world.kills:
        simulation = slow(tokens=tokens)
        simulation.world.kill_at(number)
        finished(simulation)


def test_a_job_waits_for_others_for_five_seconds_and_a_call() -> None:
    simulation = slow(TEN)
    simulation.submit()
    simulation._next()
    assert (simulation.world.log.count(CALL), len(simulation.returned)) == (3, 7)
    assert simulation.world.clock.now() - START == 3 * PACE * 1000


@pytest.mark.parametrize("is_cold", [False, True])
@pytest.mark.parametrize("per_second", [10, 1])
def test_no_turn_of_a_slow_channel_is_wasted(per_second: float, is_cold: bool) -> None:
    """The jobs that a batch did not begin take the turns that it has reserved for them."""
    simulation, times = slow(TEN), list[int]()
    push, limiter = simulation.world.providers.push, simulation.world.rate_limiter
    push.can(calls_per_second=per_second)
    push.watchers.insert(0, lambda call: times.append(simulation.world.clock.now() - START))
    limiter.is_cold = is_cold
    finished(simulation)
    assert limiter.reserved == Counter(push=len(TEN))
    assert simulation.world.log.count(CALL) == len(TEN)
    turns = [int(n / (0.8 * per_second)) * 1000 for n in range(len(TEN))]
    assert all(time >= turn for time, turn in zip(times, turns, strict=True)), times


def test_a_job_that_was_handed_back_with_its_turn_is_claimed_as_a_fresh_one() -> None:
    simulation = slow(TEN)
    simulation.world.providers.push.can(calls_per_second=10)
    simulation.submit()
    simulation.world.log.clear()
    simulation.run()
    jobs = [envelopes.decode_channel(text) for text in simulation.returned]
    assert {job.turns for job in jobs if isinstance(job, DeliverJob)} == {1}
    assert (simulation.world.log.count(RESERVE), len(jobs)) == (1, 7 + 4 + 1)
    assert not OTHERWISE & set(simulation.world.log)
