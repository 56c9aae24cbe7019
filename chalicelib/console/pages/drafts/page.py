"""Drafts: messages that a member has begun to write."""

from __future__ import annotations

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value


@page("GET", "/c/{key}/messages/drafts")
def drafts(visit: Visit) -> Reply:
    return _list(visit)


def _list(visit: Visit, error: ApiError | None = None) -> Reply:
    listed = visit.api.get("drafts", query={"channel_key": visit.key})["drafts"]
    return visit.show("drafts/list.html", error=error, drafts=listed)


@page("POST", "/c/{key}/messages/drafts/{id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "drafts/{id}", id=visit.ids["id"])
    except ApiError as error:
        return _list(visit, error)
    return visit.go(visit.at("/messages/drafts"), "deleted")
