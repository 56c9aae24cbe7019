"""Plans that are put with the record of their first call, and plans that are read together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.domain.plans import CallState, ChunkId
from chalicelib.ports import World
from tests.builders import a_plan
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, read
from tests.contracts.test_ledger import KEY, MINE, NOW


def begun(world: World) -> tuple[ChunkId, Any]:
    """Put a plan with the record of its first call."""
    message = a_message("ann")
    plan = a_plan(message)
    assert world.ledger.begin(plan, MINE, message)
    return plan.id, message


def test_a_plan_that_was_put_with_a_call_is_read_with_it(container: Container) -> None:
    at, message = begun(container())
    chunk = read(container(), at)
    assert (chunk.calls, chunk.first_call) == ({KEY: MINE}, KEY)
    assert container().ledger.plan(at, message) == chunk.plan == a_plan(message)


def test_one_of_two_workers_begins(world: World) -> None:
    _, message = begun(world)
    assert not world.ledger.begin(a_plan(message), MINE, message)
    other = a_message("bob")
    plan = world.ledger.put_plan(a_plan(other), other)
    assert not world.ledger.begin(plan, MINE, other)
    assert read(world, plan.id).first_call is None


def test_a_call_that_was_put_with_the_plan_is_replaced_once(world: World) -> None:
    at, message = begun(world)
    released = replace(MINE, state=CallState.RELEASED, lease=0)
    assert world.ledger.claim(at, released, MINE, message) is None
    assert read(world, at).calls == {KEY: released}
    again = replace(MINE, lease=NOW + 90_000)
    assert world.ledger.claim(at, again, MINE, message) == released
    assert world.ledger.claim(at, again, released, message) is None
    assert read(world, at).calls == {KEY: again}
    assert read(world, at).first_call == KEY


def test_a_plan_whose_answer_was_lost_on_the_way_is_begun_all_the_same(
    real: World, aws: Callable[[str], Any]
) -> None:
    with faults.lost_answer(aws("dynamodb"), "PutItem"):
        at, _ = begun(real)
    assert read(real, at).calls == {KEY: MINE}


def test_plans_of_several_chunks_are_read_at_once(container: Container) -> None:
    begun, alone, never = (a_message(name) for name in ("ann", "bob", "cem"))
    world = container()
    world.ledger.begin(a_plan(begun), MINE, begun)
    world.ledger.put_plan(a_plan(alone), alone)
    messages = {ChunkId(m.msgid, 0): m for m in (begun, alone, never)}
    plans = {plan.id: plan for plan in (a_plan(begun), a_plan(alone))}
    late = container()
    assert late.ledger.plans(messages) == plans
    assert late.ledger.plans(messages) == plans


def test_plans_of_several_chunks_are_one_request(real: World, aws: Callable[[str], Any]) -> None:
    """The plan that a message holds is not read."""
    held, *others = (a_message(name) for name in ("ann", "bob", "cem"))
    held = replace(held, plan=a_plan(held))
    messages = {ChunkId(m.msgid, 0): m for m in (held, *others)}
    with faults.counted(aws("dynamodb")) as calls:
        plans = real.ledger.plans(messages)
    assert (calls, plans) == (["BatchGetItem"], {a_plan(held).id: a_plan(held)})
