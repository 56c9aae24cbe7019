"""Every platform of every channel type on the running stack.

A message goes from the request to the provider, and its receipt comes back to the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ReceiptMode
from chalicelib.domain.provider_io import DeliveryReport
from chalicelib.providers import registry
from infra.demo.client import Shop
from infra.demo.platforms import PLATFORMS, USUAL
from tests.journeys.conftest import at_once, eventually, finished

VALUES = {"name": "Ann", "url": "https://shop.example/orders?id=1"}
WORDS = ("deliver", "reject", "click")
CAPABILITIES = registry.capabilities()
WITH_TOKENS = [
    "wechatoa",
    "wechatoa_component",
    "wechatmp",
    "dingtalk",
    "wecom",
    "wecom_linkedcorp",
]
ENCRYPTED = ["wechatoa", "wechatoa_component", "wechatmp_component"]


class Sent:
    """A message over one platform, to a reachable person, an unknown one, and one who opens it."""

    def __init__(
        self, stack: Mapping[str, Any], platform: str, *, receipts: ReceiptMode | None = None
    ) -> None:
        self.kind = PLATFORMS[platform].type
        settings = {} if receipts is None else {self.kind: {"receipts": receipts.value}}
        platforms, quick = {self.kind: platform}, {"jsms": {"report_interval": 1}}
        self.shop = Shop(
            stack, kinds=(self.kind,), platforms=platforms, settings=settings, options=quick
        )
        self.contacts = {
            word: self.shop.contact(self.kind, n, word) for n, word in enumerate(WORDS)
        }
        self.people = {word: f"{self.shop.mark}{word}" for word in WORDS}
        self.shop.upload(
            [
                self.shop.user(self.people[word], **{self.kind: contact})
                for word, contact in self.contacts.items()
            ]
        )
        self.template = self.shop.template(**self.shop.contents())
        self.msgid = self.shop.api.send([*self.people.values()], self.template, VALUES)

    def states(self) -> dict[str, str]:
        return {
            word: self.shop.api.target(self.msgid, userid)["state"]
            for word, userid in self.people.items()
        }

    def facts(self, word: str) -> dict[str, str]:
        """Return the sources of the facts of one delivery."""
        (delivery,) = self.shop.api.target(self.msgid, self.people[word])["deliveries"]
        return {fact["fact"]: fact["source"] for fact in delivery["facts"]}

    def sends(self, word: str) -> int:
        return self.shop.sandbox.sends(self.shop.provider(self.kind)).get(self.contacts[word], 0)


@pytest.fixture(scope="module")
def sent(stack: Mapping[str, Any]) -> dict[str, Sent]:
    """Send a message over each platform, all of them at once."""
    return at_once(PLATFORMS, lambda platform: Sent(stack, platform))


@pytest.fixture(scope="module")
def asked(stack: Mapping[str, Any]) -> dict[str, Sent]:
    """Send a message over each platform that offers a poll instead of its webhook."""
    both = frozenset(ReceiptMode)
    offering = [name for name, can in CAPABILITIES.items() if can.receipt_modes == both]
    return at_once(offering, lambda name: Sent(stack, name, receipts=ReceiptMode.POLL))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_message_reaches_its_provider_and_what_became_of_it_comes_back(
    sent: dict[str, Sent], asked: Any, platform: str
) -> None:
    """A click comes back too if the matrix has clicks, and so does an unknown contact."""
    one, can, row = sent[platform], CAPABILITIES[platform], PLATFORMS[platform]
    wanted = {word: row.state(word) for word in WORDS}
    eventually(one.states, lambda states: states == wanted)
    finished(one.shop, one.msgid)
    assert [one.sends(word) for word in ("deliver", "click")] == [1, 1]
    by_call = can.delivery_report is DeliveryReport.ACCEPTED
    assert one.facts("deliver")["delivered"] == ("call" if by_call else "receipt")
    assert (
        one.facts("click").get("clicked")
        == ({"provider": "receipt", "link": "link", "none": None}[can.click_report.value])
    )
    funnel = one.shop.api.message(one.msgid)["funnel"]["channels"][one.kind]
    assert (funnel["planned"], funnel["delivered"], funnel["clicked"]) == (3, 2, int(row.clicks))


@pytest.mark.parametrize(
    "platform",
    [name for name, can in CAPABILITIES.items() if can.receipt_modes == frozenset(ReceiptMode)],
)
def test_receipts_are_asked_for_where_an_operator_says_so(
    asked: dict[str, Sent], platform: str
) -> None:
    one = asked[platform]
    eventually(lambda: one.facts("deliver"), lambda facts: "delivered" in facts)
    assert one.sends("deliver") == 1


@pytest.mark.parametrize("platform", WITH_TOKENS)
def test_an_access_token_that_ends_mid_way_is_renewed_and_nothing_is_lost_or_sent_twice(
    sent: dict[str, Sent], platform: str
) -> None:
    """A new registration ends the account's token silently. Later tokens live for a second."""
    one = sent[platform]
    eventually(one.states, lambda states: "pending" not in states.values())
    one.shop.register(one.kind, token_life=1)
    people = {f"{one.shop.mark}late{n}": one.shop.contact(one.kind, 50 + n) for n in range(3)}
    one.shop.upload(
        [one.shop.user(userid, **{one.kind: contact}) for userid, contact in people.items()]
    )
    for userid in people:
        msgid = one.shop.api.send([userid], one.template, {**VALUES, "name": userid})
        finished(one.shop, msgid)
    provider = one.shop.provider(one.kind)
    assert [one.shop.sandbox.sends(provider).get(contact) for contact in people.values()] == [
        1,
        1,
        1,
    ]


@pytest.mark.parametrize("platform", ENCRYPTED)
def test_receipts_come_encrypted(sent: dict[str, Sent], platform: str) -> None:
    one = sent[platform]
    account = one.shop.accounts[one.kind]
    assert account.get("encoding_aes_key") or platform.endswith(
        "_component"
    )  # then the third-party platform has it
    eventually(lambda: one.facts("deliver"), lambda facts: facts.get("delivered") == "receipt")


def test_a_click_on_a_cards_button_comes_encrypted(stack: Mapping[str, Any]) -> None:
    shop = Shop(stack, kinds=("wechatwk",))
    ann = f"{shop.mark}ann"
    shop.upload([shop.user(ann, wechatwk=shop.contact("wechatwk", 1, "click"))])
    card = {
        "card_type": "button_interaction",
        "main_title": {"title": "Hello {{name}}"},
        "button_list": [{"text": "Yes", "key": "yes"}],
    }
    template = shop.template(wechatwk={"msgtype": "template_card", "template_card": card})
    msgid = shop.api.send([ann], template, {"name": "Ann"})
    target = eventually(
        lambda: shop.api.target(msgid, ann), lambda found: found["state"] == "clicked"
    )
    assert {fact["fact"]: fact["source"] for fact in target["deliveries"][0]["facts"]}[
        "clicked"
    ] == "receipt"


def test_a_template_of_all_types_is_one_message_on_each(stack: Mapping[str, Any]) -> None:
    shop = Shop(stack, kinds=tuple(USUAL))
    ann = f"{shop.mark}ann"
    shop.upload([shop.user(ann, **{kind: shop.contact(kind, 1) for kind in USUAL})])
    msgid = shop.api.send([ann], shop.template(**shop.contents()), VALUES)
    finished(shop, msgid, delivered=1)
    deliveries = shop.api.target(msgid, ann)["deliveries"]
    assert {each["channel"] for each in deliveries} == set(USUAL)
    assert {
        shop.sandbox.sends(shop.provider(kind)).get(shop.contact(kind, 1)) for kind in USUAL
    } == {1}


@pytest.mark.parametrize("platform", ["smtp", "wechatoa", "chuanglan"])
def test_a_contact_that_is_reported_as_dead_is_left_out_until_it_is_named_again(
    stack: Mapping[str, Any], platform: str
) -> None:
    kind = PLATFORMS[platform].type
    shop = Shop(stack, kinds=(kind,), platforms={kind: platform})
    person, contact, template = (
        f"dead{shop.mark}",
        shop.contact(kind, 1, "reject"),
        shop.template(**shop.contents()),
    )

    def sent() -> dict[str, Any]:
        msgid = shop.api.send([person], template, VALUES)
        finished(shop, msgid)
        return shop.api.target(msgid, person)

    def marks() -> list[tuple[str, str]]:
        return [
            (each["type"], each["contact"])
            for each in shop.admin.ask("GET", f"/admin/v1/users/{person}")["gone"]
        ]

    def calls() -> int:
        return shop.sandbox.sends(shop.provider(kind)).get(contact, 0)

    shop.upload([shop.user(person, **{kind: contact})])
    assert sent()["loss"] is None
    eventually(marks, lambda found: found == [(kind, contact)])
    before = calls()
    assert sent()["loss"] == "contact_gone"
    assert calls() == before
    shop.upload([shop.user(person, **{kind: contact})])
    assert marks() == []
    assert sent()["loss"] is None
