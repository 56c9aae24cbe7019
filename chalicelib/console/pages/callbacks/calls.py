"""Calls of callback addresses: the recent ones, their bodies, and calling again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN = Role.ADMINISTRATOR.value
ROUTE = "access-channels/{key}/callbacks"
PAGE = 20
SPANS = {"hour": 3_600_000, "day": 86_400_000, "week": 604_800_000}  # ms


def recent(visit: Visit) -> Mapping[str, Any]:
    """Return the newest calls of a span of time."""
    span = SPANS.get(visit.asked("span"), SPANS["day"])
    query = {
        "limit": PAGE,
        "cursor": visit.asked("cursor") or None,
        "since": visit.door.now() - span,
        "order": "newest",
    }
    found: Mapping[str, Any] = visit.api.get(f"{ROUTE}/batches", query=query, key=visit.key)
    return found


@page("GET", "/c/{key}/rules/callbacks/calls/{id}", needs=ADMIN)
def call(visit: Visit) -> Reply:
    """Show a call with its body. The audit log has an entry of it."""
    path, id = f"{ROUTE}/batches/{{id}}", visit.ids["id"]
    found = visit.api.get(path, key=visit.key, id=id)
    addresses = visit.api.get(ROUTE, key=visit.key)["addresses"]
    return visit.show(
        "callbacks/call.html",
        call=found,
        urls={each["id"]: each["url"] for each in addresses},
        body=json.dumps(found["body"], ensure_ascii=False, indent=1),
    )


@page("GET", "/c/{key}/rules/callbacks/replay", needs=ADMIN)
def ask(visit: Visit) -> Reply:
    return _replay(visit)


def _replay(visit: Visit, error: ApiError | None = None) -> Reply:
    addresses = visit.api.get(ROUTE, key=visit.key)["addresses"]
    now = visit.door.now()
    return visit.show(
        "callbacks/replay.html",
        error=error,
        addresses=addresses,
        since=_clock(visit, now - SPANS["hour"]),
        until=_clock(visit, now),
    )


def _clock(visit: Visit, time: int) -> str:
    """Write a time as the form's fields have it, by the deployment's clock."""
    return f"{visit.texts.at(time):%Y-%m-%dT%H:%M}"


@page("POST", "/c/{key}/rules/callbacks/replay", needs=ADMIN)
def replay(visit: Visit) -> Reply:
    form = visit.form
    try:
        body: dict[str, Any] = {name: _time(visit, name) for name in ("since", "until")}
        body["states"] = form.many("states")
        if form.text("address"):
            body["address"] = form.text("address")
        visit.api.change("POST", f"{ROUTE}/replay", body, key=visit.key)
    except ApiError as error:
        return _replay(visit, error)
    return visit.go(visit.at("/rules/callbacks"), "replaying")


def _time(visit: Visit, name: str) -> int:
    """Read a time of the form. Raise ApiError if the text is not a time."""
    try:
        read = datetime.fromisoformat(visit.form.text(name))
    except ValueError:
        problem = Problem(name, visit.say("That is not a time. An example: 2026-11-29T14:00"))
        raise ApiError(400, [problem]) from None
    return round(read.replace(tzinfo=read.tzinfo or visit.texts.zone).timestamp() * 1000)
