"""Clicks on the running stack, from an address in a content to the fact.

They are tested on every channel whose provider does not report clicks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import pytest
import requests

from chalicelib.domain.provider_io import ClickReport
from chalicelib.domain.templates import render
from chalicelib.providers import registry
from infra.demo.client import TIMEOUT, Shop
from infra.demo.platforms import PLATFORMS
from tests.journeys.conftest import eventually, finished

SHOP = "https://shop.example/orders?id=1&region=2"
VALUES = {"name": "Ann", "url": SHOP}
COUNTED = [
    name for name, can in registry.capabilities().items() if can.click_report is ClickReport.LINK
]
OPENED = [name for name in COUNTED if registry.capabilities()[name].clickable]
SHARED = [name for name in OPENED if not registry.capabilities()[name].content_per_recipient]
MANY = 102  # more than a hundred people: up to a hundred get a call each by default

PHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like"
    " Gecko) Mobile/15E148"
)
PREVIEW = "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com/microapp/faquestions/ftpfeu)"


def shop_of(stack: Mapping[str, Any], *platforms: str, **options: Any) -> Shop:
    kinds = {PLATFORMS[name].type: name for name in platforms}
    return Shop(
        stack,
        kinds=tuple(kinds),
        platforms=kinds,
        settings={kind: {"options": options} for kind in kinds if options},
    )


def link_to(shop: Shop, contact: str) -> str:
    """Return the short link in a person's message."""
    (got,) = eventually(lambda: shop.sandbox.inbox(contact), bool)
    (link,) = set(
        re.findall(
            r"https?://[^\s\"'<>]+/l/[\w-]{36}", json.dumps(got["content"], ensure_ascii=False)
        )
    )
    return str(link)


def get(link: str, agent: str) -> str:
    answer = requests.get(
        link, headers={"User-Agent": agent}, allow_redirects=False, timeout=TIMEOUT
    )
    assert answer.status_code == 302
    return answer.headers["Location"]


@pytest.mark.parametrize("platform", OPENED)
def test_an_address_in_a_content_is_opened_and_counted_and_programs_are_counted_apart(
    stack: Mapping[str, Any], platform: str
) -> None:
    shop, kind = shop_of(stack, platform), PLATFORMS[platform].type
    people = {word: shop.contact(kind, n, word) for n, word in enumerate(("click", "deliver"))}
    named = {f"{shop.mark}{word}": contact for word, contact in people.items()}
    shop.upload([shop.user(userid, **{kind: contact}) for userid, contact in named.items()])
    msgid = shop.api.send(
        list(named), shop.template(**{kind: render(PLATFORMS[platform].content, VALUES)}), {}
    )
    clicker = f"{shop.mark}click"
    eventually(lambda: shop.api.target(msgid, clicker)["state"], lambda state: state == "clicked")
    link = link_to(shop, people["deliver"])
    assert link != link_to(shop, people["click"])
    assert requests.head(link, allow_redirects=False, timeout=TIMEOUT).status_code == 200
    assert get(link, PREVIEW) == SHOP
    told = shop.api.message(msgid)
    assert (told["tracked"], told["funnel"]["channels"][kind]["clicked"]) == ([kind], 1)
    assert told["funnel"]["channels"][kind]["scanned"] == 1
    assert get(link, PHONE) == SHOP
    assert shop.api.message(msgid)["funnel"]["users"]["clicked"] == 2


@pytest.mark.parametrize("platform", COUNTED)
def test_no_link_is_made_where_an_operator_wants_none(
    stack: Mapping[str, Any], platform: str
) -> None:
    shop, kind = shop_of(stack, platform, track_links=False), PLATFORMS[platform].type
    ann, contact = f"{shop.mark}ann", shop.contact(kind, 0)
    shop.upload([shop.user(ann, **{kind: contact})])
    msgid = shop.api.send([ann], shop.template(**shop.contents()), VALUES)
    (got,) = eventually(lambda: shop.sandbox.inbox(contact), bool)
    assert SHOP in json.dumps(got["content"], ensure_ascii=False)
    assert shop.api.message(msgid)["tracked"] == []


@pytest.mark.parametrize("platform", SHARED)
def test_many_people_share_calls_unless_the_strategy_asks_who_clicked(
    stack: Mapping[str, Any], platform: str
) -> None:
    """People who have clicked do not get the next step."""
    shop, kind = shop_of(stack, platform, "jsms"), PLATFORMS[platform].type
    people = [f"{shop.mark}u{n}" for n in range(MANY)]
    contacts = {
        userid: shop.contact(kind, n, "deliver" if n else "click")
        for n, userid in enumerate(people)
    }
    shop.upload(
        [
            shop.user(userid, **{kind: contacts[userid], "sms": shop.contact("sms", n)})
            for n, userid in enumerate(people)
        ]
    )
    alone = shop.template(**shop.contents(kind))
    msgid = shop.api.send(people, alone, VALUES)
    eventually(lambda: set(contacts.values()) <= shop.sandbox.sends(shop.provider(kind)).keys())
    (call,) = shop.sandbox.calls(shop.provider(kind), contacts[people[0]])["calls"]
    assert call["contacts"] >= min(MANY, registry.capabilities()[platform].call_size)
    assert shop.api.message(msgid)["tracked"] == []

    rule = shop.strategy(
        {"channels": [kind]},
        {"channels": ["sms"], "condition": {"missing": "clicked", "within": 20}},
    )
    second = shop.api.send(
        people, shop.template(**shop.contents()), {**VALUES, "name": "Ben"}, rule_id=rule
    )
    answer = eventually(
        lambda: shop.api.message(second), lambda found: found["steps"][1]["targets"] == MANY - 1
    )
    assert kind in answer["tracked"]
    finished(shop, second)
    life = shop.api.target(second, people[0])
    assert ([d["channel"] for d in life["deliveries"]], life["state"]) == ([kind], "clicked")


def test_an_ordinary_message_is_counted_as_well(stack: Mapping[str, Any]) -> None:
    shop = shop_of(stack, "wecom")
    contact = shop.contact("wechatwk", 0, "click")
    text = {"msgtype": "text", "text": {"content": f'Hello {{{{url}}}}: <a href="{SHOP}">open</a>'}}
    body = {"aud_wechatwk": [{"data": [contact]}], "msg_wechatwk": [text]}
    answer = requests.post(
        f"{shop.api.url}/v1/sent", json=body, auth=shop.api.pair, timeout=TIMEOUT
    ).json()
    told = eventually(
        lambda: shop.api.message(answer["msgid"]),
        lambda found: found["funnel"]["users"]["clicked"] == 1,
    )
    assert told["tracked"] == ["wechatwk"]
    (got,) = shop.sandbox.inbox(contact)
    assert got["content"]["text"]["content"].startswith('Hello {{url}}: <a href="http')
