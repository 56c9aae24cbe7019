"""Documents of counts and notes of small messages: what fakes and adapters promise alike."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.domain import figures, keys, notes
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.funnel import Counts
from chalicelib.domain.messages import Message
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import CallKey, ChunkId, Entrants, TargetLoss
from chalicelib.flow import days, reach
from chalicelib.flow import figures as figures_step
from chalicelib.ports import Document, World
from tests.builders import a_plan, a_strategy, a_user
from tests.contracts import faults
from tests.contracts.conftest import a_message
from tests.contracts.messages import image_of
from tests.fakes.ledger import FakeLedger

FACTS = (
    Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, 1, "", "call", "id"),
    Fact(DeliveryRef(0, "push", 0), FactKind.DELIVERED, 900, "a#b", "webhook", "id"),
)


def document(name: str, version: int, **body: Any) -> Document:
    return Document((name, "0001"), version, body)


def test_a_document_is_stored_from_the_version_that_was_read(world: World, unique: str) -> None:
    key = (unique, "0001")
    assert world.figures.load([key]) == {}
    assert world.figures.store([document(unique, 1, planned=3)])
    assert not world.figures.store([document(unique, 1, planned=4)])
    assert world.figures.store([document(unique, 2, planned=5)])
    assert not world.figures.store([document(unique, 4, planned=6)])
    assert world.figures.load([key]) == {key: document(unique, 2, planned=5)}


def test_documents_are_stored_together_or_not_at_all(world: World, unique: str) -> None:
    assert world.figures.store([document(unique, 1, n=1)])
    others = [Document((unique, f"x{n:03d}"), 1, {"n": n}) for n in range(99)]
    assert not world.figures.store([*others, document(unique, 1, n=2)])
    assert not world.figures.load([other.key for other in others])
    assert world.figures.store([*others, document(unique, 2, n=2)])
    assert len(world.figures.load([other.key for other in others])) == 99


def test_documents_of_a_name_come_in_order(world: World, unique: str) -> None:
    later = int(time.time()) + 3600
    stored = [Document((unique, f"{n:04d}#0"), 1, {"字": n}, later) for n in range(5)]
    assert world.figures.store(stored[::-1])
    assert list(world.figures.between(unique, "0001#", "0003#~", fresh=True)) == stored[1:4]
    assert list(world.figures.between(f"{unique}y", "0", "9")) == []


def test_notes_of_a_message_say_what_its_stored_items_say(world: World) -> None:
    """A block has the figures that the ledger has, however often they are said."""
    message = a_message("ann", "bob", "zoe", strategy=a_strategy("app", "sms"), template=(7, 2))
    users = [a_user("ann", push=("r1", "r2"), text="1"), a_user("bob")]
    plan = a_plan(message, users=users)
    world.messages.create(message, plan, None)
    entrants = Entrants(1, 0, (0,), message.accepted)
    answer = CallAnswer(CallKey(0, 0, "push", 0), FACTS, message.accepted)
    at = plan.id
    world.ledger.put_plan(plan, message)
    world.ledger.freeze(at, entrants, message)
    world.ledger.put_answer(at, answer, message)
    world.ledger.add(at, FACTS[1:], message)
    world.ledger.withdraw(at, 5, message)
    said = [world.notes.of_message(image_of(world, message.msgid)), *noted(world, at)]
    world.notes.add(said[1:])
    world.notes.add(said)
    block = notes.gathered(world.notes.of_block(said[0].block))
    (held,) = [each for each in block.messages if each.message.msgid == message.msgid]
    (chunk,) = held.chunks
    stored = world.ledger.chunk(at, message)
    assert stored is not None
    counted = figures.of_chunk(held.message, chunk)
    assert counted == figures.of_chunk(message, stored)
    (cell, *_) = counted
    assert counted[cell]["template|7|planned"] == 3
    assert counted[cell][f"lost|{TargetLoss.UNKNOWN_USER}"] == 1


@pytest.mark.parametrize("in_message", [False, True])
@pytest.mark.parametrize("rated", [False, True])
def test_notes_name_targets_only_where_own_rates_are_kept(
    real: World, in_message: bool, rated: bool
) -> None:
    message = a_message("ann", "zoe", rated=rated)
    plan = a_plan(message, users=[a_user("ann", push=("r1",))])
    if in_message:
        real.messages.create(message, plan, None)
    else:
        real.ledger.put_plan(plan, message)
    note = real.notes.of_message(image_of(real, message.msgid)) if in_message else None
    said = [note] if note else [Note(plan.id, message), *noted(real, plan.id)]
    real.notes.add([*said, Note(plan.id, FACTS)])
    block = notes.gathered(real.notes.of_block(said[0].block))
    (held,) = [each for each in block.messages if each.message.msgid == message.msgid]
    assert held.message.rated == rated
    (chunk,) = held.chunks
    assert [t.id for t in chunk.plan.targets] == (["ann", "zoe"] if rated else ["", ""])
    figures_step.part_of_block(real, said[0].block)
    kept = reach.of_users(real, message.channel_key, ["ann", "zoe"])
    assert {
        userid: [m.kind for m in marks if m.msgid == message.msgid]
        for userid, marks in kept.items()
    } == ({"ann": ["app|delivered|2"]} if rated else {})


def noted(world: World, at: ChunkId) -> list[Note]:
    """Return the notes of the ledger's items, as its stream brings them."""
    if isinstance(world.ledger, FakeLedger):
        images = [{"pk": {"S": pk(at)}, "sk": {"S": sk}} for sk in world.ledger.keys_of(at)]
    else:
        images = stored_images(at)
    return [note for image in images if (note := world.notes.of_ledger(image)) is not None]


def pk(at: ChunkId) -> str:
    return f"{at.msgid}#{at.number:06d}"


def stored_images(at: ChunkId) -> list[dict[str, Any]]:
    from chalicelib.aws.clients import client
    from chalicelib.aws.tables import table

    items = client("dynamodb").query(
        TableName=table("ledger"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": pk(at)}},
    )["Items"]
    return [
        {n: {"B": base64.b64encode(v["B"]).decode()} if "B" in v else v for n, v in item.items()}
        for item in items
    ]


def test_a_block_is_counted_from_what_is_stored(world: World, unique: str) -> None:
    message = a_message("ann", channel_key=unique)
    world.messages.create(message, a_plan(message), None)
    figures_step.note(world, [world.notes.of_message(image_of(world, message.msgid))])
    part = figures_step.part_of_block(world, notes.block_of(message.msgid))
    figures_step.add(world, [part])
    figures_step.add(world, [part])
    assert total(world, message) == {
        "requests": 1,
        "users|planned": 1,
        "users|valid": 1,
        "channel|app|push|planned": 1,
        "channel|app|push|valid": 1,
    }


def test_a_batch_of_new_messages_is_noted_listed_and_timed_with_one_request(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    message = a_message("ann", channel_key=unique)
    real.messages.create(message, a_plan(message), None)
    image = image_of(real, message.msgid)
    note, entry = real.notes.of_message(image), real.messages.entry(image)
    with faults.counted(aws("dynamodb")) as calls:
        figures_step.note(real, [note], [entry])
    assert calls == ["BatchWriteItem"]
    assert note.chunk in {held.chunk for held in real.notes.of_block(note.block)}
    listed = real.messages.newest(unique, keys.message_id(message.accepted + 1, bytes(4)), 0, 9)
    assert [each.msgid for each in listed] == [message.msgid]
    rows = real.timers.due(2**42, 10_000)
    assert str(note.block) in {timer.chunk.msgid for row in rows for timer in row.timers}


def test_parts_are_loaded_once_for_each_transaction_that_stores_them(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    message = a_message("ann", channel_key=unique)
    part = figures_step.part_of_chunk(message, Chunk(a_plan(message)), Counts(seen=1))
    with faults.counted(aws("dynamodb")) as calls:
        figures_step.add(real, [part])
    reads_of_parts_and_cells = 2
    assert calls.count("BatchGetItem") == reads_of_parts_and_cells
    assert calls.count("TransactWriteItems") == 1
    assert total(real, message)["users|planned"] == 1


def total(world: World, message: Message) -> dict[str, int]:
    quarter = figures.quarter_of(message.accepted)
    first, last = f"{quarter:07d}#", f"{quarter:07d}#~"
    (cell,) = world.figures.between(f"figures#{message.channel_key}", first, last, fresh=True)
    return dict(cell.body)


def test_a_year_of_a_hundred_access_channels_is_six_requests(
    real: World, aws: Callable[[str], Any]
) -> None:
    year = range(20_500, 20_866)
    spans = sorted({days.span_key("", day)[1] for day in year})
    wanted = [(days.span_key(f"k{n}", 0)[0], span) for n in range(100) for span in spans]
    with faults.counted(aws("dynamodb")) as calls:
        real.figures.load(wanted)
    assert calls == ["BatchGetItem"] * len(spans)
    assert len(calls) <= 6
