"""A container remembers which deliveries a contact has, in little room."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import contacts
from chalicelib.domain.contact_index import ContactIndex
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import Plan, TargetLoss
from tests.builders import a_message, a_plan, a_user, at_once

APP, SMS = ChannelType.APP, ChannelType.SMS
PHONE = "13800001234"


def of_phones(*phones: str, number: int = 1) -> Plan:
    users = [a_user(f"u{n}", text=phone) for n, phone in enumerate(phones)]
    userids = [user.userid for user in users]
    return a_plan(a_message(*userids, number=number, strategy=at_once("sms")), users=users)


@given(st.lists(st.lists(st.sampled_from(["a", "A", "b", "reg-1", "REG-1", "Reg-1"]), max_size=3)))
def test_every_contact_leads_to_all_its_deliveries(registered: Sequence[Sequence[str]]) -> None:
    users = [a_user(f"u{n}", push=push) for n, push in enumerate(registered)]
    plan = a_plan(a_message(*(user.userid for user in users or [a_user()])), users=users)
    index = ContactIndex()
    for target, chosen in enumerate(plan.contacts):
        for n, contact in enumerate(chosen.get("push", ())):
            refs = index.refs(plan, "push", APP, contact)
            assert DeliveryRef(target, "push", n) in refs
            assert {plan.contact(ref) for ref in refs} == {contact}
            assert len(refs) == len(set(refs))
    assert index.refs(plan, "push", APP, "nobody") == []


def test_a_chunk_is_known_after_its_plan_was_read_once() -> None:
    index, plan = ContactIndex(), of_phones(PHONE, f"+86{PHONE[:-1]}5")
    assert index.only(plan.id, "text", PHONE) is None
    index.refs(plan, "text", SMS, "whoever")
    assert index.only(plan.id, "text", f"0086{PHONE}") == DeliveryRef(0, "text", 0)
    assert index.only(plan.id, "text", f"{PHONE[:-1]}5") == DeliveryRef(1, "text", 0)
    assert index.only(plan.id, "text", "13800009999") is None
    assert index.only(plan.id, "other", PHONE) is None


def test_what_needs_the_plan_is_not_known_without() -> None:
    """A number of two users, and a dead contact that may be found alive."""
    plan = of_phones(PHONE, f"+86{PHONE}", "13800005555", "13800006666")
    dead = plan.targets[2]._replace(refused={"text": TargetLoss.CONTACT_GONE})
    plan = replace(plan, targets=(*plan.targets[:2], dead, plan.targets[3]))
    index = ContactIndex()
    assert index.refs(plan, "text", SMS, PHONE) == [DeliveryRef(n, "text", 0) for n in (0, 1)]
    assert index.refs(plan, "text", SMS, "13800005555") == [DeliveryRef(2, "text", 0)]
    assert index.only(plan.id, "text", PHONE) is None
    assert index.only(plan.id, "text", "13800005555") is None
    assert index.only(plan.id, "text", "13800006666") == DeliveryRef(3, "text", 0)


def test_the_oldest_chunks_and_calls_are_forgotten() -> None:
    index, plans = ContactIndex(2, 2), [of_phones(PHONE, number=n) for n in range(3)]
    for plan in plans:
        index.refs(plan, "text", SMS, PHONE)
        index.remember_call(plan.id, "id", frozenset([DeliveryRef(0, "text", 0)]))
    assert [index.only(plan.id, "text", PHONE) is not None for plan in plans] == [False, True, True]
    assert [bool(index.of_call(plan.id, "id")) for plan in plans] == [False, True, True]


def test_a_chunk_of_a_thousand_takes_little_room() -> None:
    plan = of_phones(*(f"138{n:08d}" for n in range(1000)))
    index = ContactIndex()
    index.refs(plan, "text", SMS, PHONE)
    (chunk,) = index._chunks.values()
    assert sys.getsizeof(chunk.hashes) + sys.getsizeof(chunk.places) < 20_000
    identities = {contacts.identity(SMS, f"138{n:08d}") for n in range(1000)}
    assert len(identities) == len(chunk.hashes)
