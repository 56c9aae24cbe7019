"""The consumer of the messages' stream, called as Lambda calls it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain.messages import Message
from chalicelib.entrypoints.lambdas import streams
from tests.builders import a_message, a_msgid
from tests.entrypoints.lambdas.test_consumers import failed
from tests.fakes.world import FakeWorld

MESSAGES = [a_message("ann", number=number, channel_key=f"shop{number % 2}") for number in range(4)]
UNREADABLE: list[dict[str, Any]] = [
    {},
    {"NewImage": None},
    {"NewImage": {"sk": {"S": "message"}}},
    {"NewImage": {"pk": {"N": "7"}}},
    {"NewImage": {"pk": {"S": a_msgid(9)}}},
]


@pytest.fixture
def fake() -> Iterator[FakeWorld]:
    fake = FakeWorld()
    for message in MESSAGES:
        fake.messages.has(message)
    wiring.use(fake.ports)
    yield fake
    wiring.use(None)


def record(message: Message, number: int) -> dict[str, Any]:
    """Build a record in the shape of Lambda's events.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html (November 2026)
    """
    key = {"pk": {"S": message.msgid}, "sk": {"S": "message"}}
    return {
        "eventID": "c4ca4238a0b923820dcc509a6f75849b",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1_795_000_000,
            "Keys": key,
            "NewImage": {**key, "body": {"B": "eJyrVgUAAPcAfQ=="}, "expires": {"N": "1795000000"}},
            "SequenceNumber": f"{number}",
            "SizeBytes": 640,
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": (
            "arn:aws:dynamodb:us-east-1:123456789012:table/openums-prod-messages"
            "/stream/2026-11-21T08:00:00.000"
        ),
    }


def batch() -> list[dict[str, Any]]:
    return [record(message, number) for number, message in enumerate(MESSAGES)]


def test_the_new_messages_of_a_batch_are_listed_in_one_call(fake: FakeWorld) -> None:
    assert failed(streams.history({"Records": batch()}, None)) == []
    assert [(each.channel_key, each.summary.msgid) for each in fake.messages.listed] == [
        (message.channel_key, message.msgid) for message in MESSAGES
    ]


@pytest.mark.parametrize("content", UNREADABLE)
def test_an_unreadable_record_is_reported_and_the_others_are_listed(
    fake: FakeWorld, content: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    records = batch()
    for number in (1, 2):
        records[number]["dynamodb"] = {**content, "SequenceNumber": f"{number}"}
    assert failed(streams.history({"Records": records}, None)) == ["1"]
    names = [each.summary.msgid for each in fake.messages.listed]
    assert names == [MESSAGES[0].msgid, MESSAGES[3].msgid]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    unreadable = [line for line in lines if line.get("message") == "record_unreadable"]
    assert [(line["sequence_number"], line["function"]) for line in unreadable] == [
        ("1", "history"),
        ("2", "history"),
    ]


def test_a_batch_that_cannot_be_listed_is_read_again_from_its_start(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.fail(RuntimeError("13800138000"), "notes.add")
    assert failed(streams.history({"Records": batch()}, None)) == ["0"]
    out = capsys.readouterr().out
    assert "batch_failed" in out
    assert "13800138000" not in out
