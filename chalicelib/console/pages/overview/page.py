"""The overview: what needs attention, and what is being sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from chalicelib.console.door import Reply
from chalicelib.console.labels import STAGES
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
NEWEST = 5  # messages that the page shows
NEARLY_FULL = 0.8  # of a quota
MAX_ATTENTION = 5


class Attention(NamedTuple):
    """Something that needs attention: how bad, a sentence, and the way to it."""

    kind: str
    icon: str
    title: str
    text: str
    address: str
    button: str


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
    found = [*_money(visit), *_paused(visit, own)]
    found += [*_closed(visit, templates, strategies), *_quotas(visit, own)]
    today = visit.api.get("statistics/today", query={"channel_key": visit.key})
    return visit.show(
        "overview/overview.html",
        today=today if today["total"]["requests"] else None,
        chart=_chart(visit, today["trend"]),
        attention=found[:MAX_ATTENTION],
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


def _closed(visit: Visit, templates: Any, strategies: Any) -> Iterator[Attention]:
    """Yield templates and strategies that cannot be used now."""
    say = visit.say
    for each in strategies:
        if not each["valid"]:
            title = say("Strategy “%(name)s” cannot be used", name=each["name"])
            address = visit.at(f"/strategies/{each['rule_id']}")
            yield Attention("warn", "alert-triangle", title, _why(visit, each), address, "")
    for each in templates:
        if not each["valid"]:
            title = say("Template “%(name)s” cannot be used", name=each["name"])
            address = visit.at(f"/templates/{each['template_id']}")
            yield Attention("warn", "alert-triangle", title, _why(visit, each), address, "")


def _why(visit: Visit, thing: Mapping[str, Any]) -> str:
    from chalicelib.console.labels import TYPES

    names = [visit.say(TYPES[kind].name) for kind in thing["closed"]]
    return visit.say(
        "No delivery channel is authorised and enabled for: %(names)s.", names=", ".join(names)
    )


def _money(visit: Visit) -> Iterator[Attention]:
    """Yield a budget that is nearly or wholly used up."""
    budget = visit.api.get("budget/{key}", key=visit.key)
    if budget["state"] not in ("warned", "used_up"):
        return
    used = visit.texts.money(budget["used"])
    most = visit.texts.money(budget["per_month"])
    title = visit.say("%(used)s of this month’s budget of %(most)s is used", used=used, most=most)
    text = visit.say("Who does not fit into it is left out.")
    yield Attention("warn", "gauge", title, text, visit.at("/rules"), "")


def _paused(visit: Visit, channels: Any) -> Iterator[Attention]:
    for each in channels:
        if each["paused"]:
            title = visit.say("Delivery channel “%(name)s” is paused", name=each["name"])
            text = visit.say("Its deliveries wait until it is resumed.")
            address = visit.to(f"/channels/{each['code']}")
            yield Attention("warn", "alert-triangle", title, text, address, "")


def _quotas(visit: Visit, channels: Any) -> Iterator[Attention]:
    """Yield delivery channels whose own quota of the day is nearly used up."""
    for each in channels:
        if not each["deliveries_per_day"]:
            continue
        today = visit.api.get("channels/{code}", code=each["code"])["today"]
        if today and today["limit"] and today["reserved"] >= NEARLY_FULL * today["limit"]:
            share = visit.texts.percent(today["reserved"], today["limit"], 0)
            title = visit.say(
                "%(share)s of today’s quota of %(name)s is used", share=share, name=each["name"]
            )
            text = visit.say("What is above it waits for the next day.")
            address = visit.to(f"/channels/{each['code']}")
            yield Attention("warn", "gauge", title, text, address, "")


def _first_steps(visit: Visit, channels: Any, templates: Any) -> list[tuple[bool, str, str]]:
    """Return what a new access channel needs before it can send, and what is there already."""
    say = visit.say
    return [
        (bool(channels), say("Authorise a delivery channel"), visit.to(f"/access/{visit.key}")),
        (
            bool(visit.api.get("users", query={"limit": 1})["users"]),
            say("Add or upload users"),
            visit.at("/imports/new"),
        ),
        (bool(templates), say("Write a template"), visit.at("/templates/new")),
        (False, say("Send a first message"), visit.at("/send")),
    ]
