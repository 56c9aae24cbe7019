"""A simulation on the running stack: what it says of a send and of a broadcast becomes true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.demo.client import Shop
from tests.journeys.conftest import finished

VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    """Build a shop of its own users: two with a phone, one of them with an app too."""
    prices = {"sms": {"price": 0.05}, "app": {"price": 0}}
    shop = Shop(stack, kinds=("app", "sms"), settings=prices)
    shop.upload(
        [
            shop.user(
                f"{shop.mark}_both", app=[shop.contact("app", 0)], sms=shop.contact("sms", 0)
            ),
            shop.user(f"{shop.mark}_phone", sms=shop.contact("sms", 1)),
        ]
    )
    return shop


def body(shop: Shop, **more: Any) -> dict[str, Any]:
    app_para = {"platform": "all"}
    template = shop.template(**shop.contents())
    return {"template_id": template, "template_para": VALUES, "app_para": app_para, **more}


def test_what_a_simulation_says_of_a_send_becomes_true(shop: Shop) -> None:
    rule = shop.strategy({"channels": ["sms", "app"], "choose": "cheapest"})
    people = [f"{shop.mark}_{name}" for name in ("both", "phone", "nobody")]
    send = body(shop, aud_userid=people, rule_id=rule)
    told = shop.api.ask("POST", "/v1/simulate", send)
    assert (told["targets"], told["error"], told["warnings"]) == (3, 0, [])
    assert {row["channel"]: row["deliveries"] for row in told["deliveries"]} == {"app": 1, "sms": 1}
    assert told["cost"] == 0.05
    path = "/admin/v1/simulate"
    operators = shop.admin.ask("POST", path, {"channel_key": shop.key, "send": send})
    assert operators["funnel"] == told["funnel"]
    assert not shop.sandbox.sends("jsms").get(shop.contact("sms", 1))
    answer = finished(shop, shop.api.ask("POST", "/v1/sent", send)["msgid"], delivered=2)
    users = answer["funnel"]["users"]
    assert told["funnel"]["users"] == {name: users[name] for name in ("planned", "valid")}
    assert told["losses"]["users"] == answer["losses"]["users"] == {"unknown_user": 1}
    life = shop.api.target(answer["msgid"], people[0])
    assert [delivery["channel"] for delivery in life["deliveries"]] == ["app"]
    assert life["refused"] == {shop.code("sms"): "dearer"}


def test_a_broadcast_is_simulated_for_everyone(shop: Shop) -> None:
    told = shop.api.ask("POST", "/v1/simulate", body(shop))
    assert told["targets"] >= told["sampled"] >= 2
    assert told["funnel"]["users"]["valid"] >= 2
    assert told["aws_usd"] > 0
