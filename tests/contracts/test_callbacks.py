"""Batches of callbacks, as they are stored, and what the streams' images tell of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.aws import ledger_items, message_items
from chalicelib.aws.callbacks import PARTS
from chalicelib.domain import keys
from chalicelib.domain.callbacks import Attempt, Batch, BatchState, Events, batch_id
from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.plans import CallKey, Plan, Target
from chalicelib.ports import World
from tests.builders import START, a_message, a_plan
from tests.contracts.conftest import Container

EXPIRES = 2_000_000_000
LAST = "v" * 16
REF = DeliveryRef(0, "push", 0)


def a_batch(key: str, number: int, **changes: Any) -> Batch:
    body = f'[{{"type":{number},"userid":"张三"}}]'.encode()
    id = batch_id(START + number, "a", body)
    return replace(Batch(id, key, "a", 1, body, EXPIRES), **changes)


def test_a_batch_is_read_as_it_was_put_and_a_later_state_replaces_it(
    container: Container, unique: str
) -> None:
    world = container()
    batch = a_batch(unique, 1)
    world.callbacks.put(batch)
    attempts = (Attempt(START, 500), Attempt(START + 50, 0, "timeout"))
    later = replace(batch, state=BatchState.FAILED, tries=2, attempts=attempts)
    world.callbacks.put(later)
    assert container().callbacks.get(unique, batch.id) == later
    assert world.callbacks.get("another", batch.id) is None


def test_batches_are_listed_by_time_without_their_bodies(world: World, unique: str) -> None:
    batches = [a_batch(unique, number) for number in range(30)]
    for batch in reversed(batches):
        world.callbacks.put(batch)
    world.callbacks.put(a_batch(f"{unique}x", 3))
    listed = world.callbacks.list(unique, "0" * 16, LAST, 0)
    assert listed == [replace(batch, body=b"") for batch in batches]
    part = world.callbacks.list(unique, batches[4].id, batches[20].id, 10)
    assert [batch.id for batch in part] == [batch.id for batch in batches[5:15]]
    newest = world.callbacks.list(unique, batches[4].id, batches[20].id, 3, newest_first=True)
    assert [batch.id for batch in newest] == [batches[n].id for n in (19, 18, 17)]
    rest = world.callbacks.list(unique, batches[4].id, batches[8].id, 10)
    assert [batch.id for batch in rest] == [batch.id for batch in batches[5:8]]


def test_a_stretch_that_ends_before_it_begins_has_no_batches(world: World, unique: str) -> None:
    world.callbacks.put(a_batch(unique, 1))
    assert world.callbacks.list(unique, LAST, "0" * 16, 10) == []


def test_a_long_list_goes_over_pages(world: World, unique: str) -> None:
    for number in range(40):
        world.callbacks.put(a_batch(unique, number))
    assert len(world.callbacks.list(unique, "0" * 16, LAST, 35)) == 35


def test_batches_are_spread_over_parts_and_sealed(
    real: World, unique: str, aws: Callable[[str], Any]
) -> None:
    from chalicelib.aws.tables import table

    for number in range(40):
        real.callbacks.put(a_batch(unique, number))
    rows = [
        row
        for part in range(PARTS)
        for row in aws("dynamodb").query(
            TableName=table("callbacks"),
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": keys.join(unique, part)}},
        )["Items"]
    ]
    assert len(rows) == 40
    assert len({row["pk"]["S"] for row in rows}) == PARTS
    assert "userid" not in str(rows)
    assert {row["expires"]["N"] for row in rows} == {str(EXPIRES)}


# -- images of the streams


def as_image(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item as a stream's record has it: bytes are Base64."""
    import base64

    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def test_items_of_a_message_with_callbacks_tell_their_records(real: World) -> None:
    message = a_message("ann", "zoe", callback={"to": "a"})
    plan = a_plan(message)
    facts = (Fact(REF, FactKind.SUBMITTED, START, "", "call"), Fact(REF, FactKind.OPENED, START))
    answer = CallAnswer(CallKey(0, 0, "push", 0), facts, START)
    vault, retention = real.vault, message.retention
    told = {
        "plan": ledger_items.plan_item(vault, plan, message),
        "answer": ledger_items.answer_item(plan.id, answer, message),
        "facts": ledger_items.facts_item(plan.id, facts, retention),
        "message": message_items.item(vault, replace(message, plan=plan)),
    }
    news = {name: real.callbacks.news(as_image(item), 7) for name, item in told.items()}
    assert {one.channel_key for one in news.values() if one} == {message.channel_key}
    assert {one.time for one in news.values() if one} == {7}
    events = {name: one.events for name, one in news.items() if one}
    assert events["plan"] == events["message"] == Events(plan.id, (), (0, 2))
    assert events["answer"] == events["facts"] == Events(plan.id, facts[:1])


def test_items_without_records_tell_nothing(real: World) -> None:
    with_callbacks = a_message("ann", callback={"to": "a"})
    plain = a_message("ann")
    plan = a_plan(plain)
    opened = [Fact(REF, FactKind.OPENED, START)]
    items = [
        ledger_items.plan_item(real.vault, plan, plain),
        message_items.item(real.vault, replace(plain, plan=plan)),
        message_items.item(real.vault, with_callbacks),  # its plan is an item of its own
        ledger_items.facts_item(plan.id, opened, with_callbacks.retention),
        ledger_items.withdrawn_item(plan.id, START, with_callbacks),
    ]
    assert [real.callbacks.news(as_image(item), 7) for item in items] == [None] * len(items)
    assert ["callbacks" in item for item in items] == [False, False, True, True, False]


def test_the_contact_of_a_lost_target_is_kept_for_its_record(real: World) -> None:
    message = a_message("app#1", callback={"to": "a"})
    targets = (Target("app#1", None, {}),)
    plan = Plan(a_plan(message).id, targets, ({"": ("reg-1",)},), START, None)
    real.ledger.put_plan(plan, message)
    stored = real.ledger.plan(plan.id, message)
    assert stored is not None
    assert stored.contacts == ({"": ("reg-1",)},)
    assert "reg-1" not in str(ledger_items.plan_item(real.vault, plan, message))
