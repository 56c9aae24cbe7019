"""Scheduled messages: those that wait, and what became of the others."""

from __future__ import annotations

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50


@page("GET", "/c/{key}/messages/scheduled")
def scheduled(visit: Visit) -> Reply:
    return _list(visit)


def _list(visit: Visit, error: ApiError | None = None) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("schedules", query=query)
    found, cursor = listed["schedules"], listed["cursor"]
    return visit.show("schedules/list.html", error=error, schedules=found, cursor=cursor)


@page("GET", "/c/{key}/messages/results")
def results(visit: Visit) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("schedule-results", query=query)
    found, cursor = listed["results"], listed["cursor"]
    return visit.show("schedules/results.html", results=found, cursor=cursor)


@page("POST", "/c/{key}/messages/scheduled/{id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "schedules/{id}", id=visit.ids["id"])
    except ApiError as error:
        return _list(visit, error)
    return visit.go(visit.at("/messages/scheduled"), "deleted")
