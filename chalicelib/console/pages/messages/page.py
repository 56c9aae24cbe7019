"""Messages: the list, one message, and one target of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.pages.messages import again as again
from chalicelib.console.pages.messages import answers, life
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

PAGE = 50
PERIODS = {"1": 1, "7": 7, "30": 30}
DAY = 86_400_000
FAST, SLOW, LONG = "3s", "30s", 600_000  # of refreshing, and how old (ms) a message is then


@page("GET", "/c/{key}/messages")
def messages(visit: Visit) -> Reply:
    days = PERIODS.get(visit.asked("days"), 0)
    query: dict[str, Any] = {"channel_key": visit.key, "limit": PAGE}
    if days:
        query["since"] = visit.texts.now - days * DAY
    for name in ("cursor", "status", "text", "origin"):
        query[name] = visit.asked(name) or None
    listed = visit.api.get("messages", query=query)
    templates = visit.every("templates", "templates", channel_key=visit.key)
    return visit.show(
        "messages/list.html",
        messages=listed["messages"],
        cursor=listed["cursor"],
        templates={each["template_id"]: each["name"] for each in templates},
    )


@page("GET", "/m/{msgid}")
def any_message(visit: Visit) -> Reply:
    """Find the access channel of a message: what people paste into chats."""
    _find(visit)
    return visit.go(visit.at("/messages", visit.ids["msgid"]))


@page("GET", "/m/{msgid}/{target}")
def any_target(visit: Visit) -> Reply:
    _find(visit)
    return visit.go(_person(visit, visit.ids["msgid"], visit.ids["target"]))


def _person(visit: Visit, msgid: str, target: str) -> str:
    return visit.at("/messages", msgid, "people", target)


def _find(visit: Visit) -> None:
    visit.api.get("messages/{msgid}", msgid=visit.ids["msgid"])


@page("GET", "/c/{key}/messages/lookup")
def lookup(visit: Visit) -> Reply:
    return visit.show("messages/lookup.html")


@page("POST", "/c/{key}/messages/lookup")
def look_up(visit: Visit) -> Reply:
    """Find a target by its userid, or by a contact, which never gets into an address."""
    msgid, who, kind = (visit.form.text(name) for name in ("msgid", "who", "type"))
    try:
        if kind == "userid":
            found = visit.api.get("messages/{msgid}/targets/{target}", msgid=msgid, target=who)
        else:
            found = visit.api.change(
                "POST", "messages/{msgid}/targets", {"type": kind, "contact": who}, msgid=msgid
            )
    except ApiError as error:
        return visit.show("messages/lookup.html", error=error)
    return visit.go(_person(visit, msgid, found["target"]))


@page("GET", "/c/{key}/messages/{msgid}")
def message(visit: Visit) -> Reply:
    return _message(visit)


def _message(visit: Visit, error: ApiError | None = None) -> Reply:
    msgid = visit.ids["msgid"]
    report = visit.api.get("messages/{msgid}", msgid=msgid)
    kinds = list(report["funnel"]["channels"])
    chosen = visit.asked("channel")
    kind = chosen if chosen in kinds else next(iter(kinds), "")
    template = report["template"]
    return visit.show(
        "messages/message.html",
        error=error,
        report=report,
        kind=kind,
        compared=_compared(visit, report["msgid"], kind) if kind else {},
        name=_template_name(visit, template["id"]) if template else "",
        refresh=_refresh(visit, report),
    )


def _compared(visit: Visit, msgid: str, kind: str) -> dict[str, Any]:
    """Return the rates that have a usual one, with their places (%) on a line."""
    found = visit.api.get("messages/{msgid}/comparison", msgid=msgid)["channels"]
    rows: dict[str, Any] = {row["channel_type"]: row for row in found}
    shown = {name: rows[kind][name] for name in ("delivery_rate", "click_rate") if kind in rows}
    usual = {name: rates for name, rates in shown.items() if rates["mean"] is not None}
    return {name: {**rates, "at": _places(rates)} for name, rates in usual.items()}


def _places(rates: Mapping[str, float | None]) -> dict[str, float]:
    known = {name: rate for name, rate in rates.items() if rate is not None}
    end = min(1, max(known.values()) * 1.25) or 1
    return {name: round(rate / end * 100, 1) for name, rate in known.items()}


def _template_name(visit: Visit, number: int) -> str:
    try:
        template = visit.api.get("templates/{template_id}", template_id=str(number))
    except ApiError:  # it is archived
        return str(number)
    return str(template["name"])


def _refresh(visit: Visit, report: Mapping[str, Any]) -> str:
    """Return how often the page asks again, empty once nothing changes any more."""
    progress = report["progress"]
    is_open = any(progress[name] for name in ("undecided", "unsubmitted", "awaiting_receipt"))
    if not is_open and report["status"] in ("finished", "withdrawn"):
        return ""
    return SLOW if visit.texts.now - report["accepted"] > LONG else FAST


@page("POST", "/c/{key}/messages/{msgid}/withdraw", needs=Role.OPERATOR.value)
def withdraw(visit: Visit) -> Reply:
    msgid = visit.ids["msgid"]
    try:
        visit.api.withdraw(visit.key, msgid)
    except ApiError as error:
        return _message(visit, error)
    return visit.go(visit.at("/messages", msgid), "withdrawn")


@page("GET", "/c/{key}/messages/{msgid}/people")
def people(visit: Visit) -> Reply:
    """Look another person of the message up."""
    who = visit.asked("who").strip()
    if who:
        return visit.go(_person(visit, visit.ids["msgid"], who))
    return visit.show("messages/lookup.html")


@page("GET", "/c/{key}/messages/{msgid}/people/{target}")
def target(visit: Visit) -> Reply:
    return _target(visit)


@page("POST", "/c/{key}/messages/{msgid}/people/{target}", needs=Role.OPERATOR.value)
def show_contacts(visit: Visit) -> Reply:
    """Show the contacts of a target whole, which the audit log keeps."""
    path = "messages/{msgid}/targets/{target}/contacts"
    msgid, name = visit.ids["msgid"], visit.ids["target"]
    return _target(visit, visit.api.change("POST", path, msgid=msgid, target=name)["contacts"])


def _target(visit: Visit, contacts: Sequence[Mapping[str, Any]] = ()) -> Reply:
    msgid, name = visit.ids["msgid"], visit.ids["target"]
    found = visit.api.get("messages/{msgid}/targets/{target}", msgid=msgid, target=name)
    report = visit.api.get("messages/{msgid}", msgid=msgid)
    try:
        user = visit.api.get("users/{userid}", userid=name)
    except ApiError:
        user = None
    return visit.show(
        "messages/target.html",
        found=found,
        report=report,
        user=user,
        shown_whole=contacts,
        answer=answers.answer(found, visit.texts),
        events=life.events(report, found, visit.texts),
        log=json.dumps(found, ensure_ascii=False, indent=1),
    )
