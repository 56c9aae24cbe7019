"""Topics of an access channel: the subjects among which people choose."""

from __future__ import annotations

from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 100


@page("GET", "/c/{key}/rules/topics")
def topics(visit: Visit) -> Reply:
    return _list(visit)


def _list(visit: Visit, error: ApiError | None = None) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("topics", query=query)
    return visit.show(
        "topics/list.html", error=error, topics=listed["topics"], cursor=listed["cursor"]
    )


def _body(visit: Visit) -> dict[str, Any]:
    form = visit.form
    return {
        "name": form.text("name"),
        "description": form.text("description"),
        "opt_in": form.text("opt_in") == "1",
        "purpose": form.text("purpose"),
    }


@page("POST", "/c/{key}/rules/topics", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    try:
        visit.api.change("POST", "topics", {"channel_key": visit.key, **_body(visit)})
    except ApiError as error:
        return _list(visit, error)
    return visit.go(visit.at("/rules/topics"), "added")


@page("GET", "/c/{key}/rules/topics/{topic}")
def topic(visit: Visit) -> Reply:
    return _topic(visit)


def _topic(visit: Visit, error: ApiError | None = None) -> Reply:
    found = visit.api.get("topics/{topic}", topic=visit.ids["topic"])
    return visit.show("topics/topic.html", error=error, topic=found)


@page("POST", "/c/{key}/rules/topics/{topic}", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    id, version = visit.ids["topic"], visit.form.version
    try:
        visit.api.change("PATCH", "topics/{topic}", _body(visit), version=version, topic=id)
    except ApiError as error:
        return _topic(visit, error)
    return visit.go(visit.at("/rules/topics", id), "saved")


@page("POST", "/c/{key}/rules/topics/{topic}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "topics/{topic}", topic=visit.ids["topic"])
    except ApiError as error:
        return _topic(visit, error)
    return visit.go(visit.at("/rules/topics"), "deleted")
