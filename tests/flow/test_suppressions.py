"""What is learned of contacts: dead, alive again, opted out, in again. In any order, any number of times, whoever else writes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import suppressions as rules
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan, TargetLoss
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, Webhook
from chalicelib.domain.users import ALL, Bindings, Suppression, User, UserChange
from chalicelib.flow import audience, receipts, suppressions
from chalicelib.manage import users as contacts
from chalicelib.ports import Lookup
from tests.builders import (
    SHOP,
    WEBHOOK_TOKEN,
    a_channel,
    a_message,
    a_user,
    an_access_channel,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

SMS, EMAIL = ChannelType.SMS, ChannelType.EMAIL
PHONE = "13900001111"
DEAD = Suppression("4004", START)


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_channel(a_channel("text"))
    fake.settings.put_access_channel(an_access_channel(SHOP, ("text",)))
    fake.settings.put_access_channel(an_access_channel("bank", ("text", "mail")))
    fake.settings.put_access_channel(an_access_channel("other", ("mail",)))
    fake.users.has(
        a_user("ann", text=PHONE),
        a_user("ben", text="+8613900001111"),
        a_user("cem", text="13900002222"),
    )
    return fake


def user(fake: FakeWorld, userid: str = "ann") -> User:
    return fake.users.stored[userid]


def planned(fake: FakeWorld, *userids: str, number: int = 1) -> tuple[Message, Plan]:
    """A message whose first chunk is planned from the users as they are, with a lookup `mt-0` … for each target."""
    message = a_message(*userids, number=number, strategy=at_once("sms"))
    fake.messages.has(message)
    plan = fake.ledger.put_plan(audience.make_plan(fake.ports, message, 0, ""), message)
    fake.lookups.put(
        "text", {f"mt-{number}-{n}": Lookup(plan.id, (n, 0)) for n in range(len(userids))}, 0
    )
    return message, plan


def a_receipt(
    id: str = "mt-1-0",
    kind: ReceiptKind = ReceiptKind.DELIVERY_FAILED,
    time: int = START,
    **changes: Any,
) -> Receipt:
    return Receipt(id, kind, time, **changes)


# -- dead contacts


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
    """Some providers tell them only once."""
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
    fake.lookups.put("bold", {"mt": Lookup(plan.id, (0, 0))}, 0)
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
    heard = suppressions.ContactFeedback(message, plan, DeliveryRef(0, "text", 0), True, DEAD)
    suppressions.apply_feedback(fake.ports, [heard])
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

    def meanwhile(number: int, name: str) -> None:
        if name == "users.save":
            fake.spare()
            contacts.change(fake.ports, [UserChange("ann", add=Bindings(tags={ALL: ("vip",)}))])

    fake.on_step = meanwhile
    receipts.record(fake.ports, "text", [a_receipt(undeliverable=True, code="4004")])
    assert (user(fake).undeliverable, user(fake).tags) == ({SMS: {PHONE: DEAD}}, {ALL: ("vip",)})


def test_who_is_always_slower_fails_aloud_and_comes_again(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned(fake, "ann")
    monkeypatch.setattr(
        fake.users, "save", lambda users, before=None: frozenset(u.userid for u in users)
    )
    with pytest.raises(Conflict):
        receipts.record(fake.ports, "text", [a_receipt(undeliverable=True)])


def test_a_status_that_nobody_knows_is_kept_and_changes_nothing(fake: FakeWorld) -> None:
    _, plan = planned(fake, "ann")
    receipts.record(fake.ports, "text", [a_receipt(kind=ReceiptKind.OTHER, code="4711")])
    chunk = fake.ledger.chunk(plan.id)
    assert chunk is not None
    assert [(fact.kind, fact.code) for fact in chunk.reported] == [(FactKind.OTHER, "4711")]
    assert chunk.of(DeliveryRef(0, "text", 0)).state == "pending"


# -- opt-outs


def said(
    fake: FakeWorld, text: str, time: int = START, contact: str = PHONE, code: str = "text"
) -> None:
    receipts.record_replies(fake.ports, code, [Reply(contact, text, time)])


def named(
    fake: FakeWorld, *phones: str, number: int = 9, channel_key: str = SHOP
) -> tuple[Message, Plan]:
    """A message that names contacts instead of users."""
    names = tuple(f"sms#{n:016x}" for n in range(len(phones)))
    message = a_message(
        *names,
        number=number,
        strategy=at_once("sms"),
        audience=Audience(AudienceKind.CONTACTS),
        channel_key=channel_key,
    )
    return message, audience.make_plan(fake.ports, message, 0, "", phones)


def test_a_word_opts_out_of_every_access_channel_that_may_use_the_number(fake: FakeWorld) -> None:
    said(fake, "td")
    for userid, phone in (("ann", PHONE), ("ben", "+8613900001111")):
        assert user(fake, userid).opt_outs == {
            SMS: {phone: {SHOP: Suppression("reply", START), "bank": Suppression("reply", START)}}
        }
    assert user(fake, "cem").opt_outs == {}
    assert planned(fake, "ann")[1].targets[0].loss is TargetLoss.OPTED_OUT


def test_another_word_takes_it_back_and_the_last_one_stands_in_any_order(fake: FakeWorld) -> None:
    said(fake, "退订", START - 2000)
    said(fake, "订阅", START - 1000)
    assert user(fake).opt_outs == {}
    said(fake, "退订", START - 2000)
    assert user(fake).opt_outs == {}
    said(fake, "退订", START)
    said(fake, "退订", START)
    said(fake, "订阅", START - 1000)
    assert set(user(fake).opt_outs[SMS][PHONE]) == {SHOP, "bank"}


def test_both_words_in_one_post_are_taken_in_their_order(fake: FakeWorld) -> None:
    receipts.record_replies(
        fake.ports, "text", [Reply(PHONE, "START", START), Reply(PHONE, "TD", START - 1)]
    )
    assert user(fake).opt_outs == {}


def test_what_people_write_besides_is_not_kept(fake: FakeWorld) -> None:
    fake.writes.clear()
    said(fake, "what do you want?")
    assert fake.writes == []


def test_a_reply_on_a_channel_that_is_not_there_is_no_error(fake: FakeWorld) -> None:
    said(fake, "TD", code="nowhere")
    assert user(fake).opt_outs == {}


@pytest.mark.parametrize("time", [0, -5, START + 10**12])
def test_a_word_from_the_future_does_not_stand_for_ever(fake: FakeWorld, time: int) -> None:
    said(fake, "TD", time)
    fake.clock.advance(1)
    said(fake, "START", START + 1000)
    assert user(fake).opt_outs == {}


@pytest.mark.parametrize(
    "spelling", [PHONE, "+8613900001111", "008613900001111", "86 139-0000-1111"]
)
def test_a_contact_without_a_user_is_respected_however_it_is_spelt(
    fake: FakeWorld, spelling: str
) -> None:
    fake.users.stored.clear()
    said(fake, "TD", contact=spelling)
    _, plan = named(fake, PHONE, "13900002222", "+8613900001111")
    assert [target.loss for target in plan.targets] == [
        TargetLoss.OPTED_OUT,
        None,
        TargetLoss.OPTED_OUT,
    ]
    assert plan.contacts == ({}, {"text": ("13900002222",)}, {})
    assert [target.loss for target in named(fake, PHONE, channel_key="other")[1].targets] == [None]
    said(fake, "START", START, contact=PHONE)
    assert [target.loss for target in named(fake, PHONE)[1].targets] == [None]


def test_a_chunk_asks_once_for_its_contacts_and_never_for_those_of_users(fake: FakeWorld) -> None:
    fake.log.clear()
    named(fake, *(f"139{n:08d}" for n in range(100)))
    assert fake.log.count("audiences.opted") == 1
    fake.log.clear()
    planned(fake, "ann")
    assert "audiences.opted" not in fake.log


def test_a_webhook_brings_replies(fake: FakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    webhook = Webhook(replies=[Reply(PHONE, "TD", START)], reply="ok")
    monkeypatch.setattr(fake.providers.text, "read_webhook", lambda request, secret: webhook)
    assert (
        receipts.take_webhook(
            fake.ports, "text", WEBHOOK_TOKEN, fake.providers.text.webhook_request([])
        ).reply
        == "ok"
    )
    assert SMS in user(fake).opt_outs


def test_two_words_at_once_leave_the_user_with_the_later_one(fake: FakeWorld) -> None:
    """Between reading and saving for the first word, the second one comes and is done."""

    def meanwhile(number: int, name: str) -> None:
        if name == "users.save":
            fake.spare()
            said(fake, "START", START)

    fake.on_step = meanwhile
    said(fake, "TD", START - 1)
    assert user(fake).opt_outs == {}


def test_who_gets_the_contact_later_or_is_uploaded_again_has_opted_out_too(fake: FakeWorld) -> None:
    said(fake, "TD")
    fake.users.delete([user(fake), user(fake, "ben")])
    changes = [
        UserChange(userid, set=Bindings({SMS: {ALL: (phone,)}}))
        for userid, phone in (("ann", PHONE), ("dan", "86" + PHONE))
    ]
    assert (
        contacts.change(
            fake.ports, [*changes, UserChange("eva", set=Bindings({SMS: {ALL: ("13900003333",)}}))]
        )
        == {}
    )
    assert user(fake).suppression(SMS, PHONE, SHOP) == "opted_out"
    assert user(fake, "dan").suppression(SMS, "86" + PHONE, "bank") == "opted_out"
    assert user(fake, "eva").opt_outs == {}
    said(fake, "START")
    assert (user(fake).opt_outs, user(fake, "dan").opt_outs) == ({}, {})


def test_an_upload_asks_once_for_the_contacts_that_are_new_and_never_for_others(
    fake: FakeWorld,
) -> None:
    fake.log.clear()
    contacts.change(
        fake.ports,
        [UserChange(f"u{n}", set=Bindings({SMS: {ALL: (f"139{n:08d}",)}})) for n in range(50)],
    )
    assert fake.log.count("audiences.opted") == 1
    fake.log.clear()
    contacts.change(
        fake.ports,
        [
            UserChange(
                "u1", add=Bindings({ChannelType.APP: {"push": ("reg",)}}, tags={ALL: ("vip",)})
            )
        ],
    )
    assert "audiences.opted" not in fake.log


# -- rules


@pytest.mark.parametrize(
    ("kind", "one", "other"),
    [
        (SMS, "+86 139-0000-1111", PHONE),
        (SMS, "008613900001111", PHONE),
        (SMS, "+4915112345678", "4915112345678"),
        (EMAIL, " Ann@Example.com", "ann@example.com"),
        (ChannelType.WECHATOA, "oAbC", "oAbC"),
    ],
)
def test_one_spelling_of_a_contact(kind: ChannelType, one: str, other: str) -> None:
    assert rules.canonical(kind, one) == other
    assert rules.canonical(kind, other) == other
    assert one in rules.spellings(kind, one)
    assert other in rules.spellings(kind, one)
