"""A day's quota is kept, wherever a worker is ended.

People who had to wait for another day get the message then, once.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import QuotaUsedUp
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import OutgoingCall
from chalicelib.flow import submit
from chalicelib.flow.delivery import quota
from chalicelib.ports import Sizes
from tests.builders import a_channel
from tests.fakes.clock import START
from tests.fakes.providers import ScriptedProvider
from tests.fakes.world import LIMITS, FakeWorld
from tests.flow.delivery.quotas import TURN
from tests.simulation.test_small_messages import OfOne
from tests.simulation.world import Simulation

SIZES = Sizes()
QUOTAS = {"push": 2, "text": 1, "mail": 1}


def a_simulation(sizes: Sizes = SIZES, **changes: object) -> Simulation:
    """Build five pushes, then texts and mails, of which a day takes one or two."""
    # A kill may leave some of a day unused.
    patient = replace(LIMITS, submit_within=7 * 86400, sizes=sizes)
    options = {"quotas": QUOTAS, "world": FakeWorld(patient), **changes}
    return Simulation(**options)  # type: ignore[arg-type]


def finished(simulation: Simulation) -> Simulation:
    """Check that everything is sent, once, and on no day more than its quota."""
    by_day = {
        code: watched(simulation, code, provider)
        for code, provider in providers(simulation).items()
    }
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()
        for code, days in by_day.items():
            assert not simulation.contacts(code, FactKind.EXPIRED), code
            assert max(days.values(), default=0) <= QUOTAS[code], (code, days)
    return simulation


def providers(simulation: Simulation) -> dict[str, ScriptedProvider]:
    return {**simulation.providers(), "mail": simulation.world.providers.mail}


def watched(simulation: Simulation, code: str, provider: ScriptedProvider) -> Counter[str]:
    """Count deliveries by day."""
    days, channel = Counter[str](), a_channel(code)

    def count(call: OutgoingCall) -> None:
        days[quota.today(simulation.world.ports, channel).date] += len(call.recipients)

    provider.watchers.append(count)
    return days


def test_when_a_quota_is_used_up_within_a_chunk_the_rest_goes_on_another_day() -> None:
    simulation = finished(a_simulation())
    world = simulation.world
    assert sum(world.providers.push.sent().values()) == 5
    assert world.clock.now() > START + 2 * 86_400_000, "five pushes take three days"
    assert world.log.count("provider.send") < 40
    waiting = world.clock.now() // 3_600_000 - START // 3_600_000
    assert world.log.count("ledger.put_deferral") < 10 * waiting, (
        "it is asked again each hour, not more often"
    )


@pytest.mark.parametrize("part", range(4))
def test_nothing_is_lost_or_sent_twice_wherever_a_worker_is_ended(part: int) -> None:
    """A worker may end between a reservation and its call.

    The reserved quota is lost for the day, the message is not.
    """
    sizes = Sizes(quota_ticks=9 * 60)
    sample = finished(a_simulation(sizes)).world
    assert "counters.take.done" in sample.log
    for number in sample.kills[part::4]:
        simulation = a_simulation(sizes)
        simulation.world.kill_at(number)
        finished(simulation)


@pytest.mark.parametrize("seed", range(4))
def test_in_any_order_and_with_every_job_done_twice(seed: int) -> None:
    finished(a_simulation(Sizes(chunk_targets=2), twice=seed % 2 == 0, order=random.Random(seed)))


def test_a_provider_that_says_so_itself_is_asked_each_hour_until_it_takes_more() -> None:
    simulation = a_simulation(quotas={})
    push = simulation.world.providers.push
    push.fail(*[QuotaUsedUp("45009")] * 5)
    simulation.submit()
    simulation.run()
    simulation.check()
    assert len(push.calls) == 6
    assert simulation.world.clock.now() > START + 5 * 3_600_000


def test_priority_one_goes_out_while_others_wait() -> None:
    """The quota is ten a day, of which two are for priority 1."""
    simulation = a_simulation(quotas={"push": 10})
    world, push = simulation.world, simulation.world.providers.push
    simulation.submit()
    simulation.submit()
    work(simulation)
    assert sum(push.sent().values()) == 8
    urgent = replace(simulation.request(), userids=("ann", "bob"), priority=Priority.HIGH)
    submit.submit(world.ports, urgent)
    work(simulation)
    assert world.clock.now() < START + 8 * 3_600_000, "it is still the same day"
    assert sum(push.sent().values()) == 10
    msgid = max(world.messages.stored)
    assert sorted(call.recipients[0].contact for call in push.calls if call.msgid == msgid) == [
        "reg-ann",
        "reg-bob-silent",
    ]
    simulation.run()
    assert push.sent() == Counter(
        {"reg-ann": 3, "reg-bob-silent": 3, "reg-cem-silent": 2, "reg-fay": 2, "reg-fay2-silent": 2}
    )


def work(simulation: Simulation) -> None:
    """Work for ten minutes."""
    until = simulation.world.clock.now() + 600_000
    while simulation.world.clock.now() < until and simulation._next():
        pass


def test_a_message_that_ends_before_the_day_does_says_why_and_its_strategy_goes_on() -> None:
    simulation = Simulation(
        quotas={"push": 3}, world=FakeWorld(replace(LIMITS, submit_within=5400))
    )
    simulation.submit()
    simulation.run()
    shown = simulation.report()
    assert (shown["status"], shown["balanced"]) == ("finished", True)
    assert shown["losses"]["channels"]["app"] == {"expired:quota_used_up": 2}  # type: ignore[index]
    assert sum(simulation.world.providers.push.sent().values()) == 3
    assert simulation.contacts("push", FactKind.EXPIRED) == {"reg-fay", "reg-fay2-silent"}


@pytest.mark.parametrize("person", [None, "bob"])
def test_a_day_that_is_used_up_as_it_begins_leaves_the_next_one_to_who_came_then(
    person: str | None,
) -> None:
    """Calls for quota wait for a day and some moments, longer than any others."""
    quotas = {"push": 10}
    simulation = OfOne(person=person, quotas=quotas) if person else Simulation(quotas=quotas)
    world = simulation.world
    world.clock.time = TURN + 30_000
    today = quota.today(world.ports, a_channel("push"))
    assert world.counters.take(f"quota#push#{today.date}", 10, 10, today.ends).granted
    simulation.submit()
    simulation.run()
    simulation.check()
    assert world.providers.push.sent().total() == (1 if person else 5)
    assert not simulation.contacts("push", FactKind.EXPIRED)
