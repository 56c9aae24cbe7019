"""Lists of messages as AWS stores them: in few items, read in few requests, expiring."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws import message_history
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import a_message
from tests.contracts.messages import create, image_of, put_in_lists
from tests.contracts.test_message_lists import BEGIN, MINUTE, NOW, ids, listed, stored


def bundles(aws: Callable[[str], Any], channel_key: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws("dynamodb").query(
        TableName=table("messages"),
        KeyConditionExpression="pk = :pk",
        ExpressionAttributeValues={":pk": {"S": f"history#{channel_key}#{month(BEGIN)}"}},
    )["Items"]
    return found


def month(at: int) -> str:
    return message_history._months(at, at)[0]


def test_a_batch_is_a_bundle_for_each_minute_and_hundred(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    made = stored(real, unique, *(BEGIN + n for n in range(101)), BEGIN - 1, BEGIN - 2)
    with faults.counted(aws("dynamodb")) as calls:
        real.notes.add((), [real.messages.entry(image_of(real, each.msgid)) for each in made])
    assert calls.count("BatchWriteItem") == 1
    before = {month(BEGIN - 1), month(BEGIN)}
    assert len(bundles(aws, unique)) == (3 if len(before) == 1 else 2)


def test_a_bundle_lives_as_long_as_its_longest_lived_message_and_shows_none_that_has_expired(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    lives = [-1, 3600, 7200]
    made = [
        a_message("ann", channel_key=unique, accepted=BEGIN + n, expires=NOW // 1000 + life)
        for n, life in enumerate(lives)
    ]
    for message in made:
        create(real, message)
    put_in_lists(real, *made)
    (bundle,) = bundles(aws, unique)
    assert bundle["expires"] == {"N": str(NOW // 1000 + 7200)}
    assert listed(real, unique) == [made[2].msgid, made[1].msgid]


def test_a_page_of_a_quiet_access_channel_is_one_request(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    made = stored(real, unique, *(BEGIN - n * MINUTE for n in range(5)))
    for message in made:
        put_in_lists(real, message)
    since = BEGIN - 5 * MINUTE
    with faults.counted(aws("dynamodb")) as calls:
        assert listed(real, unique, since=since, limit=3) == ids(made)[:3]
    assert calls == ["Query"] * (1 + (month(NOW) != month(BEGIN)))


def test_pages_of_bundles_are_read_on(real: World, aws: Callable[[str], Any], unique: str) -> None:
    made = stored(real, unique, *(BEGIN + n for n in range(7)))
    for message in made:
        put_in_lists(real, message)
    database = aws("dynamodb")
    with faults.counted(database) as calls, faults.short_pages(database, "Query"):
        assert listed(real, unique, limit=2) == ids(made)[:2]
    assert calls.count("Query") >= 4


@pytest.mark.parametrize("damage", [{"body": {"B": "AAAA"}}, {"pk": {"S": "x"}}, {"body": None}])
def test_an_image_of_no_message_raises(real: World, unique: str, damage: dict[str, Any]) -> None:
    (message,) = stored(real, unique, BEGIN)
    image = {**image_of(real, message.msgid), **damage}
    with pytest.raises((KeyError, ValueError, zlib.error)):
        real.messages.entry({name: value for name, value in image.items() if value})


def test_a_list_begins_at_any_id(real: World, unique: str) -> None:
    put_in_lists(real, *stored(real, unique, BEGIN))
    for before in (keys.message_id(BEGIN, bytes(4)), keys.message_id(0, bytes(4))):
        assert listed(real, unique, before) == []
