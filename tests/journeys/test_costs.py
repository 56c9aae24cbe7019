"""Costs, the budget, and the alarm of a poor delivery channel, on the running stack."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from infra.bench import quiet
from infra.demo.client import Shop
from tests.journeys.conftest import STACK, change, eventually, finished

PRICES = {"sms": {"price": 0.05, "prefixes": {"+852": 0.3}}}
MANY = 60  # deliveries, enough to judge a delivery channel


def a_shop(stack: Mapping[str, Any], people: int) -> tuple[Shop, list[str]]:
    shop = Shop(stack, kinds=("sms",), settings=PRICES)
    userids = [f"{shop.mark}-c{number}" for number in range(people)]
    users = [shop.user(userid, sms=shop.contact("sms", n)) for n, userid in enumerate(userids)]
    shop.upload(users)
    return shop, userids


def counted(name: str) -> float:
    """Return the sum of a metric that the functions have written for CloudWatch."""
    lines = STACK.log("functions").read_text(errors="replace").splitlines()
    values = (json.loads(line[line.index("{") :]) for line in lines if f'"{name}":' in line)
    return sum(value.get(name, 0) for value in values)


def test_what_was_submitted_costs_and_a_budget_stops(stack: Mapping[str, Any]) -> None:
    shop, people = a_shop(stack, 3)
    template = shop.template(sms={"temp_id": 1})
    before = counted("budgets_short")
    change(shop, "PUT", f"budget/{shop.key}", {"per_month": 0.1})
    report = finished(shop, shop.api.send(people, template, {}), delivered=2)
    assert report["cost"] == {"total": 0.1, "channels": {"sms": 0.05 * 2}, "currency": "CNY"}
    assert report["losses"]["users"] == {"over_budget": 1}
    state = shop.admin.ask("GET", f"/admin/v1/budget/{shop.key}")
    assert (state["used"], state["state"]) == (0.1, "used_up")
    assert counted("budgets_short") > before

    def cost() -> float:
        quiet.sweep(stack)
        rows = shop.admin.ask("GET", f"/admin/v1/statistics?channel_key={shop.key}&by=month")
        return sum(row["cost"] for row in rows["figures"])

    assert eventually(cost, lambda found: found > 0) == 0.1


def test_a_channel_whose_provider_refuses_rings_the_alarm(stack: Mapping[str, Any]) -> None:
    shop, people = a_shop(stack, MANY)
    template = shop.template(sms={"temp_id": 1})
    before = counted("channels_poor")
    account = shop.accounts["sms"]["app_key"]
    shop.sandbox.console("jsms", "delete", app_key=account, temp_id=1)
    finished(shop, shop.api.send(people, template, {}))

    def health_of_own() -> dict[str, Any]:
        quiet.sweep(stack)
        return shop.admin.ask("GET", f"/admin/v1/channels/{shop.code('sms')}/health")

    health = eventually(health_of_own, lambda found: found["state"] == "poor")
    assert health["submitted"] == 0
    # Channels of other journeys may ring, too.
    assert eventually(lambda: counted("channels_poor") - before, lambda number: number > 0) > 0
    assert health["errors"][0]["reason"].startswith("submit_failed")
