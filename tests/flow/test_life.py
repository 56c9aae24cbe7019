"""Evidence against a mark: whoever writes, follows, opens or clicks is not dead."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId, TargetLoss
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.domain.users import MARK_LIFE, Suppression
from chalicelib.flow import audience, clicks, receipts
from chalicelib.flow.content import email, render
from tests.builders import a_channel, a_message, a_user, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.people import DEAD, EMAIL, PHONE, SMS, a_world, planned, user

WECHAT = ChannelType.WECHATOA


@pytest.fixture
def fake() -> FakeWorld:
    world = a_world()
    world.users.has(replace(user(world), undeliverable={SMS: {PHONE: DEAD}}))
    return world


@pytest.mark.parametrize("text", ["hello", "START", "TD"])
def test_whoever_answers_an_sms_has_a_phone(fake: FakeWorld, text: str) -> None:
    receipts.record_replies(fake.ports, "text", [Reply(PHONE, text, START + 1)])
    assert user(fake).undeliverable == {}


def test_a_reply_from_before_the_mark_proves_nothing(fake: FakeWorld) -> None:
    receipts.record_replies(fake.ports, "text", [Reply(PHONE, "hello", START - 1)])
    assert user(fake).undeliverable == {SMS: {PHONE: DEAD}}


@pytest.mark.parametrize(("event", "is_back"), [("subscribe", True), ("unsubscribe", False)])
def test_whoever_follows_a_wechat_account_again_gets_messages(event: str, is_back: bool) -> None:
    """43004 says that a person does not follow the account. That is true until they do."""
    fake, dead = a_world(), Suppression("43004", START)
    fake.settings.put_channel(a_channel("oa", WECHAT, platform="text"))
    follower = replace(a_user("wei"), contacts={WECHAT: {"oa": ("openid-1",)}})
    fake.users.has(replace(follower, undeliverable={WECHAT: {"openid-1": dead}}))
    reply = Reply("openid-1", event, START + 1, shows_life=is_back)
    receipts.record_replies(fake.ports, "oa", [reply])
    assert user(fake, "wei").undeliverable == ({} if is_back else {WECHAT: {"openid-1": dead}})


def a_bounced_mail(fake: FakeWorld) -> tuple[str, str]:
    """Plan a mail with a link, mark its mailbox, and return the tokens of link and picture."""
    fake.settings.put_channel(a_channel("mail"))
    fake.users.has(a_user("eva", mail="eva@example.com"))
    address = {"url": "https://shop.example/"}
    message = a_message("eva", strategy=at_once("email"), links=address)
    fake.messages.has(message)
    fake.ledger.put_plan(audience.make_plan(fake.ports, message, 0, ""), message)
    bounced = Suppression("550", START - 1)
    fake.users.has(replace(user(fake, "eva"), undeliverable={EMAIL: {"eva@example.com": bounced}}))
    at, ref = ChunkId(message.msgid, 0), DeliveryRef(0, "mail", 0)
    return (
        render.link_token(fake.vault, message, at, ref, "url"),
        render.open_token(fake.vault, message, at, ref),
    )


def test_whoever_clicks_in_a_mail_has_a_mailbox() -> None:
    fake = a_world()
    link, _ = a_bounced_mail(fake)
    clicks.follow_link(fake.ports, link, by_program=True)
    assert user(fake, "eva").undeliverable
    clicks.follow_link(fake.ports, link)
    assert user(fake, "eva").undeliverable == {}


def test_whoever_opens_a_mail_has_a_mailbox() -> None:
    fake = a_world()
    _, picture = a_bounced_mail(fake)
    email.record_opening(fake.ports, picture)
    assert user(fake, "eva").undeliverable == {}


def test_a_number_that_carriers_gave_to_somebody_else_is_tried_again(fake: FakeWorld) -> None:
    _, plan = planned(fake, "ann")
    assert plan.targets[0].loss is TargetLoss.CONTACT_GONE
    later = a_message("ann", number=2, strategy=at_once("sms"), accepted=START + MARK_LIFE + 1)
    fake.messages.has(later)
    plan = fake.ledger.put_plan(audience.make_plan(fake.ports, later, 0, ""), later)
    assert plan.targets[0].loss is None


def test_a_lapsed_mark_is_replaced_by_a_new_report(fake: FakeWorld) -> None:
    planned(fake, "cem")
    for time in (START, START + 1, START + MARK_LIFE + 1):
        dead = Receipt("mt-1-0", ReceiptKind.DELIVERY_FAILED, time, code="4004", undeliverable=True)
        receipts.record(fake.ports, "text", [dead])
    stored = user(fake, "cem").undeliverable[SMS]["13900002222"]
    assert stored == Suppression("4004", START + MARK_LIFE + 1)


def test_an_opt_out_never_lapses(fake: FakeWorld) -> None:
    receipts.record_replies(fake.ports, "text", [Reply(PHONE, "TD", START)])
    assert user(fake).suppression(SMS, PHONE, "shop", START + 10 * MARK_LIFE) == "opted_out"
