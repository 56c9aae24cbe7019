"""The budget of an access channel's month: who is left out, what warns, and what is exempt."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Conflict, NoMessageId
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.budget import Budget, granted, month_of
from chalicelib.domain.rules.caps import ANY, Cap
from chalicelib.flow import submit, withdraw
from chalicelib.flow.rules import budget, counted
from chalicelib.manage import budget as manage
from chalicelib.manage import caps, delivery_channels
from chalicelib.reports import simulation as simulations
from tests.builders import SHOP, a_strategy, a_template
from tests.fakes.steps import Killed
from tests.simulation.world import Simulation

TEXT = 50_000  # millionths that an SMS costs


def a_simulation(*types: str, most: int, **changes: Any) -> Simulation:
    """Everybody gets all types at once. Only SMS costs something."""
    simulation = Simulation(strategy=a_strategy(*types), prices={"text": 0.05})
    kinds = [kind.value for kind in simulation.strategy.channels]
    simulation.world.settings.put_template(a_template(2, kinds))
    manage.put(simulation.world.ports, SHOP, None, Budget(most, **changes))
    simulation.world.log.clear()
    return simulation


def a_request(simulation: Simulation, *userids: str, **changes: Any) -> Any:
    access = simulation.world.settings.access_channel(SHOP)
    request = replace(simulation.request(), channel=access, template=2, rule_id=1)
    named = userids or ("ann", "bob", "cem", "dan")
    return replace(request, **{"userids": named, **changes})


def send(simulation: Simulation, *userids: str, **changes: Any) -> str:
    request = a_request(simulation, *userids, **changes)
    return submit.submit(simulation.world.ports, request)


def losses(simulation: Simulation, msgid: str) -> list[tuple[Any, Any]]:
    plan = simulation.world.ledger.plan(ChunkId(msgid, 0)) or (
        simulation.world.messages.stored[msgid].plan
    )
    assert plan is not None
    return [(target.loss, dict(target.refused)) for target in plan.targets]


def used(simulation: Simulation) -> int:
    return budget.used(simulation.world.ports, shop(simulation))[1]


def shop(simulation: Simulation) -> AccessChannel:
    channel = simulation.world.settings.access_channel(SHOP)
    assert channel is not None
    return channel


def test_who_does_not_fit_is_lost_over_budget() -> None:
    simulation = a_simulation("sms", most=2 * TEXT + 1)
    msgid = send(simulation)
    lost = ("over_budget", {"text": "over_budget"})
    assert losses(simulation, msgid) == [(None, {}), (None, {}), lost, lost]
    assert used(simulation) == 2 * TEXT
    simulation.run()
    assert simulation.world.providers.text.sent().total() == 2
    assert used(simulation) == 2 * TEXT


def test_a_person_keeps_the_channels_that_cost_nothing() -> None:
    simulation = a_simulation("app,sms", most=0)
    msgid = send(simulation, "ann", "dan")
    assert losses(simulation, msgid) == [
        (None, {"text": "over_budget"}),
        ("over_budget", {"text": "over_budget"}),  # dan has no app
    ]


def test_a_later_step_is_counted_when_people_enter_it() -> None:
    simulation = a_simulation("app", "sms", most=TEXT)
    msgid = send(simulation, "bob", "cem")
    assert used(simulation) == 0
    simulation.run()
    message = simulation.world.messages.stored[msgid]
    chunk = simulation.world.ledger.chunk(ChunkId(msgid, 0), message)
    assert chunk is not None
    assert dict(chunk.refused) == {(1, "text"): "over_budget"}
    assert used(simulation) == TEXT


def test_what_was_not_submitted_gives_its_cost_back() -> None:
    simulation = a_simulation("sms", most=10 * TEXT)
    delivery_channels.pause(simulation.world.ports, "text", None, paused=True)
    send(simulation)
    assert used(simulation) == 4 * TEXT
    simulation.run()  # until the deliveries have expired
    assert used(simulation) == 0


def test_exempt_priorities_are_neither_counted_nor_refused() -> None:
    simulation = a_simulation("sms", most=0)
    msgid = send(simulation, priority=Priority.HIGH)
    assert [loss for loss, _ in losses(simulation, msgid)] == [None] * 4
    assert used(simulation) == 0


def test_without_a_budget_or_prices_nothing_is_read() -> None:
    simulation = a_simulation("sms", most=0)
    delivery_channels.change(simulation.world.ports, "text", None, {"price": None})
    simulation.world.log.clear()
    send(simulation)
    manage.put(simulation.world.ports, SHOP, None, None)
    send(simulation)
    assert not [step for step in simulation.world.log if step.startswith("figures.")]


def test_it_warns_once_at_the_share_and_whenever_somebody_is_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    simulation = a_simulation("sms", most=5 * TEXT, warn_at=0.5)
    for userids, told in (
        (("ann", "bob"), []),
        (("cem",), ["budget_warned"]),
        (("dan",), []),
        (("ann", "bob"), ["budget_used_up"]),
    ):
        observability._metrics.clear()
        caplog.clear()
        send(simulation, *userids)
        events = [record.message for record in caplog.records]
        assert [event for event in events if event.startswith("budget_")] == told
        assert observability._metrics.get("budgets_short", 0) == len(told)


def test_a_message_that_is_not_stored_gives_its_cost_back() -> None:
    simulation = a_simulation("sms", most=10 * TEXT)
    simulation.world.fail(Conflict("taken"), "messages.create")
    with pytest.raises(NoMessageId):
        send(simulation)
    assert used(simulation) == 0


def test_a_simulation_says_who_is_over_budget_and_counts_nothing() -> None:
    simulation = a_simulation("sms", most=TEXT)
    for _ in range(2):
        answer = simulations.simulate(simulation.world.ports, a_request(simulation))
        assert answer["losses"]["users"] == {"over_budget": 3}
        assert answer["cost"] == 0.05
    assert used(simulation) == 0
    assert not observability._metrics


def test_a_raised_budget_holds_at_once_and_a_new_month_begins_at_zero() -> None:
    simulation = a_simulation("sms", most=0)
    assert {loss for loss, _ in losses(simulation, send(simulation))} == {"over_budget"}
    manage.put(simulation.world.ports, SHOP, None, Budget(4 * TEXT))
    assert {loss for loss, _ in losses(simulation, send(simulation))} == {None}
    assert used(simulation) == 4 * TEXT
    simulation.world.clock.advance(40 * 86400)
    assert used(simulation) == 0


def test_months_are_the_deployments_and_costs_are_granted_in_order() -> None:
    end_of_november = 1796054400000  # 2026-11-30T16:00Z
    assert month_of(end_of_november, 8) == "2026-12"
    assert month_of(end_of_november, 0) == "2026-11"
    assert granted([3, 5, 2, 0], 5) == [True, False, True, True]
    assert granted([1], -3) == [False]


def test_a_channel_without_budget_counts_for_no_cap() -> None:
    """A message whose jobs one queue takes has no check that would give marks back."""
    simulation = a_simulation("app,sms", most=0)
    caps.put(simulation.world.ports, SHOP, None, [Cap(1, 24, "sms"), Cap(5, 24)])
    send(simulation, "ann")
    simulation.run()
    marks = simulation.world.marks.of(f"cap#{SHOP}#user#ann")
    assert [mark.kind for mark in marks] == [ANY]
    manage.put(simulation.world.ports, SHOP, None, None)
    assert losses(simulation, send(simulation, "ann")) == [(None, {})]


def test_a_step_that_nobody_enters_after_a_worker_died_counts_nothing() -> None:
    """The worker dies before it freezes Bob as an entrant, and then his receipt comes."""
    simulation = a_simulation("app", "sms", most=TEXT)
    world, died = simulation.world, list[int]()
    msgid = send(simulation, "bob")

    def strike(number: int, name: str) -> None:
        if name == "ledger.freeze" and not died:
            died.append(used(simulation))
            at, time = ChunkId(msgid, 0), world.clock.now()
            fact = Fact(DeliveryRef(0, "push", 0), FactKind.DELIVERED, time)
            world.ledger.add(at, [fact], world.messages.stored[msgid])
            raise Killed(name)

    world.on_step = strike
    simulation.run()
    assert died == [TEXT]
    assert not world.providers.text.taken
    assert used(simulation) == 0


def test_a_chunk_that_is_withdrawn_after_its_planner_died_counts_nothing() -> None:
    simulation = a_simulation("sms", most=10 * TEXT)
    caps.put(simulation.world.ports, SHOP, None, [Cap(5, 24)])
    world, died = simulation.world, list[int]()
    msgid = send(simulation, everyone=True, userids=())

    def strike(number: int, name: str) -> None:
        if name == "ledger.put_plan" and not died:
            died.append(used(simulation))
            assert world.marks.of(f"cap#{SHOP}#user#ann")
            withdraw.withdraw(world.ports, SHOP, msgid)
            raise Killed(name)

    world.on_step = strike
    simulation.run()
    assert died == [4 * TEXT]
    assert not world.providers.text.taken
    assert used(simulation) == 0
    assert not world.marks.of(f"cap#{SHOP}#user#ann")


def test_who_clicks_before_the_submission_is_recorded_costs_as_much() -> None:
    simulation = a_simulation("sms", most=10 * TEXT)
    msgid = send(simulation)
    world, at = simulation.world, ChunkId(msgid, 0)
    message = world.messages.stored[msgid]
    click = Fact(DeliveryRef(0, "text", 0), FactKind.CLICKED, world.clock.now())
    world.ledger.add(at, [click], message)
    counted.settle(world.ports, message, at)
    assert used(simulation) == 4 * TEXT


def test_a_worker_that_counts_later_what_it_read_earlier_changes_nothing() -> None:
    simulation = a_simulation("sms", most=10 * TEXT)
    msgid = send(simulation)
    world, at = simulation.world, ChunkId(msgid, 0)
    message, earlier = world.messages.stored[msgid], world.ledger.chunk(at)
    time = world.clock.now()
    lost = [Fact(DeliveryRef(t, "text", 0), FactKind.EXPIRED, time) for t in range(4)]
    world.ledger.add(at, lost, message)
    counted.settle(world.ports, message, at)
    assert earlier is not None
    counted.settle_chunk(world.ports, message, earlier)
    assert used(simulation) == 0
