"""Messages that the contract suites create."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

from chalicelib.aws.clients import client
from chalicelib.aws.tables import table
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import World
from tests.builders import a_plan
from tests.fakes.messages import FakeMessages


def first_check(message: Message) -> Timer:
    return Timer(
        message.accepted + 300_000, TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority
    )


def create(world: World, message: Message, *, with_plan: bool = False) -> None:
    world.messages.create(message, a_plan(message) if with_plan else None, first_check(message))


def image_of(world: World, msgid: str) -> dict[str, Any]:
    """Return a stored message's item as Lambda passes it on, with bytes as Base64.

    A fake's image is the key alone.
    """
    key = {"pk": {"S": msgid}, "sk": {"S": "message"}}
    if isinstance(world.messages, FakeMessages):
        return key
    item = client("dynamodb").get_item(TableName=table("messages"), Key=key)["Item"]
    return {
        name: {"B": base64.b64encode(value["B"]).decode()} if "B" in value else value
        for name, value in item.items()
    }


def put_in_lists(world: World, *messages: Message) -> None:
    """Add stored messages to their lists, as a batch of the stream does."""
    images = [image_of(world, message.msgid) for message in messages]
    world.notes.add((), [world.messages.entry(image) for image in images])


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
