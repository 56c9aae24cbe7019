"""The way from the request to the receipt, with all behaviours of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from infra.demo.client import Shop
from infra.demo.platforms import DIGITS
from tests.journeys.conftest import eventually, finished

APP = {"app": {"title": "Hello", "alert": "Hello {{name}}"}}
SMS = {"sms": {"temp_id": 1, "temp_para": {"name": "{{name}}", "url": "{{url}}"}}}
EMAIL = {"email": {"subject": "Hello {{name}}", "text": "See {{url}}"}}
VALUES = {"name": "Ann", "url": "https://shop.example/orders?id=1&x=é"}

STATES = {
    "app": {
        "deliver": "delivered",
        "reject": "submitted",
        "undelivered": "delivery_failed",
        "silent": "submitted",
        "flaky": "delivered",
        "double": "delivered",
        "timeout": "delivered",
        "throttle": "delivered",
        "click": "clicked",
    },
    "sms": {
        "deliver": "delivered",
        "reject": "invalid_target",
        "undelivered": "delivery_failed",
        "silent": "submitted",
        "flaky": "delivered",
        "double": "delivered",
        "throttle": "delivered",
        "click": "clicked",
    },
    "email": {
        "deliver": "delivered",
        "reject": "invalid_target",
        "undelivered": "delivered",
        "silent": "delivered",
        "flaky": "delivered",
        "double": "delivered",
        "throttle": "delivered",
        "timeout": "unknown",
        "click": "clicked",
    },
}
PLATFORMS = {"app": "jpush", "sms": "jsms", "email": "smtp"}


def _contact(shop: Shop, kind: str, number: int, word: str) -> str:
    if kind == "sms":
        return f"139{int(shop.mark[:5], 16) % 10000:04d}{number:02d}{DIGITS[word]}"
    return f"{shop.mark}{kind}{number}-{word}" + ("@example.com" if kind == "email" else "")


def _user(shop: Shop, userid: str, kind: str, contact: str) -> dict[str, Any]:
    return shop.user(userid, **{kind: [contact] if kind == "app" else contact})


@dataclass(frozen=True)
class Late:
    """A message to people whose receipts come half a minute late."""

    shop: Shop
    msgid: str

    def states(self) -> dict[str, str]:
        return {
            userid: self.shop.api.target(self.msgid, userid)["state"]
            for userid in ("late_app", "late_sms", "late_email")
        }


@pytest.fixture(scope="module")
def late(stack: Mapping[str, Any]) -> Late:
    """Sent early, so that other tests go on while the receipts are on their way."""
    shop = Shop(stack)
    phone = f"1{int(shop.mark, 16) % 1_000_000:06d}0004"
    contacts = {
        "app": [f"{shop.mark}-late"],
        "sms": phone,
        "email": f"{shop.mark}-late@example.com",
    }
    shop.upload(
        [shop.user(f"late_{kind}", **{kind: contact}) for kind, contact in contacts.items()]
    )
    template = shop.template(
        app={"title": "t", "alert": "a"}, sms={"temp_id": 1}, email={"subject": "s", "text": "t"}
    )
    return Late(shop, shop.api.send([f"late_{kind}" for kind in contacts], template, {}))


def test_while_a_receipt_is_late_nothing_is_said_of_delivery(late: Late) -> None:
    finished(late.shop, late.msgid)
    assert late.states() == {
        "late_app": "submitted",
        "late_sms": "submitted",
        "late_email": "delivered",
    }


@pytest.mark.parametrize(("kind", "content"), [("app", APP), ("sms", SMS), ("email", EMAIL)])
def test_whatever_a_provider_does_with_a_contact_is_told_of_its_target(
    shop: Shop, kind: str, content: dict[str, Any]
) -> None:
    words = STATES[kind]
    contacts = {word: _contact(shop, kind, n, word) for n, word in enumerate(words)}
    shop.upload(
        [_user(shop, f"{kind}_{word}", kind, contact) for word, contact in contacts.items()]
    )
    msgid = shop.api.send([f"{kind}_{word}" for word in words], shop.template(**content), VALUES)
    finished(shop, msgid)

    def states() -> dict[str, str]:
        return {word: shop.api.target(msgid, f"{kind}_{word}")["state"] for word in words}

    eventually(states, lambda found: found == words)
    sends = shop.sandbox.sends(PLATFORMS[kind])
    never = {word for word, state in words.items() if word == "reject"}
    assert {word: sends.get(contact, 0) for word, contact in contacts.items()} == {
        word: int(word not in never) for word in words
    }


@pytest.mark.parametrize(("kind", "content"), [("sms", SMS), ("email", EMAIL)])
@pytest.mark.parametrize(
    ("choice", "state", "times"), [("unknown", "unknown", 1), ("resend", "delivered", 2)]
)
def test_where_there_is_no_token_the_operator_decides_about_a_call_without_an_answer(
    stack: dict[str, Any], kind: str, content: dict[str, Any], choice: str, state: str, times: int
) -> None:
    """The provider has taken it, and the answer stayed away."""
    shop = Shop(stack, settings={kind: {"on_uncertain": choice}}, kinds=(kind,))
    contact = (
        f"1{int(shop.mark, 16) % 1_000_000:06d}0007"
        if kind == "sms"
        else f"{shop.mark}-timeout@example.com"
    )
    shop.upload([_user(shop, "ann", kind, contact)])
    msgid = shop.api.send(["ann"], shop.template(**content), VALUES)
    answer = finished(shop, msgid)
    eventually(lambda: shop.api.target(msgid, "ann")["state"], lambda found: found == state)
    assert shop.sandbox.sends(PLATFORMS[kind])[contact] == times
    assert [why.split(":")[0] for why in answer["losses"]["channels"][kind]] == (
        ["unknown"] if state == "unknown" else []
    )


def test_a_targets_life_cycle_names_each_channel_fact_code_and_provider_id(shop: Shop) -> None:
    shop.upload(
        [
            shop.user(
                "cycle",
                app=[f"{shop.mark}cycle-silent"],
                sms=_contact(shop, "sms", 91, "undelivered"),
                email="cy@example.com",
            )
        ]
    )
    rule = shop.strategy(
        {"channels": ["app"]},
        {"channels": ["sms"], "condition": {"missing": "delivered", "within": 1}},
        {"channels": ["email"], "condition": {"missing": "delivered", "within": 1}},
    )
    msgid = shop.api.send(["cycle"], shop.template(**APP, **SMS, **EMAIL), VALUES, rule_id=rule)
    finished(shop, msgid, delivered=1)
    life = shop.api.target(msgid, "cycle")
    assert [(d["step"], d["channel"], d["state"]) for d in life["deliveries"]] == [
        (1, "app", "submitted"),
        (2, "sms", "delivery_failed"),
        (3, "email", "delivered"),
    ]
    app, sms, _ = life["deliveries"]
    assert app["provider_id"]
    assert sms["provider_id"]
    # The provider's clock may say that the receipt came first.
    assert {fact["fact"]: fact["code"] for fact in sms["facts"]} == {
        "submitted": "",
        "delivery_failed": "4003",
    }
    assert life["state"] == "delivered"


def test_a_short_link_leads_to_its_address_and_counts_the_first_click_only(shop: Shop) -> None:
    phone = _contact(shop, "sms", 92, "deliver")
    shop.upload([shop.user("clicker", sms=phone)])
    msgid = shop.api.send(["clicker"], shop.template(**SMS), VALUES)
    finished(shop, msgid, delivered=1)
    (mail,) = shop.sandbox.inbox(phone)
    link = next(
        word
        for word in str(mail["content"]).replace("'", " ").replace('"', " ").split()
        if "/l/" in word
    )
    assert requests.head(link, allow_redirects=False, timeout=10).status_code == 200
    assert (
        requests.get(
            link, allow_redirects=False, timeout=10, headers={"User-Agent": "curl/8"}
        ).status_code
        == 302
    )
    assert shop.api.message(msgid)["funnel"]["users"]["clicked"] == 0
    for _ in range(3):
        opened = requests.get(
            link,
            allow_redirects=False,
            timeout=10,
            headers={"User-Agent": "Mozilla/5.0 (iPhone) AppleWebKit/605.1.15"},
        )
        assert (opened.status_code, opened.headers["Location"]) == (
            302,
            "https://shop.example/orders?id=1&x=%C3%A9",
        )
    clicks = [
        f
        for d in shop.api.target(msgid, "clicker")["deliveries"]
        for f in d["facts"]
        if f["fact"] == "clicked"
    ]
    assert len(clicks) == 1
    assert (
        requests.get(
            link[:-1] + ("A" if link[-1] != "A" else "B"), allow_redirects=False, timeout=10
        ).status_code
        == 404
    )


def test_receipts_can_be_asked_for_where_no_webhook_is_possible(stack: dict[str, Any]) -> None:
    shop = Shop(stack, settings={"app": {"receipts": "poll"}}, kinds=("app",))
    shop.upload([shop.user(f"p{n}", app=[f"{shop.mark}p{n}"]) for n in range(3)])
    msgid = shop.api.send(["p0", "p1", "p2"], shop.template(**APP), {"name": "Ann"})
    finished(shop, msgid, delivered=3)


def test_who_writes_back_gets_nothing_more_also_where_receipts_are_asked_for(
    stack: dict[str, Any],
) -> None:
    """The account is polled every minute, for reports and for people's replies."""
    shop = Shop(stack, settings={"sms": {"receipts": "poll"}}, kinds=("sms",))
    phone, template = shop.contact("sms", 0), shop.template(**SMS)
    shop.upload([shop.user("td", sms=phone)])
    finished(shop, shop.api.send(["td"], template, VALUES), delivered=1)
    shop.sandbox.write_back(shop.provider("sms"), shop.accounts["sms"]["app_key"], phone, "退订")

    def losses() -> str:
        return str(finished(shop, shop.api.send(["td"], template, VALUES))["losses"])

    eventually(losses, lambda found: "opted_out" in found)
    shop.close()


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
def test_mails_leave_over_tls(stack: dict[str, Any], encryption: str) -> None:
    port = stack["sandbox_smtp"]["smtps" if encryption == "tls" else "starttls"]
    pem = requests.get(f"{stack['sandbox_url']}/_sandbox/certificate", timeout=10).text
    options = {
        "server": "127.0.0.1",
        "port": port,
        "encryption": encryption,
        "sender": "a@shop.example",
        "ca": pem,
    }
    login = {"username": "shop", "password": "secret"}
    shop = Shop(
        stack, settings={"email": {"options": options, "credentials": login}}, kinds=("email",)
    )
    shop.upload([shop.user("m", email=f"{shop.mark}@example.com")])
    finished(shop, shop.api.send(["m"], shop.template(**EMAIL), VALUES), delivered=1)


def test_receipts_that_come_late_are_added_when_they_come(late: Late) -> None:
    eventually(late.states, lambda states: set(states.values()) == {"delivered"})
