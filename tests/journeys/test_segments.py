"""Segments by rules on the running stack: events, a send, interactions, counts and analysis."""

from __future__ import annotations

from typing import Any

from infra.demo.client import Shop
from tests.journeys.conftest import change, eventually, finished

APP = {"app": {"title": "Hello", "alert": "Hello {{name}}"}}
PEOPLE = ("buyer", "browser", "stranger")


def segment(shop: Shop, name: str, *conditions: dict[str, Any]) -> str:
    """Add a segment of this test's people, and return its path."""
    mine = {"attribute": "mark", "is": "equals", "value": shop.mark}
    body = {
        "channel_key": shop.key,
        "name": f"{name} {shop.mark}",
        "kind": "rules",
        "rule": {"all": [mine, *conditions]},
    }
    return f"/admin/v1/segments/{shop.admin.ask('POST', '/admin/v1/segments', body)['id']}"


def keep_interactions(shop: Shop) -> None:
    change(shop, "PUT", f"interactions/{shop.key}")


def test_a_rule_finds_people_by_what_they_did_and_by_what_they_got(shop: Shop) -> None:
    keep_interactions(shop)
    for name in PEOPLE:
        shop.upload([shop.user(name, app=[f"{shop.mark}-{name}"])])
        user = {"userid": name, "attributes": {"mark": shop.mark}}
        shop.admin.ask("POST", "/admin/v1/users", user)
    orders = [
        {"userid": name, "name": "order", "properties": {"amount": amount}}
        for name, amount in (("buyer", 120), ("browser", 5))
    ]
    told = shop.admin.ask("POST", "/admin/v1/events", {"events": orders})
    assert told == {"recorded": 2, "refused": []}
    large = {"property": "amount", "is": "more", "value": 100}
    buyers = segment(shop, "buyers", {"event": "order", "where": [large]}, {"contact": "app"})
    sent = shop.api.ask(
        "POST",
        "/v1/template/sent",
        {
            "aud_segment": [buyers.rpartition("/")[2]],
            "template_id": shop.template(**APP),
            "template_para": {"name": "Li"},
            "app_para": {"platform": "all"},
        },
    )
    finished(shop, sent["msgid"], submitted=1, delivered=1)
    sends = shop.sandbox.sends("jpush")
    assert [sends.get(f"{shop.mark}-{name}", 0) for name in PEOPLE] == [1, 0, 0]

    reached = segment(shop, "reached", {"message": "delivered", "days": 1})
    eventually(
        lambda: shop.admin.call("GET", f"{reached}/members/buyer").status_code,
        lambda status: status == 200,
    )
    assert shop.admin.call("GET", f"{reached}/members/browser").status_code == 404

    shop.admin.ask("POST", f"{buyers}/count")
    counted = eventually(
        lambda: shop.admin.ask("GET", f"{buyers}/count"), lambda count: count["state"] == "done"
    )
    assert (counted["users"], counted["contacts"]) == (1, {"app": 1})
    analysis = eventually(
        lambda: shop.admin.ask("GET", f"{buyers}/analysis"),
        lambda told: told["users"]["delivered"] == 1,
    )
    assert [size["users"] for size in analysis["sizes"]] == [1]
    assert analysis["users"]["delivery_rate"] == 1.0
