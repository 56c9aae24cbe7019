"""Consents are found by their contact, and the last word counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.aws.tables import table
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import Container

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
YES = Consent(True, 1000, "web form", "2026-05")


def test_a_consent_is_found_in_any_spelling(container: Container, unique: str) -> None:
    phone = "+8613800138000"
    assert container().consents.put(SMS, phone, unique, "news", YES)
    other = container().consents
    named = {SMS: ["13800138000", "13900139000"], EMAIL: ["a@example.com"]}
    assert other.agreed(unique, "news", named) == {
        SMS: frozenset({"13800138000"}),
        EMAIL: frozenset(),
    }
    assert other.agreed(unique, "offers", named)[SMS] == frozenset()
    assert other.of(SMS, "13800138000")[unique, "news"] == YES


def test_the_last_word_counts(container: Container, unique: str) -> None:
    one, contact = container().consents, f"{unique}@example.com"
    assert one.put(EMAIL, contact, "shop", "news", Consent(False, 2000))
    assert not one.put(EMAIL, contact, "shop", "news", YES), "it was said before"
    assert container().consents.agreed("shop", "news", {EMAIL: [contact]}) == {EMAIL: frozenset()}
    assert one.put(EMAIL, contact, "shop", "news", Consent(True, 2000)), "a repeat is no other word"
    assert container().consents.agreed("shop", "news", {EMAIL: [contact]})[EMAIL] == {contact}


def test_all_that_a_contact_said_is_forgotten(container: Container, unique: str) -> None:
    contact = f"{unique}@example.com"
    for key, purpose in (("a", "news"), ("a", "offers"), ("b", "news")):
        container().consents.put(EMAIL, contact, key, purpose, YES)
    assert set(container().consents.of(EMAIL, contact)) == {
        ("a", "news"),
        ("a", "offers"),
        ("b", "news"),
    }
    container().consents.delete(EMAIL, contact)
    assert container().consents.of(EMAIL, contact) == {}
    container().consents.delete(EMAIL, contact)


def test_a_hundred_contacts_take_one_request(real: World, aws: Callable[[str], Any]) -> None:
    named = {EMAIL: [f"u{n}@example.com" for n in range(100)]}
    real.consents.agreed("shop", "news", {EMAIL: ["first@example.com"]})  # reads the data key
    with faults.counted(aws("dynamodb")) as calls:
        real.consents.agreed("shop", "news", named)
    assert calls == ["BatchGetItem"]


def test_no_contact_can_be_read_in_the_table(real: World, aws: Callable[[str], Any]) -> None:
    real.consents.put(EMAIL, "marked-reader@example.com", "shop", "news", YES)
    rows = aws("dynamodb").scan(TableName=table("audiences"))["Items"]
    assert "marked-reader" not in str(rows)


def test_preferences_are_kept_with_their_user(container: Container, unique: str) -> None:
    chosen = {"shop": {"topics": {"1": ["sms"]}, "quiet": ["22:00", "08:00", "Asia/Shanghai"]}}
    container().users.save([User(unique, preferences=chosen)])
    assert container().users.get([unique])[unique].preferences == chosen


def test_sets_of_a_user_are_found_at_once(
    container: Container, aws: Callable[[str], Any], unique: str
) -> None:
    names = [f"list#{unique}{n}" for n in range(3)]
    container().audiences.change(names[1], ["ann", "bob"])
    assert container().audiences.sets_of("ann", names) == {names[1]}
    assert container().audiences.sets_of("cem", names) == frozenset()
