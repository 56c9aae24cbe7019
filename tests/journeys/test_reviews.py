"""A review on the running stack: two levels, then the message leaves under its first id."""

from __future__ import annotations

from typing import Any

import pytest

from infra.demo.client import Api, Failed, Shop
from tests.journeys.conftest import change, finished
from tests.journeys.test_schedules import a_user, body


def member(shop: Shop, name: str, role: str) -> Api:
    made = shop.admin.ask("POST", "/admin/v1/members", {"name": name, "role": role})
    return Api(shop.admin.url, (made["access_key"], made["access_secret"]))


def set_reviews(shop: Shop, settings: dict[str, Any]) -> None:
    change(shop, "PUT", f"access-channels/{shop.key}/reviews", settings)


def test_a_message_leaves_when_the_last_level_has_approved(stack: dict[str, Any]) -> None:
    shop = Shop(stack)
    asker, first, last = (
        member(shop, f"{name}-{shop.mark}"[:30], role)
        for name, role in (("ask", "operator"), ("one", "reviewer"), ("two", "read-only"))
    )
    message = body(shop, a_user(shop, "reviewed"))
    levels = [[first.pair[0]], [last.pair[0]]]
    set_reviews(
        shop, {"messages": {"levels": levels, "cases": [{"origin": "api"}]}, "templates": None}
    )
    with pytest.raises(Failed, match="1015023"):
        shop.api.ask("POST", "/v1/template/sent", message)
    option = {"owner": asker.pair[0]}
    id = shop.api.ask("POST", "/v1/template/sent", {**message, "option": option})["msgid"]
    path, word = f"/admin/v1/reviews/{id}/decision", {"approved": True}
    assert asker.call("POST", path, word).status_code == 409
    assert first.ask("POST", path, word)["state"] == "in_review"
    assert shop.api.message(id)["status"] == "in_review"
    assert not shop.sandbox.sends("jpush").get(f"{shop.mark}-reviewed")
    assert last.ask("POST", path, word)["state"] == "done"
    finished(shop, id, submitted=1)
    assert shop.sandbox.sends("jpush")[f"{shop.mark}-reviewed"] == 1
    assert [r["id"] for r in last.ask("GET", "/admin/v1/reviews?list=decided")["reviews"]] == [id]
    set_reviews(shop, {"messages": None, "templates": None})
