"""Requests of functions on paths that few deployments take stay within their policies."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from chalicelib.aws.cache import Cache
from chalicelib.aws.records import RecordStore
from chalicelib.aws.templates import Templates
from chalicelib.config import settings
from chalicelib.domain import suppressions as suppressed
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType, Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import Suppression
from chalicelib.flow import suppressions, timers
from chalicelib.flow.rules import counted
from chalicelib.ports import Settings, World
from tests import builders
from tests.contracts.conftest import a_message
from tests.contracts.test_spellings import an_older_user
from tests.template import rights

Client = Callable[[str], Any]


@contextmanager
def asked(dynamodb: Any) -> Iterator[set[tuple[str, str]]]:
    """The table and the action of everything that is asked for, as IAM checks it."""
    seen: set[tuple[str, str]] = set()

    def note(request: Any, **_: Any) -> None:
        operation = str(request.headers["X-Amz-Target"], "ascii").rpartition(".")[2]
        body = json.loads(request.body)
        named = [(body.get("TableName"), operation)]
        named += [(name, operation) for name in body.get("RequestItems", {})]
        for action in body.get("TransactItems", ()):
            named += [(of["TableName"], f"{kind}Item") for kind, of in action.items()]
        seen.update((name.rpartition("-")[2], action) for name, action in named if name)

    dynamodb.meta.events.register("before-send.dynamodb", note)
    try:
        yield seen
    finally:
        dynamodb.meta.events.unregister("before-send.dynamodb", note)


def allowed(family: str) -> set[tuple[str, str]]:
    tables = rights.TABLES[family].items()
    return {(name, action) for name, actions in tables for action in actions}


def test_a_sweep_reads_several_polled_channels_again(
    real: World, aws: Client, unique: str, own_tables: None
) -> None:
    """The second sweep of a container reads with one request what the first one has read."""
    codes = [f"{unique}{n}" for n in range(2)]
    for code in codes:
        real.records.of(DELIVERY_CHANNELS).put(builders.a_channel(code, ChannelType.SMS))
    seconds = [0.0]
    cache = Cache(now=lambda: seconds[0])
    world = replace(real, settings=Settings(RecordStore(cache), Templates(cache)))
    at = world.clock.now()
    polls = [
        Timer(at, TimerKind.POLL, ChunkId(a_message().msgid, 0), Priority.LOW, code)
        for code in codes
    ]
    with asked(aws("dynamodb")) as calls:
        for _ in range(2):
            list(timers._envelopes(world, polls))
            seconds[0] += settings().settings_cache
    assert calls == {("settings", "GetItem"), ("settings", "BatchGetItem")} <= allowed("sweep")


@pytest.mark.parametrize("family", ["api", "chunks", "deliver", "cmpp", "schedules"])
def test_whoever_plans_a_message_may_give_back_what_it_counted_of_a_budget(
    real: World, aws: Client, family: str
) -> None:
    message = a_message("ann", budget=True)
    with asked(aws("dynamodb")) as calls:
        counted.give_back_plan(real, message, builders.a_plan(message), None)
    assert ("messages", "BatchGetItem") in calls
    assert calls <= allowed(family)


@pytest.mark.parametrize("family", ["api", "deliver", "cmpp"])
def test_whoever_suppresses_a_contact_may_respell_it(
    real: World, aws: Client, unique: str, family: str
) -> None:
    """The rows that lead to a user of an earlier release move with the user's next change."""
    contact = f"Ann.{unique}@example.com"
    an_older_user(real, aws, builders.a_user(unique, mail=contact))
    dead = partial(
        suppressed.mark_undeliverable,
        channel_type=ChannelType.EMAIL,
        contact=contact,
        suppression=Suppression("550", real.clock.now()),
    )
    with asked(aws("dynamodb")) as calls:
        suppressions.change(real, {unique: [dead]})
    assert {("audiences", "PutItem"), ("audiences", "DeleteItem")} <= calls
    assert calls - {("audiences", "TransactWriteItems")} <= allowed(family)
