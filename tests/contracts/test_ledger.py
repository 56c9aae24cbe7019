"""The ledger: the first put stands, claims are exclusive, a chunk is read as a whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.chunks import CallAnswer, Deferral
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import CHUNK_TARGETS
from chalicelib.domain.plans import Call, CallKey, CallState, ChunkId, Entrants
from chalicelib.ports import World
from tests.builders import a_plan, a_strategy
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, read, real_container

NOW = 1_700_000_000_000
KEY = CallKey(0, 0, "push", 0)
MINE = Call(KEY, CallState.LEASED, NOW + 60_000, "token-1", NOW, (0, 2))


def a_fact(
    target: int = 0, kind: FactKind = FactKind.DELIVERED, time: int = NOW, **changes: Any
) -> Fact:
    return Fact(DeliveryRef(target, "push", 0), kind, time, **{"source": "receipt", **changes})


def raw_items(aws: Callable[[str], Any], chunk: ChunkId) -> dict[str, dict[str, Any]]:
    answer = aws("dynamodb").query(
        TableName=table("ledger"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.join(chunk.msgid, chunk.number)}},
    )
    return {item["sk"]["S"]: item for item in answer["Items"]}


# -- plans


def test_a_plan_is_read_as_it_was_put(container: Container) -> None:
    message = a_message("ann", "nobody", "b#b", strategy=a_strategy("app", "sms"))
    plan = replace(a_plan(message, chunk=3), next=1500)
    assert container().ledger.put_plan(plan, message) == plan
    assert container().ledger.plan(plan.id) == plan
    chunk = read(container(), plan.id)
    assert chunk.plan == plan
    assert (chunk.entrants, chunk.calls, chunk.answers, chunk.reported) == ((), {}, {}, ())


def test_the_first_plan_stands(container: Container) -> None:
    message = a_message("ann", "ben")
    first, second = a_plan(message), replace(a_plan(message, users=[]), time=NOW)
    container().ledger.put_plan(first, message)
    late = container()
    assert late.ledger.put_plan(second, message) == first
    assert late.ledger.plan(first.id) == first


def test_a_chunk_without_plan_is_none_whatever_else_is_there(world: World) -> None:
    message = a_message()
    at = ChunkId(message.msgid, 0)
    assert world.ledger.plan(at) is None
    world.ledger.add(at, [a_fact()], message)
    assert world.ledger.chunk(at) is None


def test_a_plan_that_was_not_there_is_found_later(world: World) -> None:
    message = a_message()
    plan = a_plan(message)
    assert world.ledger.plan(plan.id) is None
    world.ledger.put_plan(plan, message)
    assert world.ledger.plan(plan.id) == plan


def test_chunks_do_not_mix(world: World) -> None:
    message = a_message()
    for number in (0, 1, 10):
        world.ledger.put_plan(replace(a_plan(message), id=ChunkId(message.msgid, number)), message)
        world.ledger.add(ChunkId(message.msgid, number), [a_fact(number)], message)
    chunk = read(world, ChunkId(message.msgid, 1))
    assert chunk.reported == (a_fact(1),)


# -- entrants


def test_the_first_go_list_stands(container: Container) -> None:
    message = a_message(*"abc", strategy=a_strategy())
    plan = a_plan(message)
    one = container()
    one.ledger.put_plan(plan, message)
    first = Entrants(1, 0, (0, 2), NOW)
    assert one.ledger.freeze(plan.id, first, message) == first
    assert container().ledger.freeze(plan.id, Entrants(1, 0, (1,), NOW + 1), message) == first
    second = Entrants(1, 1, (1,), NOW + 2)
    assert container().ledger.freeze(plan.id, second, message) == second
    chunk = read(one, plan.id)
    assert chunk.entrants == (first, second)


# -- answers and facts


def test_the_first_answer_stands_with_all_it_says(planned: tuple[World, ChunkId, Any]) -> None:
    world, at, message = planned
    facts = (
        a_fact(1, FactKind.SUBMITTED, provider_id="m-1"),
        a_fact(0, FactKind.SUBMIT_FAILED, code="失败"),
    )
    first = CallAnswer(KEY, facts, NOW, "call-1", (DeliveryRef(2, "push", 0),))
    assert world.ledger.put_answer(at, first, message) == first
    second = CallAnswer(KEY, (a_fact(2),), NOW + 5, "call-2")
    stored = world.ledger.put_answer(at, second, message)
    chunk = read(world, at)
    assert chunk.answers == {KEY: stored}
    assert set(stored.facts) == set(facts)
    assert replace(stored, facts=()) == replace(first, facts=())
    assert chunk.states[DeliveryRef(1, "push", 0)].submitted


def test_an_answer_keeps_whose_contact_is_dead_and_that_it_was_halved(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, chunk, message = planned
    answer = CallAnswer(
        KEY,
        (a_fact(0, FactKind.SUBMIT_FAILED),),
        NOW,
        undeliverable=(DeliveryRef(0, "push", 0), DeliveryRef(1, "push", 2)),
    )
    halved = CallAnswer(KEY._replace(start=50), (), NOW, later=answer.undeliverable, halved=True)
    for stored in (answer, halved):
        world.ledger.put_answer(chunk, stored, message)
    assert read(world, chunk).answers == {KEY: answer, halved.key: halved}


def test_an_answer_keeps_how_many_were_not_tried_yet(planned: tuple[World, ChunkId, Any]) -> None:
    world, chunk, message = planned
    later = (DeliveryRef(1, "push", 0), DeliveryRef(0, "push", 0))
    answer = CallAnswer(KEY, (), NOW, later=later, untried=1)
    world.ledger.put_answer(chunk, answer, message)
    (call, following) = read(world, chunk).answers[KEY].next_calls
    assert (call.refs, call.is_tried) == (later[:1], False)
    assert (following.refs, following.is_tried) == (later[1:], True)


def test_a_job_that_waits_says_until_when_and_the_last_word_stands(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, chunk, message = planned
    seen, other = read(world, chunk).seen, CallKey(1, 0, "push", 100)
    for wait in (
        Deferral(KEY, 100, NOW),
        Deferral(other, 200, NOW + 5, resumed=True),
        Deferral(KEY, 100, NOW + 9, for_quota=True),
    ):
        world.ledger.put_deferral(chunk, wait, message)
    stored = read(world, chunk)
    assert set(stored.deferrals) == {
        Deferral(KEY, 100, NOW + 9, for_quota=True),
        Deferral(other, 200, NOW + 5, resumed=True),
    }
    assert stored.seen == seen, "waiting is no fact"


def test_openings_and_scans_are_kept_beside_the_click(planned: tuple[World, ChunkId, Any]) -> None:
    world, chunk, message = planned
    kinds = (FactKind.SCANNED, FactKind.CLICKED, FactKind.OPENED)
    assert [world.ledger.add_click(chunk, a_fact(0, kind), message) for kind in kinds] == [
        True,
        True,
        True,
    ]
    assert [world.ledger.add_click(chunk, a_fact(0, kind, NOW + 1), message) for kind in kinds] == [
        False,
        False,
        False,
    ]
    stored = read(world, chunk)
    assert stored.state_of(DeliveryRef(0, "push", 0)).has(*kinds)
    assert len(stored.reported) == 3


def test_the_same_facts_again_in_another_order_are_the_same(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, at, message = planned
    facts = [a_fact(n, time=NOW + n) for n in range(3)]
    world.ledger.add(at, facts, message)
    world.ledger.add(at, facts[::-1] + facts, message)
    world.ledger.add(at, [a_fact(0, FactKind.CLICKED)], message)
    world.ledger.add(at, [], message)
    chunk = read(world, at)
    assert sorted(chunk.reported) == sorted([*facts, a_fact(0, FactKind.CLICKED)])


def test_only_the_first_click_of_a_delivery_is_kept(planned: tuple[World, ChunkId, Any]) -> None:
    world, at, message = planned
    click = a_fact(0, FactKind.CLICKED, source="link")
    assert world.ledger.add_click(at, click, message)
    assert not world.ledger.add_click(at, click._replace(time=NOW + 5), message)
    assert world.ledger.add_click(at, click._replace(ref=DeliveryRef(0, "push", 1)), message)
    chunk = read(world, at)
    assert sorted(f.time for f in chunk.reported) == [NOW, NOW]


# -- what only AWS does


def test_contacts_cannot_be_read_in_the_table_and_everything_expires(
    real: World, aws: Callable[[str], Any]
) -> None:
    message = a_message("ann", strategy=a_strategy("app", "sms", "email"))
    at = a_plan(message).id
    _fill(real, message)
    items = raw_items(aws, at)
    assert len(items) == 6
    assert {item["expires"]["N"] for item in items.values()} == {str(message.expires)}
    assert not [word for word in ("reg-ann", "+86-ann", "ann@example.com") if word in repr(items)]


def _fill(world: World, message: Any) -> None:
    plan = a_plan(message)
    world.ledger.put_plan(plan, message)
    world.ledger.freeze(plan.id, Entrants(1, 0, (0,), NOW), message)
    world.ledger.claim(plan.id, MINE, None, message)
    world.ledger.put_answer(plan.id, CallAnswer(KEY, (a_fact(),), NOW), message)
    world.ledger.add(plan.id, [a_fact(time=NOW + 1)], message)
    world.ledger.add_click(plan.id, a_fact(0, FactKind.CLICKED), message)


def test_the_stream_tells_what_changes_counts_of_messages_that_are_not_counted_live(
    real: World, aws: Callable[[str], Any]
) -> None:
    big, small = (
        a_message(*(f"u{n}" for n in range(101)), strategy=a_strategy()),
        a_message("ann", strategy=a_strategy()),
    )
    for message in (big, small):
        _fill(real, message)
    told = {
        sk.split("#")[0]
        for sk, item in raw_items(aws, ChunkId(big.msgid, 0)).items()
        if item.get("tally") == {"N": "1"}
    }
    untold = {
        sk.split("#")[0]
        for sk, item in raw_items(aws, ChunkId(big.msgid, 0)).items()
        if "tally" not in item
    }
    assert untold == {"call"}
    assert told >= {"plan", "go", "answer", "facts"}
    assert not [
        item for item in raw_items(aws, ChunkId(small.msgid, 0)).values() if "tally" in item
    ]


def test_a_chunk_larger_than_one_answer_is_read_whole(real: World) -> None:
    message = a_message(*(f"user-{n:04d}" for n in range(500)))
    plan = a_plan(message)
    real.ledger.put_plan(plan, message)
    noise = [
        [a_fact(t, time=NOW + n, code=f"{t * n * 7919 % 10**9}{n}") for t in range(500)]
        for n in range(200)
    ]
    for facts in noise:
        real.ledger.add(plan.id, facts, message)
    chunk = read(real_container(), plan.id)
    assert len(chunk.reported) == 100_000


def test_each_write_is_one_call_and_a_chunk_is_one_query(
    real: World, aws: Callable[[str], Any]
) -> None:
    message = a_message("ann")
    real.vault.seal(b"", "warm")
    with faults.counted(aws("dynamodb")) as calls:
        _fill(real, message)
        _fill(real, message)
        real.ledger.chunk(ChunkId(message.msgid, 0))
    assert calls == ["PutItem"] * 12 + ["Query"]


def test_a_click_whose_answer_got_lost_is_the_first(real: World, aws: Callable[[str], Any]) -> None:
    message = a_message("ann")
    with faults.lost_answer(aws("dynamodb"), "PutItem"):
        assert real.ledger.add_click(
            ChunkId(message.msgid, 0), a_fact(0, FactKind.CLICKED), message
        )


def test_a_full_chunk_is_read_by_one_query(real: World, aws: Callable[[str], Any]) -> None:
    targets = (f"user-{n:04d}" for n in range(CHUNK_TARGETS))
    message = a_message(*targets, strategy=a_strategy("app", "sms", "email"))
    plan = a_plan(message)
    real.ledger.put_plan(plan, message)
    with faults.counted(aws("dynamodb")) as calls:
        assert real_container().ledger.chunk(plan.id) is not None
    assert calls == ["Query", "GetItem"]  # the chunk, and the key of a new container


def test_a_chunk_can_be_marked_before_and_after_it_is_planned(container: Container) -> None:
    message = a_message("ann")
    at = ChunkId(message.msgid, 0)
    container().ledger.withdraw(at, 5, message)
    assert container().ledger.chunk(at) is None
    container().ledger.put_plan(a_plan(message), message)
    container().ledger.withdraw(at, 9, message)
    chunk = read(container(), at)
    assert chunk.withdrawn == 5
    other = a_message("ben")
    container().ledger.put_plan(a_plan(other), other)
    unmarked = read(container(), ChunkId(other.msgid, 0))
    assert unmarked.withdrawn is None
    assert chunk.seen == unmarked.seen + 1
