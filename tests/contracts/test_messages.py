"""Messages: accepted whole or not at all, counts that only grow, links that outlive them."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws.tables import LINK_DAYS, table
from chalicelib.domain import keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Conflict
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message, Summary
from chalicelib.domain.plans import ChunkId
from chalicelib.flow.resolve import CONTENT_LIMIT
from chalicelib.ports import IdempotencyKey, World
from tests.builders import a_plan, a_reachable_user, a_strategy
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, real_container
from tests.liveness import is_recent


def first_check(message: Message) -> Timer:
    return Timer(
        message.accepted + 300_000, TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority
    )


def create(world: World, message: Message, *, with_plan: bool = False) -> None:
    world.messages.create(message, a_plan(message) if with_plan else None, first_check(message))


FULL: dict[str, Any] = {
    "strategy": a_strategy("app", "sms,email", missing="clicked", within=300, operator="or"),
    "priority": Priority.HIGH,
    "contents": {
        "push": {"alert": "你好 {{url}}", "extras": {"n": 1, "list": [True, None]}},
        "text": {"text": "x"},
    },
    "links": {"url": "https://example.com/?q=a&b=1"},
    "template": (7, 2),
    "rule_id": 9,
    "app_para": {"platform": ["android"], "time_to_live": 60},
    "sendno": "n-1",
    "owner": "o",
    "black_id": 3,
    "workers": {"text": "cmpp"},
    "callback": {"url": "https://example.com/cb", "params": {"a": 1}},
}


def test_a_message_is_read_as_it_was_created(container: Container) -> None:
    message = a_message("ann", "ben", **FULL)
    create(container(), message)
    assert container().messages.get(message.msgid) == message
    assert container().messages.links(message.msgid) == message.links


def test_there_is_no_message_and_no_link_by_an_unknown_id(world: World) -> None:
    unknown = a_message().msgid
    assert world.messages.get(unknown) is None
    assert world.messages.links(unknown) is None
    assert world.messages.counts(unknown) == {}


def test_a_message_without_links_has_none(container: Container) -> None:
    message = a_message()
    create(container(), message)
    assert not container().messages.links(message.msgid)


def test_plan_and_first_timer_are_stored_with_it(container: Container) -> None:
    message = a_message("ann")
    create(container(), message, with_plan=True)
    other = container()
    assert other.ledger.plan(ChunkId(message.msgid, 0)) == a_plan(message)
    due = [
        t
        for t in other.timers.due(message.accepted + 10**7, 1000)
        if t.chunk.msgid == message.msgid
    ]
    assert [(t.kind, t.chunk, t.priority) for t in due] == [
        (TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority)
    ]


def test_contacts_of_every_type_are_kept_however_long_they_are(container: Container) -> None:
    """Store as many and as long contacts as a request may name, with the longest contents.

    No single item holds them.
    """
    chance = random.Random(1)

    def noise(length: int) -> str:
        return "".join(
            chance.choices([chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"\\\\'], k=length)
        )

    contacts = [noise(256) for _ in range(1000 * len(ChannelType))]
    names = [f"wechatwk_linkedcorp#{chance.randbytes(8).hex()}" for _ in contacts]
    contents = {"push": {"text": noise(CONTENT_LIMIT - 30)}}
    message = a_message(*names, contents=contents, audience=Audience(AudienceKind.CONTACTS))
    container().messages.create(message, None, first_check(message), contacts)
    late = container()
    assert late.messages.get(message.msgid) == message
    assert list(late.messages.contacts(message.msgid)) == contacts


def test_contacts_that_are_not_all_in_the_first_plan_are_kept(container: Container) -> None:
    message = a_message("sms#1", "sms#2", audience=Audience(AudienceKind.CONTACTS))
    container().messages.create(
        message, a_plan(message, next="1"), first_check(message), ["13900001111", "13900002222"]
    )
    assert list(container().messages.contacts(message.msgid)) == ["13900001111", "13900002222"]


def test_an_id_that_is_taken_stores_nothing_of_the_second_message(container: Container) -> None:
    first = a_message("ann")
    create(container(), first)
    second = replace(first, userids=("ben",), links={"url": "https://example.com"})
    with pytest.raises(Conflict):
        create(container(), second, with_plan=True)
    late = container()
    assert late.messages.get(first.msgid) == first
    assert not late.messages.links(first.msgid)
    assert late.ledger.plan(ChunkId(first.msgid, 0)) is None


def test_a_message_that_was_not_there_is_found_later(container: Container) -> None:
    message, early = a_message(), container()
    assert early.messages.get(message.msgid) is None
    create(container(), message)
    assert early.messages.get(message.msgid) == message


MONTH = 31 * 86400 * 1000


def test_an_access_channels_messages_are_listed_newest_first_over_months(
    world: World, unique: str
) -> None:
    now = time.time_ns() // 1_000_000
    times = [now - n * MONTH // 2 for n in range(8)] + [now, now]
    made = [
        a_message("ann", channel_key=unique, accepted=at, expires=now // 1000 + 3600)
        for at in times
    ]
    for message in [*made, a_message("ann", channel_key=f"{unique}#2", accepted=now)]:
        create(world, message)
    ordered = sorted((message.msgid for message in made), reverse=True)
    later = keys.message_id(now + 1, b"\0\0\0\0")

    def listed(before: str, since: int, limit: int) -> list[str]:
        return [each.msgid for each in world.messages.newest(unique, before, since, limit)]

    begin = now - 5 * MONTH
    assert listed(later, begin, 100) == ordered
    assert listed(later, now - 2 * MONTH, 100) == ordered[:7]
    assert listed(ordered[3], begin, 2) == ordered[4:6]
    assert listed(ordered[-1], begin, 2) == []
    chunks, before = [], later
    while some := listed(before, begin, 3):
        chunks.append(len(some))
        before = some[-1]
    assert chunks == [3, 3, 3, 1]


def test_a_list_shows_what_a_message_is_and_neither_contents_nor_contacts(
    world: World, unique: str
) -> None:
    message = a_message("ann", "bob", channel_key=unique, **FULL)
    create(world, message)
    later = keys.message_id(message.accepted + 1, b"\0\0\0\0")
    assert list(world.messages.newest(unique, later, message.accepted, 10)) == [
        Summary(
            message.msgid,
            AudienceKind.USERS,
            2,
            Priority.HIGH,
            (7, 2),
            9,
            (ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL),
            "n-1",
        )
    ]
    assert not world.messages.newest(unique, later, message.accepted + 1, 10)
    walked = a_message(
        channel_key=unique, userids=(), audience=Audience(AudienceKind.EVERYONE, (), 3)
    )
    assert walked.summary.targets is None


# -- counts


def some_counts(seen: int, delivered: int) -> Counts:
    return Counts(
        seen=seen,
        users=Counter(planned=10, delivered=delivered),
        channels={"app": Counter(planned=10, submitted=9)},
        user_losses=Counter(no_contact=1),
        channel_losses={"app": Counter({"submit_failed:1011": 1})},
        steps=Counter({"1": 10}),
        open=Counter(undecided=2),
    )


def test_counts_are_read_as_they_were_put(container: Container) -> None:
    message = a_message()
    container().messages.put_counts(ChunkId(message.msgid, 0), some_counts(3, 1), message.expires)
    container().messages.put_counts(ChunkId(message.msgid, 12), some_counts(4, 2), message.expires)
    assert container().messages.counts(message.msgid) == {
        0: some_counts(3, 1),
        12: some_counts(4, 2),
    }


def test_a_count_that_has_seen_less_replaces_nothing(world: World) -> None:
    message = a_message()
    at = ChunkId(message.msgid, 0)
    for counts in (some_counts(5, 3), some_counts(4, 9), some_counts(5, 4)):
        world.messages.put_counts(at, counts, message.expires)
    assert world.messages.counts(message.msgid) == {0: some_counts(5, 4)}


# -- what only AWS does


def raw(aws: Callable[[str], Any], msgid: str) -> dict[str, dict[str, Any]]:
    found = aws("dynamodb").query(
        TableName=table("messages"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": msgid}},
    )
    return {item["sk"]["S"]: item for item in found["Items"]}


def test_contents_cannot_be_read_in_the_table(real: World, aws: Callable[[str], Any]) -> None:
    contents = {"push": {"alert": "marked-content"}}
    message = a_message(
        "ann",
        contents=contents,
        links={"url": "https://marked.example.com"},
        callback={"url": "https://marked.example.com"},
    )
    create(real, message, with_plan=True)
    items = raw(aws, message.msgid)
    assert set(items) == {"message", "links"}
    assert "marked" not in repr(items)


def test_the_history_expires_and_the_links_outlive_it_for_a_year(
    real: World, aws: Callable[[str], Any]
) -> None:
    message = a_message("ann", links={"url": "https://example.com"})
    create(real, message)
    real.messages.put_counts(ChunkId(message.msgid, 0), some_counts(1, 1), message.expires)
    items = raw(aws, message.msgid)
    assert items["message"]["expires"]["N"] == str(message.expires)
    assert items["chunk#000000"]["expires"]["N"] == str(message.expires)
    assert is_recent(int(items["links"]["expires"]["N"]) - LINK_DAYS * 86400)
    assert LINK_DAYS == 400


@pytest.mark.parametrize(("left", "lives"), [(5, True), (0, False), (-86400, False)])
def test_a_link_ends_when_its_time_is_over_whenever_its_row_goes(
    real: World, aws: Callable[[str], Any], left: int, lives: bool
) -> None:
    message = a_message("ann", links={"url": "https://example.com"})
    create(real, message)
    aws("dynamodb").update_item(
        TableName=table("messages"),
        Key={"pk": {"S": message.msgid}, "sk": {"S": "links"}},
        UpdateExpression="SET expires = :e",
        ExpressionAttributeValues={":e": {"N": str(int(time.time()) + left)}},
    )
    assert (real_container().messages.links(message.msgid) is not None) is lives


def test_an_accept_is_three_calls(real: World, aws: Callable[[str], Any], unique: str) -> None:
    """Read users in one batch, write one transaction and send one job, without a clock tick."""
    users = [a_reachable_user(f"{unique}-{n}") for n in range(100)]
    real.users.save(users)
    with faults.counted(aws("dynamodb"), aws("sqs"), aws("stepfunctions"), aws("kms")) as calls:
        message = a_message(
            *(user.userid for user in users),
            links={"url": "https://example.com"},
            strategy=a_strategy(),
        )
        found = real.users.get(message.userids)
        real.messages.create(
            message, a_plan(message, users=list(found.values())), first_check(message)
        )
        job = DeliverJob(message.msgid, 0, 0, 0, "push", 0, 100)
        real.queues.send([Envelope(job, message.priority, ChannelType.APP, message.channel_key)])
    assert calls == ["BatchGetItem", "TransactWriteItems", "SendMessageBatch"]


def test_a_message_is_read_once_per_container(real: World, aws: Callable[[str], Any]) -> None:
    message = a_message("ann")
    create(real, message)
    other = real_container()
    other.vault.seal(b"", "warm")
    with faults.counted(aws("dynamodb")) as calls:
        for _ in range(3):
            other.messages.get(message.msgid)
    assert calls == ["GetItem"]


def test_a_transaction_that_was_disturbed_is_no_conflict(
    real: World, aws: Callable[[str], Any]
) -> None:
    """Throttled, or crossed by another: the message is not there, and its id is not taken."""
    message = a_message("ann")
    cancelled = {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled [TransactionConflict, None]",
        "CancellationReasons": [{"Code": "TransactionConflict"}, {"Code": "None"}],
    }
    with faults.answered(aws("dynamodb"), "TransactWriteItems", cancelled, status=400) as seen:
        create(real, message)
    assert len(seen) == 2
    assert real_container().messages.get(message.msgid) == message


def test_a_create_whose_answer_got_lost_is_no_conflict(
    real: World, aws: Callable[[str], Any]
) -> None:
    message = a_message("ann")
    with faults.lost_answer(aws("dynamodb"), "TransactWriteItems"):
        create(real, message)
    assert real_container().messages.get(message.msgid) == message


def once_for(message: Message, digest: str = "d") -> IdempotencyKey:
    return IdempotencyKey(f"once#shop#/v1/sent#{message.msgid}", digest)


@pytest.mark.parametrize("with_plan", [False, True])
def test_under_one_idempotency_key_one_message_is_created(
    container: Container, with_plan: bool
) -> None:
    first, second = a_message("ann"), a_message("ann")
    once = once_for(first)
    assert container().messages.once(once.name) is None
    for message, stands in (
        (first, None),
        (second, replace(once, msgid=first.msgid)),
        (first, replace(once, msgid=first.msgid)),
    ):
        world = container()
        plan = a_plan(message) if with_plan else None
        assert world.messages.create(message, plan, first_check(message), (), once) == stands
    assert container().messages.get(second.msgid) is None
    assert container().messages.once(once.name) == replace(once, msgid=first.msgid)


def test_another_body_finds_what_stands_under_the_key(container: Container) -> None:
    first, second = a_message("ann"), a_message("ben")
    container().messages.create(first, None, first_check(first), (), once_for(first, "one"))
    found = container().messages.create(
        second, None, first_check(second), (), once_for(first, "other")
    )
    assert found == replace(once_for(first, "one"), msgid=first.msgid)


def test_an_idempotency_key_is_forgotten_after_a_day_even_if_its_item_is_still_there(
    real: World, aws: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_message("ann"), a_message("ann")
    once = once_for(first)
    real.messages.create(first, None, first_check(first), (), once)
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 86401)
    assert real.messages.once(once.name) is None
    assert real.messages.create(second, None, first_check(second), (), once) is None


def test_a_message_is_withdrawn_once(container: Container) -> None:
    message = a_message("ann")
    create(container(), message)
    timer = replace(first_check(message), kind=TimerKind.WITHDRAW)
    assert container().messages.withdrawn(message.msgid) is None
    assert container().messages.withdraw(message, message.accepted + 5, timer)
    assert not container().messages.withdraw(message, message.accepted + 9, timer)
    assert container().messages.withdrawn(message.msgid) == message.accepted + 5
    assert timer.what in {each.what for each in container().timers.due(timer.at + 600_000, 1000)}
