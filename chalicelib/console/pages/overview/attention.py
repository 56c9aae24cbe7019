"""Find what needs attention: sentences with the way to each, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.console.labels import TYPES
from chalicelib.console.visit import Visit

NEARLY_FULL = 0.8  # of a quota

Thing = Mapping[str, Any]


class Attention(NamedTuple):
    """Something that needs attention: how bad, a sentence, and the way to it."""

    kind: str
    icon: str
    title: str
    text: str
    address: str


def of_channels(
    visit: Visit, channels: Sequence[Thing], health: Mapping[str, Thing]
) -> Iterator[Attention]:
    """Yield delivery channels that do badly, then those that are paused or nearly full."""
    known = [(each, health[each["code"]]) for each in channels if each["code"] in health]
    for find in (_poor, _paused, _full):
        for channel, figures in known:
            address = visit.to("/channels", channel["code"])
            yield from find(visit, channel["name"], figures, address)


def _poor(visit: Visit, name: str, health: Thing, address: str) -> Iterator[Attention]:
    poor = health["poor"]
    if poor is None:
        return
    say, texts = visit.say, visit.texts
    shares = {"name": name, "share": texts.percent(poor["value"], 1)}
    if poor["rate"] == "acceptance_rate":
        title = say("The provider of “%(name)s” takes %(share)s of what is sent", **shares)
    else:
        title = say("“%(name)s” delivers %(share)s of what is submitted", **shares)
    parts = [say("It should be at least %(share)s.", share=texts.percent(poor["bound"], 1))]
    if health["errors"]:
        parts.append(texts.either(health["errors"][0]))
    yield Attention("bad", "alert-circle", title, " ".join(parts), address)


def _paused(visit: Visit, name: str, health: Thing, address: str) -> Iterator[Attention]:
    if health["paused"]:
        title = visit.say("Delivery channel “%(name)s” is paused", name=name)
        text = visit.say("Its deliveries wait until it is resumed.")
        yield Attention("warn", "alert-triangle", title, text, address)


def _full(visit: Visit, name: str, health: Thing, address: str) -> Iterator[Attention]:
    """Yield a delivery channel whose quota of the day is nearly used up."""
    used, limit = health["quota_used"], health["quota"]
    if not limit or used < NEARLY_FULL * limit:
        return
    share = visit.texts.percent(used, limit, 0)
    title = visit.say("%(share)s of today’s quota of %(name)s is used", share=share, name=name)
    text = visit.say("What is above it waits for the next day.")
    yield Attention("warn", "gauge", title, text, address)


def of_money(visit: Visit) -> Iterator[Attention]:
    """Yield a budget that is nearly or wholly used up."""
    budget = visit.api.get("budget/{key}", key=visit.key)
    if budget["state"] not in ("warned", "used_up"):
        return
    used = visit.texts.money(budget["used"])
    most = visit.texts.money(budget["per_month"])
    title = visit.say("%(used)s of this month’s budget of %(most)s is used", used=used, most=most)
    text = visit.say("Who does not fit into it is left out.")
    yield Attention("warn", "gauge", title, text, visit.at("/rules"))


def closed(
    visit: Visit, templates: Sequence[Thing], strategies: Sequence[Thing]
) -> Iterator[Attention]:
    """Yield templates and strategies that cannot be used now."""
    say = visit.say
    for each in strategies:
        if not each["valid"]:
            title = say("Strategy “%(name)s” cannot be used", name=each["name"])
            address = visit.at("/strategies", each["rule_id"])
            yield Attention("warn", "alert-triangle", title, _why(visit, each), address)
    for each in templates:
        if not each["valid"]:
            title = say("Template “%(name)s” cannot be used", name=each["name"])
            address = visit.at("/templates", each["template_id"])
            yield Attention("warn", "alert-triangle", title, _why(visit, each), address)


def _why(visit: Visit, thing: Thing) -> str:
    names = [visit.say(TYPES[kind].name) for kind in thing["closed"]]
    return visit.say(
        "No delivery channel is authorised and enabled for: %(names)s.", names=", ".join(names)
    )
