"""Idempotency keys: one message for each, for a day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws.tables import table
from chalicelib.domain.messages import Message
from chalicelib.ports import IdempotencyKey, World
from tests.builders import a_plan
from tests.contracts.conftest import Container, a_message
from tests.contracts.messages import first_check


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
    real: World, aws: Callable[[str], Any]
) -> None:
    first, second = a_message("ann"), a_message("ann")
    once = once_for(first)
    real.messages.create(first, None, first_check(first), (), once)
    aws("dynamodb").update_item(
        TableName=table("lookups"),
        Key={"pk": {"S": once.name}},
        UpdateExpression="SET expires = expires - :day",
        ExpressionAttributeValues={":day": {"N": "86401"}},
    )
    assert real.messages.once(once.name) is None
    assert real.messages.create(second, None, first_check(second), (), once) is None
