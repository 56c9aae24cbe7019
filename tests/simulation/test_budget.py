"""Wherever a worker is ended, a budget is used by what was sent, and never exceeded."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.rules.budget import Budget
from chalicelib.flow import tally
from chalicelib.flow.rules import budget
from chalicelib.manage import budget as manage
from chalicelib.ports import Sizes
from tests.builders import SHOP, an_access_channel
from tests.fakes.world import LIMITS, FakeWorld
from tests.simulation.world import Simulation

PRICES = {"push": 0.001, "text": 0.05, "mail": 0.002}
# A big message, so that another worker plans a chunk again.
SMALL = replace(LIMITS, sizes=Sizes(chunk_targets=3, chunks_per_job=2))
ENOUGH, TIGHT = 10_000_000, 103_000


def a_simulation(most: int = ENOUGH, **changes: object) -> Simulation:
    simulation = Simulation(world=FakeWorld(SMALL), prices=PRICES, **changes)  # type: ignore[arg-type]
    manage.put(simulation.world.ports, SHOP, None, Budget(most))
    simulation.world.forget_steps()
    return simulation


def finished(simulation: Simulation, most: int = ENOUGH) -> Simulation:
    simulation.broadcast()
    simulation.run()
    simulation.world.spare()
    if simulation.msgid is not None:
        for chunk in simulation.chunks():
            tally.recount_chunk(simulation.world.ports, chunk.plan.id)
        report = simulation.report()
        assert (report["status"], report["balanced"]) == ("finished", True)
        spent = sent(simulation)
        assert used(simulation) == spent <= most
    return simulation


def used(simulation: Simulation) -> int:
    return budget.used(simulation.world.ports, an_access_channel())[1]


def sent(simulation: Simulation) -> int:
    """Return the cost of what was submitted, or may have been."""
    return sum(
        state.cost or (state.facts[FactKind.UNKNOWN].cost if state.has(FactKind.UNKNOWN) else 0)
        for chunk in simulation.chunks()
        for state in chunk.states.values()
    )


SAMPLE = finished(a_simulation()).world


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_worker_is_ended_what_is_used_is_what_was_sent(part: int) -> None:
    assert "figures.store" in SAMPLE.log
    for number in SAMPLE.kills[part::4]:
        simulation = a_simulation()
        simulation.world.kill_at(number)
        finished(simulation)


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_worker_is_ended_a_tight_budget_is_kept(part: int) -> None:
    for number in SAMPLE.kills[part::4]:
        simulation = a_simulation(TIGHT)
        simulation.world.kill_at(number)
        finished(simulation, TIGHT)


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_with_every_job_done_twice(seed: int) -> None:
    most = (ENOUGH, TIGHT)[seed % 2]
    finished(a_simulation(most, twice=seed % 3 == 0, order=random.Random(seed)), most)
