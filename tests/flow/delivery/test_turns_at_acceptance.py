"""Turns of a rate limit that sends take when they are accepted, where calls wait."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from chalicelib.domain.errors import Unavailable
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.strategies import Strategy
from chalicelib.flow.delivery.postponed import MAX_DELAY
from chalicelib.manage import delivery_channels
from tests.builders import a_strategy
from tests.fakes.clock import START
from tests.simulation.singles import Singles

RESERVE, READ, CALL = "rate_limiter.reserve", "recordings.read", "provider.send"
MANY = ("ann", "bob", "cem", "fay") * 5
APP = a_strategy("app")


def limited(
    per_second: float = 2, people: Sequence[str] = MANY, strategy: Strategy = APP
) -> Singles:
    simulation = Singles(strategy=strategy, people=people)
    simulation.world.providers.push.can(calls_per_second=per_second)
    return simulation


def others_wait(simulation: Singles, seconds: int) -> None:
    """Let others reserve so many seconds of the limit."""
    simulation.world.rate_limiter.reserve("push", seconds * 4, 5, urgent=False)
    simulation.world.log.clear()


def first_jobs(simulation: Singles) -> list[tuple[int | None, int]]:
    """Return the turn (ms from the start, or None) and the delay of each job that was sent."""
    sent = [(e.job, e.delay) for e in simulation.world.queues.sent if isinstance(e.job, DeliverJob)]
    assert all(job.turns == bool(job.slot) for job, _ in sent)
    return [(job.slot - START if job.slot else None, delay) for job, delay in sent]


def test_sends_that_wait_for_others_reserve_turns_together_and_pass_their_queue_once() -> None:
    simulation = limited(4)
    others_wait(simulation, 10)
    simulation.submit()
    assert simulation.world.log.count(RESERVE) == 8, "of 1, 2, 3, 3 … turns: a second takes 3.2"
    turns = [(10_000, 10), (10_313, 10), (10_313, 10), (10_938, 11)]
    assert first_jobs(simulation)[:4] == turns
    simulation.world.log.clear()
    sent = len(simulation.world.queues.sent)
    simulation.run()
    simulation.check()
    assert RESERVE not in simulation.world.log
    jobs = [e.job for e in simulation.world.queues.sent[sent:] if isinstance(e.job, DeliverJob)]
    assert not jobs, "no job goes back to its queue"
    assert simulation.world.log.count(CALL) == len(MANY)


@pytest.mark.parametrize("per_second", [0.5, 1, 2, 10])
def test_no_second_has_more_calls_than_the_limit_says(per_second: float) -> None:
    simulation = limited(per_second)
    times: list[int] = []
    simulation.world.providers.push.watchers.append(
        lambda call: times.append(simulation.world.clock.now())
    )
    simulation.submit()
    simulation.run()
    simulation.check()
    seconds = [time // 1000 for time in times]
    assert len(times) == len(MANY)
    assert max(seconds.count(second) for second in seconds) <= max(1, per_second)


def test_a_send_whose_turn_is_now_reserves_nothing_in_its_worker() -> None:
    simulation = limited(people=("ann",))
    simulation.submit()
    assert first_jobs(simulation) == [(0, 0)]
    simulation.run()
    simulation.check()
    assert simulation.world.log.count(RESERVE) == 1


def test_a_send_is_accepted_where_the_limit_cannot_be_asked() -> None:
    simulation = limited()
    others_wait(simulation, 10)
    simulation.world.fail(Unavailable("busy"), RESERVE)
    simulation.submit()
    assert set(first_jobs(simulation)) == {(None, 0)}
    simulation.world.spare()
    simulation.run()
    simulation.check()
    assert simulation.world.log.count(CALL) == len(MANY)


def test_a_paused_channel_takes_no_turns() -> None:
    simulation = limited()
    others_wait(simulation, 10)
    delivery_channels.pause(simulation.world.ports, "push", None, paused=True)
    simulation.submit()
    assert RESERVE not in simulation.world.log


def test_a_turn_that_is_later_than_a_queue_holds_a_job_back_is_kept() -> None:
    simulation = limited(people=("ann",))
    others_wait(simulation, 2 * MAX_DELAY)
    simulation.submit()
    assert first_jobs(simulation) == [(2 * MAX_DELAY * 1000, MAX_DELAY)]
    simulation.run()
    simulation.check()
    assert simulation.world.clock.now() - START >= 2 * MAX_DELAY * 1000
    assert simulation.world.log.count(RESERVE) == 1


@pytest.mark.parametrize("strategy", [APP, a_strategy("app", "sms", within=60)], ids=("1", "2"))
def test_nothing_is_lost_wherever_somebody_who_works_on_sends_with_turns_is_ended(
    strategy: Strategy,
) -> None:
    def waiting() -> Singles:
        simulation = limited(people=MANY[:4], strategy=strategy)
        others_wait(simulation, 3)
        simulation.world.forget_steps()
        return simulation

    def finished(simulation: Singles) -> Singles:
        simulation.submit()
        simulation.run()
        simulation.check()
        return simulation

    kills = finished(waiting()).world.kills
    assert len(kills) > 40
    for number in kills:
        simulation = waiting()
        simulation.world.kill_at(number)
        finished(simulation)
