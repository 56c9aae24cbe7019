"""Contacts opt out and in again: in any order, any number of times, whoever else writes."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.provider_io import Reply
from chalicelib.domain.users import ALL, Bindings, Suppression, UserChange
from chalicelib.flow import receipts, suppressions, webhooks
from chalicelib.manage import users as contacts
from tests.builders import (
    SHOP,
    WEBHOOK_TOKEN,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.people import PHONE, SMS, a_world, named, planned, user


@pytest.fixture
def fake() -> FakeWorld:
    return a_world()


def reply(
    fake: FakeWorld, text: str, time: int = START, contact: str = PHONE, code: str = "text"
) -> None:
    receipts.record_replies(fake.ports, code, [Reply(contact, text, time)])


def test_a_word_opts_out_of_every_access_channel_that_may_use_the_number(fake: FakeWorld) -> None:
    reply(fake, "td")
    for userid, phone in (("ann", PHONE), ("ben", "+8613900001111")):
        assert user(fake, userid).opt_outs == {
            SMS: {phone: {SHOP: Suppression("reply", START), "bank": Suppression("reply", START)}}
        }
    assert user(fake, "cem").opt_outs == {}
    assert planned(fake, "ann")[1].targets[0].loss is TargetLoss.OPTED_OUT


def test_another_word_takes_it_back_and_the_last_one_stands_in_any_order(fake: FakeWorld) -> None:
    reply(fake, "退订", START - 2000)
    reply(fake, "订阅", START - 1000)
    assert user(fake).opt_outs == {}
    reply(fake, "退订", START - 2000)
    assert user(fake).opt_outs == {}
    reply(fake, "退订", START)
    reply(fake, "退订", START)
    reply(fake, "订阅", START - 1000)
    assert set(user(fake).opt_outs[SMS][PHONE]) == {SHOP, "bank"}


def test_both_words_in_one_post_are_taken_in_their_order(fake: FakeWorld) -> None:
    receipts.record_replies(
        fake.ports, "text", [Reply(PHONE, "START", START), Reply(PHONE, "TD", START - 1)]
    )
    assert user(fake).opt_outs == {}


def test_what_people_write_besides_is_not_kept(fake: FakeWorld) -> None:
    fake.writes.clear()
    reply(fake, "what do you want?")
    assert fake.writes == []


def test_a_reply_on_a_channel_that_is_not_there_is_no_error(fake: FakeWorld) -> None:
    reply(fake, "TD", code="nowhere")
    assert user(fake).opt_outs == {}


@pytest.mark.parametrize("time", [0, -5, START + 10**12])
def test_a_word_from_the_future_does_not_stand_for_ever(fake: FakeWorld, time: int) -> None:
    reply(fake, "TD", time)
    fake.clock.advance(1)
    reply(fake, "START", START + 1000)
    assert user(fake).opt_outs == {}


@pytest.mark.parametrize(
    "spelling", [PHONE, "+8613900001111", "008613900001111", "86 139-0000-1111"]
)
def test_a_contact_without_a_user_is_respected_however_it_is_spelt(
    fake: FakeWorld, spelling: str
) -> None:
    fake.users.stored.clear()
    reply(fake, "TD", contact=spelling)
    _, plan = named(fake, PHONE, "13900002222", "+8613900001111")
    assert [target.loss for target in plan.targets] == [
        TargetLoss.OPTED_OUT,
        None,
        TargetLoss.OPTED_OUT,
    ]
    assert plan.contacts == ({}, {"text": ("13900002222",)}, {})
    assert [target.loss for target in named(fake, PHONE, channel_key="other")[1].targets] == [None]
    reply(fake, "START", START, contact=PHONE)
    assert [target.loss for target in named(fake, PHONE)[1].targets] == [None]


def test_a_chunk_asks_once_for_its_contacts_and_never_for_those_of_users(fake: FakeWorld) -> None:
    fake.log.clear()
    named(fake, *(f"139{n:08d}" for n in range(100)))
    assert fake.log.count("audiences.opted") == 1
    fake.log.clear()
    planned(fake, "ann")
    assert "audiences.opted" not in fake.log


def test_a_webhook_brings_replies(fake: FakeWorld) -> None:
    request = fake.providers.text.webhook_request([], replies=[Reply(PHONE, "TD", START)])
    assert webhooks.take_webhook(fake.ports, "text", WEBHOOK_TOKEN, request).reply == "ok"
    assert SMS in user(fake).opt_outs


def test_two_words_at_once_leave_the_user_with_the_later_one(fake: FakeWorld) -> None:
    """Between reading and saving for the first word, the second one comes and is done."""
    fake.meanwhile("users.save", lambda: reply(fake, "START", START), times=1)
    reply(fake, "TD", START - 1)
    assert user(fake).opt_outs == {}


def test_who_gets_the_contact_later_or_is_uploaded_again_has_opted_out_too(fake: FakeWorld) -> None:
    reply(fake, "TD")
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
    reply(fake, "START")
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


def test_a_contact_that_comes_back_has_its_last_word_of_meanwhile(fake: FakeWorld) -> None:
    """The contact opts out, leaves its user, opts in again, and comes back."""
    reply(fake, "td", START - 2000)
    suppressions.suppress(fake.ports, SMS, PHONE)
    phone = Bindings({SMS: {ALL: (PHONE,)}})
    contacts.change(fake.ports, [UserChange("ann", remove=phone)])
    reply(fake, "START", START - 1000)
    suppressions.suppress(fake.ports, SMS, PHONE, lift=True)
    contacts.change(fake.ports, [UserChange("ann", add=phone)])
    assert user(fake).opt_outs == {}
    reply(fake, "td", START)
    assert set(user(fake).opt_outs[SMS][PHONE]) == {SHOP, "bank"}
