"""Receipts are parked under their id until their submission is known."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import Container, a_receipt, raw_lookup

TOMORROW = int(time.time()) + 86400


def test_what_was_parked_is_read_by_who_writes_the_lookup(
    container: Container, unique: str
) -> None:
    parked = {
        "1": [a_receipt("1"), a_receipt("1", ReceiptKind.CLICKED)],
        "2": [a_receipt("2")],
        "3": [a_receipt("3")],
    }
    container().lookups.park(unique, parked, TOMORROW)
    found = container().lookups.parked(unique, ["1", "2", "4"])
    assert set(found) == {a_receipt("1"), a_receipt("1", ReceiptKind.CLICKED), a_receipt("2")}


def test_what_was_parked_on_several_channels_is_read_at_once(
    container: Container, unique: str
) -> None:
    one, other = unique, f"{unique}-other"
    world = container()
    world.lookups.park(one, {"1": [a_receipt("1")]}, TOMORROW)
    world.lookups.park(other, {"1": [a_receipt("1", code="x")]}, TOMORROW)
    parked = container().lookups.parked_of({one: ["1", "2"], other: ["1"], "none": ["1"]})
    assert {channel: list(found) for channel, found in parked.items()} == {
        one: [a_receipt("1")],
        other: [a_receipt("1", code="x")],
    }


def test_a_parked_receipt_still_says_what_is_rare(container: Container, unique: str) -> None:
    flags = [
        {"undeliverable": is_dead, "may_be_derived": is_derived}
        for is_dead in (False, True)
        for is_derived in (False, True)
    ]
    parked = [a_receipt("1", ReceiptKind.DELIVERY_FAILED, **rare) for rare in flags]
    container().lookups.park(unique, {"1": parked}, TOMORROW)
    assert set(container().lookups.parked(unique, ["1"])) == set(parked)


def test_what_comes_in_several_posts_is_parked_together(container: Container, unique: str) -> None:
    for kind in ReceiptKind:
        container().lookups.park(unique, {"1": [a_receipt("1", kind)]}, TOMORROW)
    assert {r.kind for r in container().lookups.parked(unique, ["1", "1"])} == set(ReceiptKind)


def test_a_post_that_is_repeated_adds_nothing_to_what_is_parked(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """Providers repeat unknown receipts for hours. The item must stay small enough to write."""
    real.lookups.park(unique, {"1": [a_receipt("1")]}, TOMORROW)
    before = len(repr(raw_lookup(aws, "parked", unique, "1")))
    for _ in range(5):
        real.lookups.park(unique, {"1": [a_receipt("1")]}, TOMORROW)
    assert len(repr(raw_lookup(aws, "parked", unique, "1"))) < before * 1.5
    assert list(real.lookups.parked(unique, ["1"])) == [a_receipt("1")]


def test_the_receipts_of_a_post_are_found_by_the_name_that_parking_gave_them(
    container: Container, unique: str
) -> None:
    one, two, three = a_post("1", 0), a_post("2", 0), a_post("1", 1)
    first = container().lookups.park(unique, {"1": one, "2": two}, TOMORROW)
    second = container().lookups.park(unique, {"1": three}, TOMORROW)
    assert container().lookups.park(unique, {"1": three}, TOMORROW) == second
    lookups = container().lookups
    assert set(lookups.parked_by(unique, first)) == {*one, *two}
    assert list(lookups.parked_by(unique, second)) == three
    assert list(lookups.parked_by(unique, {"1": "another", "3": second["1"]})) == []


def test_a_post_that_is_repeated_takes_no_room_from_the_next_post(
    container: Container, unique: str
) -> None:
    """A provider that repeats a post for days must not push out the receipts that follow."""
    first, second = a_post("1", 0), a_post("1", 1)
    for _ in range(120):
        container().lookups.park(unique, {"1": first, "2": first}, TOMORROW)
    container().lookups.park(unique, {"1": first}, TOMORROW)
    container().lookups.park(unique, {"1": second}, TOMORROW)
    parked = container().lookups.parked(unique, ["1"])
    assert set(parked) == {*first, *second}


def a_post(provider_id: str, number: int) -> list[Receipt]:
    """A hundred receipts with contacts of their own, as JPush posts them."""
    contacts = (hashlib.sha256(f"{number}.{n}".encode()).hexdigest()[:19] for n in range(100))
    return [
        a_receipt(provider_id, time=1_700_000_000_000 + 37 * n * n, contact=each, code="")
        for n, each in enumerate(contacts)
    ]


def test_all_receipts_of_the_largest_call_can_be_earlier_than_its_record(
    container: Container, unique: str
) -> None:
    posts = [
        [replace(r, kind=kind) for r in a_post("1", n)]
        for n in range(10)
        for kind in (ReceiptKind.DELIVERED, ReceiptKind.CLICKED)
    ]
    for post in posts:
        container().lookups.park(unique, {"1": post}, TOMORROW)
    assert set(container().lookups.parked(unique, ["1"])) == {
        receipt for post in posts for receipt in post
    }


def test_parking_a_post_full_of_strangers_takes_few_calls(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """A webhook of a hundred receipts that is faster than the record of their submission."""
    receipts = {f"id-{n}": [a_receipt(f"id-{n}")] for n in range(100)}
    with faults.counted(aws("dynamodb")) as calls:
        real.lookups.park(unique, receipts, TOMORROW)
        assert len(real.lookups.parked(unique, list(receipts))) == 100
    assert len(calls) <= 8


@pytest.mark.parametrize("alone", [False, True])
def test_a_stranger_whose_receipts_never_end_keeps_no_other_back(
    container: Container, unique: str, alone: bool
) -> None:
    """Another system's broadcast over the same account: many receipts under one foreign id."""
    lookups = container().lookups
    for n in range(40):
        crowd = {
            "crowd": [a_receipt("crowd", contact=f"reg-{n}-{m}-{'x' * 200}") for m in range(60)]
        }
        own = {f"own-{n}": [a_receipt(f"own-{n}")]}
        for post in [crowd, own] if alone else [{**crowd, **own}]:
            lookups.park(unique, post, TOMORROW)
    assert len(lookups.parked(unique, [f"own-{n}" for n in range(40)])) == 40


def test_one_post_that_no_item_could_hold_keeps_no_other_back(real: World, unique: str) -> None:
    crowd = [receipt for n in range(300) for receipt in a_post("crowd", n)]
    real.lookups.park(unique, {"crowd": crowd, "own": [a_receipt("own")]}, TOMORROW)
    assert list(real.lookups.parked(unique, ["crowd", "own"])) == [a_receipt("own")]


def test_all_receipts_of_a_call_may_come_one_by_one_before_its_lookup(
    real: World, unique: str
) -> None:
    receipts = [a_receipt("call", contact=f"{n:019x}") for n in range(1000)]
    for start in range(0, 900, 100):
        real.lookups.park(unique, {"call": receipts[start : start + 100]}, TOMORROW)
    for receipt in receipts[900:]:
        real.lookups.park(unique, {"call": [receipt]}, TOMORROW)
    assert set(real.lookups.parked(unique, ["call"])) == set(receipts)


def test_an_id_of_which_too_much_is_said_is_written_no_more(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """A write that is refused costs as much as one of the whole item."""
    for n in range(30):
        real.lookups.park(
            unique,
            {"crowd": [receipt for m in range(10) for receipt in a_post("crowd", 10 * n + m)]},
            TOMORROW,
        )
    with faults.counted(aws("dynamodb")) as calls:
        names = real.lookups.park(unique, {"crowd": [a_receipt("crowd")]}, TOMORROW)
    assert calls == []
    assert names == {}, "and it is looked for no more"
