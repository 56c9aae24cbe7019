"""The cost of a rule for 1,000 users: docs/reference/segments.md states it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from chalicelib.aws.items import to_item
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.traces import Interacted, Interaction, Occurrence
from chalicelib.domain.users import User
from chalicelib.flow import segments
from chalicelib.ports import World
from tests.builders import a_user, an_access_channel
from tests.contracts import faults

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "segments.md"
BUCKET, PEOPLE, READ, CONTACTS = 77, 1000, 500, 3
DAY = 86_400_000
CONDITIONS = {
    "tags, attributes, contacts, sums of events": {"attribute": "points", "is": "more", "value": 3},
    "consent": {"consent": "marketing"},
    "events by days or properties": {"event": "order", "days": 7, "at_least": 2},
    "messages": {"message": "clicked", "days": 30},
}


def people() -> list[User]:
    """Return users of one bucket, as a page of a large deployment has them."""
    names = (f"customer-{n}" for n in range(10**7))
    ids = islice((name for name in names if keys.bucket(name) == BUCKET), PEOPLE)
    return [a_person(userid, n) for n, userid in enumerate(sorted(ids))]


def a_person(userid: str, n: int) -> User:
    user = a_user(
        userid,
        push=(f"1a0018970ab{n:08d}",),
        text=f"1390000{n:04d}",
        mail=f"{userid}@example.com",
        tags=["vip", "newsletter"],
    )
    attributes = {"name": "Zhang San", "city": "Hangzhou", "points": n, "born": "1990-01-01"}
    events = {"order": (12, 1_795_000_000_000 + n), "login": (99, 1_795_000_000_000 - n)}
    return replace(user, attributes=attributes, events=events)


@pytest.fixture(scope="module")
def stated() -> dict[str, tuple[int, int]]:
    rows = re.findall(r"^\| ([a-z ,]+) \| ([0-9]+) \| ([0-9,]+) \|$", PAGE.read_text(), re.M)
    return {name: (int(n), int(units.replace(",", ""))) for name, n, units in rows}


def stored(world: World, now: int) -> list[User]:
    users = people()
    logs = {
        (user.userid, "order"): tuple(Occurrence(now - n * DAY, {"amount": n}) for n in range(5))
        for user in users
    }
    world.users.save(users, {}, logs)
    rows = [
        Interacted(kind, (now - n * DAY) // DAY, 3, 0)
        for n in range(10)
        for kind in (Interaction.SENT, Interaction.DELIVERED)
    ]
    world.traces.interact("cost-of-rules", [(u.userid, row) for u in users for row in rows])
    return users


def test_the_page_states_the_cost_of_each_kind_of_condition(
    real: World, aws: Callable[[str], Any], stated: dict[str, tuple[int, int]]
) -> None:
    users, counted = stored(real, real.clock.now()), dict[str, tuple[int, int]]()
    access = an_access_channel("cost-of-rules", channels=())
    real.records.of(ACCESS_CHANNELS).put(access)
    for name, rule in CONDITIONS.items():
        segments.members(real, access.key, rule, users[:1])  # reads settings
        pages = [users[start : start + READ] for start in range(0, PEOPLE, READ)]
        with faults.counted(aws("dynamodb")) as calls:
            if name.startswith("tags"):
                pages = [
                    real.users.scan(range(BUCKET, BUCKET + 1), after, READ)
                    for after in ("", keys.position(users[READ - 1].userid))
                ]
            for page in pages:
                segments.members(real, access.key, rule, page)
        counted[name] = len(calls), read_units(aws("dynamodb"), name)
    assert {name: requests for name, (requests, _) in counted.items()} == {
        name: requests for name, (requests, _) in stated.items()
    }
    for name, (_, number) in counted.items():
        assert number == pytest.approx(stated[name][1], rel=0.15), counted


def read_units(client: Any, name: str) -> int:
    if name == "consent":
        return PEOPLE * CONTACTS  # a unit for each, read consistently
    pk = {
        "events by days or properties": f"events#order#{BUCKET:03d}",
        "messages": f"interactions#cost-of-rules#{BUCKET:03d}",
    }.get(name)
    if pk is None:
        items = query(client, "users", "#b = :k", BUCKET, {"#b": "bucket"})
        return round(sum(map(size, items)) / 4096)
    return round(sum(map(size, query(client, "messages", "pk = :k", pk))) / 8192)


def query(client: Any, name: str, condition: str, key: Any, names: Any = None) -> list[Any]:
    pages = client.get_paginator("query").paginate(
        TableName=table(name),
        KeyConditionExpression=condition,
        ExpressionAttributeValues=to_item({":k": key}),
        **({"ExpressionAttributeNames": names} if names else {}),
    )
    return [item for page in pages for item in page["Items"]]


def size(item: dict[str, Any]) -> int:
    """Return the bytes of an item as DynamoDB counts them: names, texts, and bytes."""
    return sum(
        len(name) + (len(value["B"]) if "B" in value else len(str(*value.values()).encode()))
        for name, value in item.items()
    )
