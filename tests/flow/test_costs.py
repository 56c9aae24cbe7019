"""Costs on the way of a message: the price that holds at submission, for each person's own text."""

from __future__ import annotations

from typing import Any

from chalicelib.domain.plans import ChunkId
from chalicelib.manage import delivery_channels
from chalicelib.reports import message as report
from tests.builders import SHOP
from tests.simulation.world import Simulation


def a_simulation(**prices: Any) -> Simulation:
    simulation = Simulation()
    changed(simulation, **prices)
    return simulation


def changed(simulation: Simulation, **prices: Any) -> None:
    delivery_channels.change(simulation.world.ports, "text", None, prices)


def costs(simulation: Simulation) -> list[int]:
    world = simulation.world
    ((msgid, message),) = world.messages.stored.items()
    chunk = world.ledger.chunk(ChunkId(msgid, 0), message)
    assert chunk is not None
    return sorted(state.cost for state in chunk.states.values() if state.cost)


def reported(simulation: Simulation) -> Any:
    (msgid,) = simulation.world.messages.stored
    return report.message(simulation.world.ports, SHOP, msgid)


def test_a_submitted_delivery_has_the_cost_of_its_number() -> None:
    simulation = a_simulation(price=0.045, prefixes={"+1003": 0.3})
    simulation.submit()
    simulation.run()
    assert costs(simulation) == [45_000] * 3  # these numbers have no country
    answer = reported(simulation)
    assert answer["cost"] == {"total": 0.135, "channels": {"sms": 0.135}, "currency": "CNY"}
    assert answer["status"] == "finished"
    assert answer["ended"] >= answer["accepted"]


def test_without_prices_nothing_is_counted() -> None:
    simulation = a_simulation()
    simulation.submit()
    simulation.run()
    assert costs(simulation) == []
    assert reported(simulation)["cost"] == {"total": 0, "channels": {}, "currency": "CNY"}


def test_a_later_price_does_not_change_what_was_submitted() -> None:
    simulation = a_simulation(price=0.045)
    simulation.submit()
    simulation.run()
    changed(simulation, price=9.0)
    assert reported(simulation)["cost"]["total"] == 0.135
    first, second = delivery_channels.price_lists(simulation.world.ports, "text")
    assert (first.price, second.price) == (None, 0.045)


def test_the_price_of_the_submission_counts_not_that_of_the_acceptance() -> None:
    simulation = a_simulation(price=0.045)
    simulation.submit()
    changed(simulation, price=0.1)
    simulation.run()
    assert costs(simulation) == [100_000] * 3
