"""Own rates on the running stack: kept from what was delivered, and then chosen by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infra.demo.client import Shop
from tests.journeys.conftest import change, eventually, finished

VALUES = {"name": "Ann", "url": "https://shop.example/orders/1042"}
MESSAGES = 3  # without which a person has no rate of its own


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    """Build a shop that keeps own rates: the pushes to one user never arrive, its SMS do."""
    shop = Shop(stack, kinds=("app", "sms"))
    change(shop, "PUT", f"choice/{shop.key}", {"own_rates": True})
    people = {"deaf": "silent", "fresh": "deliver"}
    shop.upload(
        [
            shop.user(
                f"{shop.mark}_{name}",
                app=[shop.contact("app", n, push)],
                sms=shop.contact("sms", n),
            )
            for n, (name, push) in enumerate(people.items())
        ]
    )
    return shop


def test_the_channel_that_did_better_for_the_person_is_chosen(shop: Shop) -> None:
    deaf, fresh = f"{shop.mark}_deaf", f"{shop.mark}_fresh"
    template = shop.template(**shop.contents())
    for _ in range(MESSAGES):
        finished(shop, shop.api.send([deaf], template, VALUES))

    def arrived() -> int:
        known = shop.admin.ask("POST", f"/admin/v1/users/{deaf}/export")["reached"]
        stages = [(entry["channel"], entry["stage"]) for entry in known]
        is_known = stages.count(("app", "submitted")) == MESSAGES
        return stages.count(("sms", "delivered")) if is_known else 0

    eventually(arrived, lambda number: number == MESSAGES)
    rule = shop.strategy({"channels": ["app", "sms"], "choose": "best"})
    sent = finished(shop, shop.api.send([deaf, fresh], template, VALUES, rule_id=rule))
    lives = {name: shop.api.target(sent["msgid"], name) for name in (deaf, fresh)}
    chosen = {
        name: (life["choices"][0]["channel"], life["choices"][0]["reason"])
        for name, life in lives.items()
    }
    assert chosen == {deaf: ("sms", "lower_own_rate"), fresh: ("app", "stands_later")}
    assert lives[deaf]["refused"] == {shop.code("app"): "lower_own_rate"}
    assert [delivery["channel"] for delivery in lives[deaf]["deliveries"]] == ["sms"]
