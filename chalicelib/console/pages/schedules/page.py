"""Scheduled messages: those that wait, and what became of the others."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from chalicelib.console import typed_json
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50
FILTERS = ("kind", "audience", "channel")
TIMES = ("at", "cron", "date", "until", "time_zone", "zone_attribute", "if_late")


@page("GET", "/c/{key}/messages/scheduled")
def scheduled(visit: Visit) -> Reply:
    return _list(visit)


def _list(visit: Visit, error: ApiError | None = None) -> Reply:
    query: dict[str, Any] = {"channel_key": visit.key, "limit": PAGE}
    query |= {name: visit.asked(name) or None for name in (*FILTERS, "cursor")}
    found: dict[str, Any] = {"schedules": (), "cursor": None}
    try:
        query |= _days(visit)
        found = visit.api.get("schedules", query=query)
    except ApiError as refused:
        error = error or refused
    return visit.show(
        "schedules/list.html",
        error=error,
        schedules=found["schedules"],
        cursor=found["cursor"],
        is_filtered=any(visit.asked(name) for name in (*FILTERS, "from", "to")),
    )


def _days(visit: Visit) -> dict[str, int]:
    """Return the times between which the list is asked for, from the days of the filter."""
    between: dict[str, int] = {}
    for name, bound, later in (("from", "since", 0), ("to", "until", 1)):
        if not visit.asked(name):
            continue
        try:
            day = datetime.fromisoformat(visit.asked(name)[:10]) + timedelta(days=later)
        except (ValueError, OverflowError):
            raise ApiError(400, [Problem(name, visit.say("That is not a day."))]) from None
        between[bound] = round(day.replace(tzinfo=visit.texts.zone).timestamp() * 1000)
    return between


@page("GET", "/c/{key}/messages/results")
def results(visit: Visit) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("schedule-results", query=query)
    found, cursor = listed["results"], listed["cursor"]
    return visit.show("schedules/results.html", results=found, cursor=cursor)


@page("GET", "/c/{key}/messages/scheduled/{id}")
def one(visit: Visit) -> Reply:
    """Show a scheduled message, and what became of its times until now."""
    id = visit.ids["id"]
    stored = visit.api.get("schedules/{id}", id=id)
    query = {"limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("schedules/{id}/results", query=query, id=id)
    return visit.show(
        "schedules/schedule.html",
        stored=stored,
        message=json.dumps(stored["message"], ensure_ascii=False, indent=1),
        results=listed["results"],
        cursor=listed["cursor"],
    )


@page("GET", "/c/{key}/messages/scheduled/{id}/edit", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return _edit(visit)


def _edit(visit: Visit, error: ApiError | None = None) -> Reply:
    """Show a message that the form cannot hold, as JSON."""
    id = visit.ids["id"]
    stored = visit.api.get("schedules/{id}", id=id)
    whole = visit.api.get("schedules/{id}/message", id=id)
    times = {name: stored["schedule"][name] for name in TIMES if stored["schedule"][name]}
    return visit.show(
        "schedules/edit.html",
        error=error,
        stored=stored,
        broadcast=whole["broadcast"],
        message=json.dumps(whole["message"], ensure_ascii=False, indent=1),
        times=json.dumps(times, ensure_ascii=False, indent=1),
    )


@page("POST", "/c/{key}/messages/scheduled/{id}/edit", needs=OPERATOR)
def edit(visit: Visit) -> Reply:
    form, id = visit.form, visit.ids["id"]
    try:
        body = {"message": _json(visit, "message"), "schedule": _json(visit, "schedule")}
        body |= {"broadcast": form.flag("broadcast"), "name": form.text("name") or None}
        visit.api.change("PUT", "schedules/{id}", body, version=form.version, id=id)
    except ApiError as error:
        return _edit(visit, error)
    return visit.go(visit.at("/messages/scheduled"), "saved")


def _json(visit: Visit, name: str) -> Any:
    try:
        return typed_json.read(visit.form.raw(name))
    except ValueError as error:
        raise ApiError(400, [Problem(name, str(error))]) from None


@page("POST", "/c/{key}/messages/scheduled/{id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "schedules/{id}", id=visit.ids["id"])
    except ApiError as error:
        return _list(visit, error)
    return visit.go(visit.at("/messages/scheduled"), "deleted")
