"""Frequency caps on the way of a message: counted once, and given back by who falls out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Rejected
from chalicelib.domain.plans import ChunkId, Target, TargetLoss
from chalicelib.domain.rules.caps import ANY, Cap, Mark
from chalicelib.flow import audience, single, submit, withdraw
from chalicelib.flow.rules import caps
from chalicelib.manage import caps as manage
from chalicelib.ports import IdempotencyKey
from tests.builders import SHOP, a_message, a_reachable_user, a_strategy, a_template
from tests.fakes.world import LIMITS, FakeWorld
from tests.simulation.world import Simulation

DAILY = Cap(1, 24)


def a_simulation(*limits: Cap, **changes: Any) -> Simulation:
    simulation = Simulation(strategy=a_strategy("app"), **changes)
    capped(simulation, *limits)
    return simulation


def capped(simulation: Simulation, *limits: Cap) -> None:
    """Set the caps of the access channel, as an operator does."""
    kinds = [kind.value for kind in simulation.strategy.channels]
    simulation.world.settings.put_template(a_template(2, kinds))
    manage.put(simulation.world.ports, SHOP, None, limits)
    simulation.world.forget_steps()


def send(simulation: Simulation, *userids: str, **changes: Any) -> str:
    access = simulation.world.settings.access_channel(SHOP)
    request = replace(simulation.request(), channel=access, userids=userids or ("ann",))
    template = {"template": 2, "rule_id": 1}
    return submit.submit(simulation.world.ports, replace(request, **{**template, **changes}))


def losses(simulation: Simulation, msgid: str) -> Mapping[str, str | None]:
    message = simulation.world.messages.stored[msgid]
    single.chunk_of(simulation.world.ports, ChunkId(msgid, 0), message)
    plans = [simulation.world.ledger.plan(at) for at in simulation.world.ledger.partitions]
    return {
        target.id: target.loss
        for plan in plans
        if plan and plan.id.msgid == message.msgid
        for target in plan.targets
    }


def marks(simulation: Simulation, userid: str = "ann") -> Sequence[Mark]:
    return simulation.world.marks.of(f"cap#{SHOP}#user#{userid}")


def test_a_message_more_than_the_cap_is_a_loss_with_a_reason_of_its_own() -> None:
    simulation = a_simulation(DAILY)
    assert losses(simulation, send(simulation)) == {"ann": None}
    assert losses(simulation, send(simulation, "ann", "bob")) == {"ann": "capped", "bob": None}
    simulation.world.clock.advance(86400)
    assert losses(simulation, send(simulation)) == {"ann": None}


def test_messages_of_an_exempt_priority_go_out_and_do_not_count() -> None:
    simulation = a_simulation(DAILY)
    for _ in range(3):
        urgent = send(simulation, priority=Priority.HIGH)
        assert losses(simulation, urgent) == {"ann": None}
    assert losses(simulation, send(simulation)) == {"ann": None}


def test_a_cap_of_a_channel_type_leaves_the_other_channels() -> None:
    simulation = Simulation(strategy=a_strategy("app,sms"))
    capped(simulation, Cap(1, 24, "sms"))
    send(simulation)
    msgid = send(simulation)
    (chunk,) = [c for c in _chunks(simulation) if c.plan.id.msgid == msgid]
    assert chunk.plan.targets[0] == Target("ann", None, {"push": 1}, {"text": "capped"})
    simulation.run()
    assert simulation.world.providers.text.sent() == {"1001": 1}
    assert simulation.world.providers.push.sent() == {"reg-ann": 2}


def _chunks(simulation: Simulation) -> list[Any]:
    ledger = simulation.world.ledger
    return [chunk for at in ledger.partitions if (chunk := ledger.chunk(at)) is not None]


def test_two_messages_at_once_never_exceed_the_cap() -> None:
    """The second message is counted between the first one's reading and its writing."""
    simulation = a_simulation(DAILY)
    others: list[str] = []

    def meanwhile(number: int, name: str) -> None:
        if name == "marks.put" and not others:
            others.append("")
            others[0] = send(simulation)

    simulation.world.on_step = meanwhile
    first = send(simulation)
    assert losses(simulation, others[0]) == {"ann": None}
    assert losses(simulation, first) == {"ann": "capped"}
    assert len(marks(simulation)) == 1


def test_without_caps_nothing_is_read_or_written() -> None:
    simulation = a_simulation()
    send(simulation)
    simulation.run()
    assert not [step for step in simulation.world.log if step.startswith("marks.")]


def test_a_chunk_is_counted_with_one_read_and_one_write_per_hundred_people() -> None:
    world = FakeWorld()
    world.users.has(*(a_reachable_user(f"u{n}") for n in range(250)))
    message = a_message(*(f"u{n}" for n in range(250)), caps=(DAILY, Cap(3, 48)))
    world.log.clear()
    audience.make_plan(world.ports, message, 0, "")
    assert world.log.count("marks.get") == 1, "the port reads 100 with a request"
    assert world.log.count("marks.put") == 3
    assert world.log.count("marks.get.done") == 1


def test_who_was_not_submitted_gives_the_count_back() -> None:
    simulation = a_simulation(DAILY)
    simulation.world.providers.push.fail(Rejected("no"))
    send(simulation)
    assert len(marks(simulation)) == 1
    simulation.run()
    assert marks(simulation) == ()
    assert losses(simulation, send(simulation)) == {"ann": None}


def test_a_withdrawn_message_gives_the_count_back() -> None:
    simulation = a_simulation(DAILY)
    msgid = send(simulation)
    withdraw.withdraw(simulation.world.ports, SHOP, msgid)
    simulation.run()
    assert marks(simulation) == ()


def test_a_message_that_expires_gives_the_count_back() -> None:
    simulation = a_simulation(DAILY, world=FakeWorld(replace(LIMITS, submit_within=3600)))
    send(simulation)
    simulation.world.clock.advance(3601)
    simulation.run()
    assert simulation.world.providers.push.sent() == {}
    assert marks(simulation) == ()


def test_a_refused_repeat_under_an_idempotency_key_gives_the_count_back() -> None:
    simulation = a_simulation(Cap(5, 24))
    access = simulation.world.settings.access_channel(SHOP)
    request = replace(simulation.request(), channel=access, userids=("ann",), template=2)
    key = IdempotencyKey("once#shop#k", "digest")
    first = submit.submit(simulation.world.ports, request, key)
    assert submit.submit(simulation.world.ports, request, key) == first
    assert [mark.msgid for mark in marks(simulation)] == [first]


def test_a_later_step_leaves_out_a_channel_that_is_capped_and_goes_on() -> None:
    simulation = Simulation(strategy=a_strategy("app", "sms", "email"))
    capped(simulation, Cap(1, 24, "sms"))
    send(simulation, "cem")
    simulation.run()
    second = send(simulation, "cem")
    simulation.run()
    assert simulation.world.providers.text.sent() == {"1003-silent": 1}
    assert simulation.world.providers.mail.sent() == {"cem@example.com": 2}
    (chunk,) = [c for c in _chunks(simulation) if c.plan.id.msgid == second]
    assert chunk.refused == {(0, "text"): "capped"}


def test_a_plan_of_another_worker_that_stands_is_what_counts() -> None:
    simulation = a_simulation(DAILY)
    world = simulation.world
    message = a_message("ann", "bob", strategy=a_strategy("app"), caps=(DAILY,))
    world.users.has(a_reachable_user("ann"))
    made = audience.make_plan(world.ports, message, 0, "")
    stood = replace(made, targets=(made.targets[0]._replace(loss=TargetLoss.OPTED_OUT),))
    assert [mark.kind for mark in marks(simulation)] == [ANY]
    caps.give_back_plan(world.ports, message, made, stood)
    assert marks(simulation) == ()


def test_a_worker_that_always_loses_gives_up() -> None:
    simulation = a_simulation(DAILY)
    simulation.world.meanwhile("marks.put", simulation.world.marks.touch)
    with pytest.raises(TimeoutError):
        send(simulation)
