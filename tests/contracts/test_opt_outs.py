"""Opt-outs are kept with contacts: the last word stands, and contacts stay unreadable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws.audiences import Audiences
from chalicelib.aws.tables import table
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import SUPPRESSED
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import Container, plain

SMS = ChannelType.SMS


def test_an_opt_out_is_for_the_access_channels_that_it_names(
    container: Container, unique: str
) -> None:
    container().audiences.set_opt_out(SMS, unique, ["shop", "bank#1"], 1000, True)
    assert container().audiences.opt_outs({SMS: [unique, f"{unique}-other"]})[SMS] == {
        unique: {"shop": 1000, "bank#1": 1000}
    }
    assert container().audiences.opt_outs({ChannelType.EMAIL: [unique]})[ChannelType.EMAIL] == {}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2), (2, 0, 1), (2, 2, 2)])
def test_the_last_word_stands_in_whatever_order_words_come(
    world: World, unique: str, order: tuple[int, ...]
) -> None:
    said = [(1000, True), (2000, False), (3000, True)]
    for n in order:
        time, out = said[n]
        world.audiences.set_opt_out(SMS, unique, ["shop"], time, out)
    assert world.audiences.opt_outs({SMS: [unique]})[SMS] == {unique: {"shop": 3000}}


def test_who_is_in_again_is_known_as_that(world: World, unique: str) -> None:
    world.audiences.set_opt_out(SMS, unique, ["shop"], 1000, True)
    world.audiences.set_opt_out(SMS, unique, ["shop"], 2000, False)
    assert world.audiences.opt_outs({SMS: [unique]})[SMS] == {unique: {"shop": -2000}}
    world.audiences.set_opt_out(SMS, unique, ["shop"], 1500, True)
    assert world.audiences.opt_outs({SMS: [unique]})[SMS] == {unique: {"shop": -2000}}


@pytest.mark.parametrize(("listed", "asked"), [(5, ["Query"]), (0, ["BatchGetItem"] * 3)])
def test_many_contacts_are_found_by_a_list_of_all_or_a_hundred_at_a_time(
    real: World,
    aws: Callable[[str], Any],
    unique: str,
    listed: int,
    asked: list[str],
) -> None:
    """A list while it is short enough."""
    audiences = Audiences(real.vault, listed)
    contacts = [f"{unique}-{n}" for n in range(250)]
    audiences.set_opt_out(SMS, contacts[249], ["shop"], 1000, True)
    with faults.counted(aws("dynamodb")) as calls:
        assert audiences.opt_outs({SMS: contacts})[SMS] == {contacts[249]: {"shop": 1000}}
    assert calls == asked
    assert audiences.opt_outs({SMS: contacts[:249], ChannelType.EMAIL: contacts}) == {
        SMS: {},
        ChannelType.EMAIL: {},
    }


def test_the_contact_cannot_be_read_in_the_table_and_its_word_never_expires(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.audiences.set_opt_out(SMS, f"139{unique}", [f"key-{unique}"], 1000, True)
    found = aws("dynamodb").scan(TableName=table("audiences"))["Items"]
    (stored,) = [item for item in found if f"key-{unique}" in plain(item)]
    assert f"139{unique}" not in plain(found)
    assert set(stored) == {"pk", "sk", f"of_key-{unique}"}


def test_a_suppressed_contact_can_be_exported_and_not_read_in_the_table(
    container: Container, unique: str
) -> None:
    numbers = [f"+85290{unique[-2:]}{n:04d}" for n in range(4)]
    for number in numbers[:3]:
        container().audiences.set_opt_out(SMS, number, [SUPPRESSED], 1000, True)
    container().audiences.set_opt_out(SMS, numbers[2], [SUPPRESSED], 2000, False)
    container().audiences.set_opt_out(SMS, numbers[3], ["shop"], 1000, True)
    listed, after = [], ""
    while some := container().audiences.suppressed(after, 1):
        listed += [(one.channel_type, one.contact, one.since) for one in some]
        after = some[-1].position
    own = sorted(entry for entry in listed if entry[1] in numbers)
    assert own == [(SMS, numbers[0], 1000), (SMS, numbers[1], 1000)]


def test_the_contact_of_a_suppression_is_sealed(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    number = "13900007777"
    real.audiences.set_opt_out(SMS, number, [SUPPRESSED], 1000, True)
    assert number not in repr(aws("dynamodb").scan(TableName=table("audiences"))["Items"])
