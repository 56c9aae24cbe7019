"""Contacts are reported as dead, or alive again: in any order, any number of times."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.domain.users import ALL, Bindings, UserChange
from chalicelib.flow import audience, receipts, suppressions
from chalicelib.manage import users as contacts
from chalicelib.ports import Lookup
from tests.builders import (
    SHOP,
    a_channel,
    a_message,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.people import DEAD, PHONE, SMS, a_world, named, planned, user


@pytest.fixture
def fake() -> FakeWorld:
    return a_world()


def a_receipt(
    id: str = "mt-1-0",
    kind: ReceiptKind = ReceiptKind.DELIVERY_FAILED,
    time: int = START,
    **changes: Any,
) -> Receipt:
    return Receipt(id, kind, time, **changes)


def test_a_receipt_that_says_so_marks_the_users_contact_with_reason_and_time(
    fake: FakeWorld,
) -> None:
    planned(fake, "ann", "cem")
    dead = a_receipt(code="4004", undeliverable=True)
    receipts.record(fake.ports, "text", [dead, a_receipt("mt-1-1", code="4003")])
    receipts.record(fake.ports, "text", [replace(dead, time=START + 5)])
    assert user(fake).undeliverable == {SMS: {PHONE: DEAD}}
    assert user(fake, "cem").undeliverable == {}


def test_where_nothing_is_dead_no_user_is_read(fake: FakeWorld) -> None:
    planned(fake, "ann", "cem")
    fake.log.clear()
    receipts.record(fake.ports, "text", [a_receipt(), a_receipt("mt-1-1", ReceiptKind.DELIVERED)])
    assert [step for step in fake.log if step.startswith(("users", "audiences"))] == []


def test_the_facts_are_stored_before_the_mark(fake: FakeWorld) -> None:
    """Some providers report a fact only once."""
    planned(fake, "ann")
    fake.log.clear()
    receipts.record(fake.ports, "text", [a_receipt(undeliverable=True)])
    assert fake.log.index("ledger.add.done") < fake.log.index("users.save")


def test_a_dead_contact_is_left_out_until_it_is_named_again(fake: FakeWorld) -> None:
    planned(fake, "ann")
    receipts.record(fake.ports, "text", [a_receipt(code="4004", undeliverable=True)])
    _, plan = planned(fake, "ann", number=2)
    assert plan.targets[0].loss is TargetLoss.CONTACT_GONE
    contacts.change(fake.ports, [UserChange("ann", add=Bindings({SMS: {ALL: (PHONE,)}}))])
    assert planned(fake, "ann", number=3)[1].targets[0].loss is None


def test_a_channel_may_try_dead_contacts_and_what_arrives_there_takes_the_mark_away(
    fake: FakeWorld,
) -> None:
    fake.users.has(replace(user(fake), undeliverable={SMS: {PHONE: DEAD}}, opt_outs={}))
    message = a_message(
        "ann", strategy=at_once("sms"), channels={"bold": SMS}, call_sizes={"bold": 10}
    )
    fake.settings.put_channel(
        a_channel("bold", SMS, platform="text", options={"send_to_gone": True})
    )
    fake.messages.has(message)
    plan = fake.ledger.put_plan(audience.make_plan(fake.ports, message, 0, ""), message)
    assert plan.targets[0].loss is None
    fake.lookups.has("bold", {"mt": Lookup(plan.id, (0, 0))})
    receipts.record(fake.ports, "bold", [a_receipt("mt", ReceiptKind.DELIVERED, START - 1)])
    assert user(fake).undeliverable == {SMS: {PHONE: DEAD}}, "it arrived before"
    receipts.record(fake.ports, "bold", [a_receipt("mt", ReceiptKind.DELIVERED, START + 1)])
    assert user(fake).undeliverable == {}


def test_who_opted_out_gets_nothing_even_from_a_channel_that_tries_dead_contacts(
    fake: FakeWorld,
) -> None:
    fake.settings.put_channel(
        a_channel("bold", SMS, platform="text", options={"send_to_gone": True})
    )
    fake.users.has(
        replace(
            user(fake), undeliverable={SMS: {PHONE: DEAD}}, opt_outs={SMS: {PHONE: {SHOP: DEAD}}}
        )
    )
    message = a_message(
        "ann", strategy=at_once("sms"), channels={"bold": SMS}, call_sizes={"bold": 10}
    )
    assert audience.make_plan(fake.ports, message, 0, "").targets[0].loss is TargetLoss.OPTED_OUT


def test_a_message_that_names_a_contact_marks_whoever_has_it(fake: FakeWorld) -> None:
    message, plan = named(fake, PHONE)
    notice = suppressions.ContactFeedback(message, plan, DeliveryRef(0, "text", 0), True, DEAD)
    suppressions.apply_feedback(fake.ports, [notice])
    assert user(fake).undeliverable == {SMS: {PHONE: DEAD}}


def test_a_contact_that_the_user_has_no_more_and_a_user_who_is_gone_are_left_alone(
    fake: FakeWorld,
) -> None:
    planned(fake, "ann", "cem")
    contacts.change(fake.ports, [UserChange("ann", set=Bindings({SMS: {ALL: ("13911112222",)}}))])
    fake.users.delete([user(fake, "cem")])
    receipts.record(
        fake.ports, "text", [a_receipt(undeliverable=True), a_receipt("mt-1-1", undeliverable=True)]
    )
    assert user(fake).undeliverable == {}
    assert "cem" not in fake.users.stored


def test_a_mark_and_a_change_of_the_user_at_once_are_both_kept(fake: FakeWorld) -> None:
    planned(fake, "ann")
    change = UserChange("ann", add=Bindings(tags={ALL: ("vip",)}))
    fake.meanwhile("users.save", lambda: contacts.change(fake.ports, [change]), times=1)
    receipts.record(fake.ports, "text", [a_receipt(undeliverable=True, code="4004")])
    assert (user(fake).undeliverable, user(fake).tags) == ({SMS: {PHONE: DEAD}}, {ALL: ("vip",)})


def test_who_is_always_slower_fails_aloud_and_comes_again(fake: FakeWorld) -> None:
    planned(fake, "ann")
    fake.meanwhile("users.save", lambda: fake.users.touch("ann"))
    with pytest.raises(Conflict):
        receipts.record(fake.ports, "text", [a_receipt(undeliverable=True)])


def test_a_status_that_nobody_knows_is_kept_and_changes_nothing(fake: FakeWorld) -> None:
    _, plan = planned(fake, "ann")
    receipts.record(fake.ports, "text", [a_receipt(kind=ReceiptKind.OTHER, code="4711")])
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    assert [(fact.kind, fact.code) for fact in chunk.reported] == [(FactKind.OTHER, "4711")]
    assert chunk.state_of(DeliveryRef(0, "text", 0)).state == "pending"
