"""Contacts are found by their identity, also where earlier releases kept a spelling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws import audiences as adapter
from chalicelib.aws import user_lists
from chalicelib.aws.items import pack, to_item, unpack
from chalicelib.aws.tables import table
from chalicelib.aws.users import _context
from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.ports import World
from tests.builders import a_user
from tests.contracts import faults
from tests.contracts.test_audiences import change

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL


@pytest.fixture
def digits(unique: str) -> str:
    """A number of Hong Kong that no other test has."""
    return f"8529{int(unique[1:], 16) % 10**7:07d}"


def spellings(digits: str) -> tuple[str, ...]:
    return (digits, f"+{digits}", f"00{digits}", f"852-{digits[3:7]} {digits[7:]}")


def test_users_and_opt_outs_are_found_by_any_spelling(
    world: World, unique: str, digits: str
) -> None:
    phones, mailbox = spellings(digits), f"Ann.{unique}@Example.com"
    ann = change(world, a_user(unique, text=phones[1], mail=mailbox))
    for spelling in phones:
        assert world.audiences.users_of(SMS, spelling) == [unique]
    for spelling in (mailbox, mailbox.lower(), mailbox.upper(), f"\u200b{mailbox}"):
        assert world.audiences.users_of(EMAIL, spelling) == [unique]
    world.audiences.set_opt_out(SMS, phones[3], ["shop"], 1000, True)
    assert world.audiences.opt_outs({SMS: phones})[SMS] == {
        phone: {"shop": 1000} for phone in phones
    }
    world.audiences.set_opt_out(SMS, phones[0], ["shop"], 2000, False)
    assert world.audiences.opt_outs({SMS: phones[2:3]})[SMS] == {phones[2]: {"shop": -2000}}
    world.users.delete([ann])
    assert world.audiences.users_of(SMS, phones[0]) == []


def an_older_user(real: World, aws: Callable[[str], Any], user: User) -> None:
    """Store a user with rows under spellings, as releases before 2026-12 did."""
    real.users.save([user])
    key, context = to_item(user_lists.key_of(user.userid)), _context(user.userid)
    at = {"TableName": table("users"), "Key": key}
    item = aws("dynamodb").get_item(**at)["Item"]
    secret = unpack(real.vault.open(item["sealed"]["B"], context))
    del secret["names"]
    item["sealed"] = {"B": real.vault.seal(pack(secret), context)}
    aws("dynamodb").put_item(TableName=table("users"), Item=item)
    for kind, spelling in user.all_contacts:
        name = contacts.identity(kind, spelling)
        old, new = (adapter._contact(real.vault, kind, text) for text in (spelling, name))
        aws("dynamodb").delete_item(
            TableName=table("audiences"), Key=adapter.row((new, user.userid))
        )
        aws("dynamodb").put_item(TableName=table("audiences"), Item=adapter.row((old, user.userid)))


def _rows(real: World, aws: Callable[[str], Any], userid: str) -> int:
    rows = aws("dynamodb").scan(TableName=table("audiences"))["Items"]
    return sum(row["sk"]["S"] == userid and row["pk"]["S"].startswith("contact") for row in rows)


def test_a_user_that_an_earlier_release_stored_is_found_and_moves_with_the_next_change(
    real: World, aws: Callable[[str], Any], unique: str, digits: str
) -> None:
    stored = a_user(unique, text=f"00{digits}", mail=f"Bob.{unique}@example.com")
    an_older_user(real, aws, stored)
    for spelling in spellings(digits):
        assert real.audiences.users_of(SMS, spelling) == [unique]
    mailbox = f"bob.{unique}@example.com"
    assert real.audiences.users_of(EMAIL, f"Bob.{unique}@example.com") == [unique]
    assert real.audiences.users_of(EMAIL, mailbox) == [], "its case is not known before"
    assert real.users.get([unique])[unique].is_older
    bob = change(real, stored, tags={"all": ("x",)})
    assert not bob.is_older
    assert real.audiences.users_of(EMAIL, mailbox) == [unique]
    assert real.audiences.users_of(SMS, digits) == [unique]
    assert _rows(real, aws, unique) == 2, "the rows of the spellings are gone"
    real.users.delete([bob])
    assert _rows(real, aws, unique) == 0


def test_a_user_of_an_earlier_release_leaves_no_row_behind(
    real: World, aws: Callable[[str], Any], unique: str, digits: str
) -> None:
    an_older_user(real, aws, a_user(unique, text=f"00{digits}"))
    real.users.delete(list(real.users.get([unique]).values()))
    assert _rows(real, aws, unique) == 0


@pytest.mark.parametrize("later", ["before", "after"])
def test_the_later_of_an_opt_out_of_an_earlier_release_and_a_new_one_stands(
    real: World, aws: Callable[[str], Any], digits: str, later: str
) -> None:
    key = {"pk": "refused", "sk": adapter._contact(real.vault, SMS, f"00{digits}")}
    key["sk"] = key["sk"].removeprefix("contact#")
    item = {name: {"S": value} for name, value in key.items()}
    aws("dynamodb").put_item(
        TableName=table("audiences"), Item={**item, "of_shop": {"N": "1000"}, "of_bank": {"N": "5"}}
    )
    assert real.audiences.opt_outs({SMS: [digits]})[SMS][digits] == {"shop": 1000, "bank": 5}
    time = 900 if later == "before" else 1100
    real.audiences.set_opt_out(SMS, digits, ["shop"], time, False)
    shop = 1000 if later == "before" else -1100
    assert real.audiences.opt_outs({SMS: [digits]})[SMS][digits] == {"shop": shop, "bank": 5}


def test_usual_contacts_cost_no_more_requests(real: World, aws: Callable[[str], Any]) -> None:
    numbers = [f"139{n:08d}" for n in range(100)]
    real.audiences.opt_outs({SMS: numbers[:1]})  # the data key is read once by each container
    with faults.counted(aws("dynamodb")) as calls:
        real.audiences.opt_outs({SMS: numbers})
    assert calls == ["BatchGetItem"]
