"""Scheduled messages on the running stack: EventBridge Scheduler wakes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from infra.demo.client import Shop
from tests.journeys.conftest import eventually, finished

APP = {"app": {"title": "Hello", "alert": "Hello {{name}}"}}


def soon(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")


def body(shop: Shop, userid: str) -> dict[str, Any]:
    return {
        "aud_userid": [userid],
        "template_id": shop.template(**APP),
        "template_para": {"name": "Li"},
        "app_para": {"platform": "all"},
    }


def a_user(shop: Shop, name: str) -> str:
    shop.upload([shop.user(name, app=[f"{shop.mark}-{name}"])])
    return name


def test_a_scheduled_message_leaves_at_its_time_and_its_result_says_so(shop: Shop) -> None:
    message = body(shop, a_user(shop, "timely"))
    schedule = {"at": soon(8), "time_zone": "UTC"}
    id = shop.api.ask("POST", "/v1/template/sent", {**message, "option": {"schedule": schedule}})[
        "msgid"
    ]
    assert shop.api.message(id)["status"] == "scheduled"
    assert not shop.sandbox.sends("jpush").get(f"{shop.mark}-timely")
    listed = shop.admin.ask("GET", f"/admin/v1/schedules?channel_key={shop.api.pair[0]}")
    assert [entry["id"] for entry in listed["schedules"]] == [id]
    sent = eventually(
        lambda: shop.api.message(id), lambda answer: answer["status"] in ("finished", "sending")
    )
    finished(shop, sent["msgid"], submitted=1)
    assert shop.sandbox.sends("jpush")[f"{shop.mark}-timely"] == 1
    (result,) = shop.admin.ask("GET", f"/admin/v1/schedules/{id}/results")["results"]
    assert (result["outcome"], result["msgid"]) == ("sent", sent["msgid"])
    path = f"/admin/v1/schedule-results?channel_key={shop.api.pair[0]}"
    assert result in shop.admin.ask("GET", path)["results"]


def test_a_cancelled_message_never_leaves_and_a_refused_one_says_why(shop: Shop) -> None:
    message = body(shop, a_user(shop, "cancelled"))
    schedule = {"at": soon(10), "time_zone": "UTC"}
    new = {"channel_key": shop.api.pair[0], "message": message, "schedule": schedule}
    first, second = (shop.admin.ask("POST", "/admin/v1/schedules", new)["id"] for _ in range(2))
    assert shop.admin.call("DELETE", f"/admin/v1/schedules/{first}").status_code == 204
    template = message["template_id"]
    assert shop.admin.call("DELETE", f"/admin/v1/templates/{template}").status_code == 204
    path = f"/admin/v1/schedules/{second}/results"
    (result,) = eventually(lambda: shop.admin.ask("GET", path)["results"], bool)
    assert (result["outcome"], result["code"]) == ("refused", 1015031)
    assert shop.api.message(first)["status"] == "cancelled"
    assert shop.api.message(second)["status"] == "refused"
    assert not shop.sandbox.sends("jpush").get(f"{shop.mark}-cancelled")
