"""The overview: what needs attention, and what is being sent."""

from __future__ import annotations

from typing import Any

from chalicelib.console.door import Reply
from chalicelib.console.labels import STAGES
from chalicelib.console.pages.overview import attention
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
NEWEST = 5  # messages that the page shows
MAX_ATTENTION = 5


@page("GET", "/")
def home(visit: Visit) -> Reply:
    """Open the last access channel, or say what to do first."""
    if visit.access_channel is None:
        return visit.show("overview/first.html")
    return visit.go(visit.at())


@page("GET", "/c/{key}")
def overview(visit: Visit) -> Reply:
    channel = visit.access_channel or {}
    templates = visit.every("templates", "templates", channel_key=visit.key)
    strategies = visit.every("strategies", "strategies", channel_key=visit.key)
    channels = visit.every("channels", "channels")
    newest = {"channel_key": visit.key, "limit": NEWEST}
    messages = visit.api.get("messages", query=newest)["messages"]
    granted = {grant["code"]: grant["enabled"] for grant in channel.get("channels", ())}
    own = [each for each in channels if each["code"] in granted]
    listed = visit.api.get("access-channels/{key}/health", key=visit.key)["channels"]
    health = {each["delivery_channel"]: each for each in listed}
    found = [*attention.of_channels(visit, own, health), *attention.of_money(visit)]
    found += attention.closed(visit, templates, strategies)
    today = visit.api.get("statistics/today", query={"channel_key": visit.key})
    return visit.show(
        "overview/overview.html",
        today=today if today["total"]["requests"] else None,
        chart=_chart(visit, today["trend"]),
        attention=found[:MAX_ATTENTION],
        health=health,
        steps=None if messages else _first_steps(visit, own, templates),
        messages=messages,
        templates={each["template_id"]: each["name"] for each in templates},
        channels=[(each, granted[each["code"]]) for each in own],
        coverage=visit.api.get("statistics/coverage", query={"channel_key": visit.key}),
    )


@page("POST", "/c/{key}/coverage", needs=OPERATOR)
def count(visit: Visit) -> Reply:
    """Count anew how many users have a contact. It goes on by itself."""
    visit.api.change("POST", "statistics/coverage", {"channel_key": visit.key})
    return visit.go(visit.at(), "counting")


def _chart(visit: Visit, trend: Any) -> dict[str, Any]:
    """Return the lines of today. Deliveries and clicks stand at the hour of their report."""
    now = visit.texts.at(visit.texts.now).hour
    by_hour = {int(hour["time"][11:13]): hour for hour in trend}
    names = {"delivered": "deliveries_delivered", "clicked": "deliveries_clicked"}
    series = [
        {
            "name": visit.say(name),
            "stage": stage,
            "data": [
                by_hour[hour][names.get(stage, stage)] if hour in by_hour else 0
                for hour in range(now + 1)
            ],
        }
        for stage, name in STAGES.items()
    ]
    hours = [f"{hour:02d}" for hour in range(24)]
    return {"label": visit.say("Trend"), "x": hours, "series": series}


def _first_steps(visit: Visit, channels: Any, templates: Any) -> list[tuple[bool, str, str]]:
    """Return what a new access channel needs before it can send, and what is there already."""
    say = visit.say
    return [
        (bool(channels), say("Authorise a delivery channel"), visit.to("/access", visit.key)),
        (
            bool(visit.api.get("users", query={"limit": 1})["users"]),
            say("Add or upload users"),
            visit.at("/imports/new"),
        ),
        (bool(templates), say("Write a template"), visit.at("/templates/new")),
        (False, say("Send a first message"), visit.at("/send")),
    ]
