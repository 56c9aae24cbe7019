"""Sets of users as AWS stores them: sealed contacts, in few requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.domain import audiences, keys
from chalicelib.ports import World
from tests.builders import a_user
from tests.contracts import faults
from tests.contracts.audiences import EVERYWHERE


def test_a_contact_cannot_be_read_in_the_table(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.users.save([a_user(unique, text=f"1{unique}")])
    items = aws("dynamodb").query(
        TableName="openums-contract-users",
        KeyConditionExpression="#b = :b",
        ExpressionAttributeNames={"#b": "bucket"},
        ExpressionAttributeValues={":b": {"N": str(keys.bucket(unique))}},
    )["Items"]
    assert items
    rows = aws("dynamodb").scan(TableName="openums-contract-audiences")["Items"]
    assert not [row for row in rows if f"1{unique}" in str(row)]


def test_members_are_written_in_batches_of_twenty_five(
    real: World, aws: Callable[[str], Any], number: int
) -> None:
    with faults.counted(aws("dynamodb")) as calls:
        real.audiences.change(audiences.segment(number), [f"u{n}" for n in range(1000)])
    assert calls == ["BatchWriteItem"] * 40


def test_a_page_of_members_is_asked_for_as_it_is_needed(
    real: World, aws: Callable[[str], Any], number: int
) -> None:
    name = audiences.segment(number)
    real.audiences.change(name, [f"u{n}" for n in range(1000)])
    with faults.counted(aws("dynamodb")) as calls:
        real.audiences.scan([name], EVERYWHERE, "", 50)
    assert calls == ["Query"], "the first group of buckets has enough"


def test_the_name_of_a_tag_is_written_once_by_each_container(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    with faults.counted(aws("dynamodb")) as calls:
        for n in range(3):
            real.users.save([a_user(f"{unique}-{n}", tags=[unique])])
    assert calls.count("BatchWriteItem") == 1


def test_a_long_list_costs_a_chunk_of_500_five_requests(
    real: World, aws: Callable[[str], Any], number: int
) -> None:
    for name in (audiences.listing(number), audiences.listing_of_contacts(number)):
        real.audiences.change(name, [f"u{n}" for n in range(0, 4000, 2)])
        with faults.counted(aws("dynamodb")) as calls:
            members = real.audiences.holds(name, [f"u{n}" for n in range(500)])
        assert len(members) == 250
        assert calls == ["BatchGetItem"] * 5
