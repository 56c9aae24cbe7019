"""Messages as AWS stores them: sealed, expiring, in few requests."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws import ledger_items, message_items
from chalicelib.aws.items import from_item, unpack
from chalicelib.aws.tables import LINK_DAYS, table
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.messages import Hold
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import World
from tests.builders import a_plan, a_reachable_user, a_strategy
from tests.contracts import faults
from tests.contracts.conftest import a_message, real_container
from tests.contracts.messages import create, first_check, some_counts
from tests.fakes.secrets import FakeVault
from tests.liveness import is_recent


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


def test_a_message_that_has_expired_is_gone_though_its_item_is_still_there(
    real: World, aws: Callable[[str], Any]
) -> None:
    """The TTL takes up to two days, and may take the ledger first.

    The report of such a message would say that nobody was sent to.
    """
    message = a_message("ann", expires=int(time.time()) - 1)
    create(real, message)
    assert raw(aws, message.msgid)
    assert real.messages.get(message.msgid) is None
    assert real_container().messages.get(message.msgid) is None
    for container in (real, real_container()):
        assert container.recordings.read([message.msgid], []) == ({}, {})


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


def test_a_message_without_a_hold_takes_no_room_for_one() -> None:
    vault, message = FakeVault(), a_message("ann")
    held = replace(message, hold=Hold(1_800_000_600_000, "quiet_hours"))
    bodies = [unpack(from_item(message_items.item(vault, m))["body"]) for m in (message, held)]
    assert bodies[1].keys() - bodies[0].keys() == {"hold"}


def test_the_changes_of_a_held_chunk_tell_when_its_hold_ended() -> None:
    message = a_message(*(f"u{n}" for n in range(101)))
    held = replace(message, hold=Hold(1_800_000_600_000, "quiet_hours"))
    items = [ledger_items.plan_item(FakeVault(), a_plan(m, users=[]), m) for m in (message, held)]
    assert "start" not in items[0]
    assert items[1]["start"] == {"N": "1800000600000"}
    assert items[0]["tally"] == items[1]["tally"] == {"N": "1"}
