"""A channel with a long-lived worker: from the request over queues and connections to reports."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from infra.demo.client import Shop
from infra.local.processes import alive
from infra.local.stack import up
from tests.journeys import conftest
from tests.journeys.conftest import eventually, finished

pytestmark = [pytest.mark.alone, pytest.mark.packages]

STATES = {
    "deliver": "delivered",
    "reject": "invalid_target",
    "undelivered": "delivery_failed",
    "silent": "submitted",
    "flaky": "delivered",
    "double": "delivered",
    "throttle": "delivered",
    "click": "clicked",
}


class CmppShop(Shop):
    """A shop whose SMS go over CMPP."""

    def __init__(
        self, stack: Mapping[str, Any], *, gateway: Mapping[str, int] | None = None, **options: Any
    ) -> None:
        own = {"options": {"cmpp": gateway or {}}, "settings": {"sms": {"options": options}}}
        super().__init__(stack, **own, kinds=("sms",), platforms={"sms": "cmpp"})
        self.account = self.accounts["sms"]["app_key"]

    def phone(self, n: int, word: str = "deliver") -> str:
        return self.contact("sms", n, word)

    def cut(self) -> None:
        requests.post(
            f"{self.sandbox.url}/_sandbox/cmpp/cut", json={"account": self.account}, timeout=10
        ).raise_for_status()


@pytest.mark.parametrize(
    ("options", "gateway"),
    [
        ({"version": "2.0"}, {}),
        (
            {"version": "3.0", "connections": 2},
            {"other_connection": 1, "consecutive_ids": 1, "report_bytes": 60},
        ),
    ],
)
def test_whatever_a_gateway_does_with_a_number_is_told_of_its_target(
    stack: Mapping[str, Any], options: dict[str, Any], gateway: dict[str, int]
) -> None:
    shop = CmppShop(stack, gateway=gateway, **options)
    phones = {word: shop.phone(n, word) for n, word in enumerate(STATES)}
    shop.upload([shop.user(word, sms=phone) for word, phone in phones.items()])
    template = shop.template(sms={"content": "您好 {{name}}, see {{url}}"})
    msgid = shop.api.send(list(STATES), template, {"name": "Ann", "url": "https://shop.example/x"})
    finished(shop, msgid)
    eventually(
        lambda: {word: shop.api.target(msgid, word)["state"] for word in STATES},
        lambda found: found == STATES,
    )
    sends = shop.sandbox.sends("cmpp")
    assert {word: sends.get(phone, 0) for word, phone in phones.items()} == {
        word: int(word != "reject") for word in STATES
    }


def test_a_long_text_to_many_is_delivered_when_all_its_parts_are(stack: Mapping[str, Any]) -> None:
    """Its reports come over four seconds, most of them after the connections were cut."""
    shop = CmppShop(stack, gateway={"trickle": 4}, version="3.0", connections=2)
    people = {f"p{n}": shop.phone(n) for n in range(60)}
    shop.upload([shop.user(userid, sms=phone) for userid, phone in people.items()])
    msgid = shop.api.send(list(people), shop.template(sms={"content": "长" * 150}), {})
    finished(shop, msgid, submitted=60)  # a text whose answer is cut off stays unknown
    shop.cut()
    finished(shop, msgid, delivered=60)
    (message,) = shop.sandbox.inbox(people["p7"])
    assert message["content"]["content"] == "长" * 150
    assert set(shop.sandbox.sends("cmpp").values()) == {1}


def test_what_a_killed_worker_left_is_sent_by_the_next_one(stack: Mapping[str, Any]) -> None:
    shop = CmppShop(stack)
    shop.upload([shop.user("ann", sms=shop.phone(1))])
    running = json.loads(conftest.STACK.record.read_text())
    os.kill(running["pids"]["cmpp"], signal.SIGKILL)
    msgid = shop.api.send(["ann"], shop.template(sms={"content": "hello"}), {})
    up(conftest.STACK)
    finished(
        shop, msgid, delivered=1
    )  # it may have taken the job: that is hidden for a minute and more
    assert shop.sandbox.sends("cmpp")[shop.phone(1)] == 1


def test_a_worker_that_is_stopped_leaves_nothing_behind(stack: Mapping[str, Any]) -> None:
    shop = CmppShop(stack, gateway={"answer_delay": 0.3})
    people = {f"q{n}": shop.phone(n) for n in range(20)}
    shop.upload([shop.user(userid, sms=phone) for userid, phone in people.items()])
    template = shop.template(
        sms={"content": "see {{url}}"}
    )  # each with a link of its own: a SUBMIT each
    msgid = shop.api.send(list(people), template, {"url": "https://shop.example/x"})
    running = json.loads(conftest.STACK.record.read_text())
    os.kill(running["pids"]["cmpp"], signal.SIGTERM)
    eventually(lambda: alive(running["pids"]["cmpp"]), lambda lives: not lives)
    up(conftest.STACK)  # a worker that has not ended yet would not be replaced
    finished(shop, msgid, delivered=20)
    assert {
        phone: shop.sandbox.sends("cmpp").get(phone) for phone in people.values()
    } == dict.fromkeys(people.values(), 1)
