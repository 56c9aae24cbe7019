"""The sandbox's inbox: what was sent, as the people would have seen it."""

from __future__ import annotations

from typing import Any

from chalicelib.console import mails
from chalicelib.console.contents import size
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 20


@page("GET", "/inbox", needs=OPERATOR)
def inbox(visit: Visit) -> Reply:
    """Show the newest messages, those on a channel type, or those to a user."""
    _require_sandbox(visit)
    userid = visit.asked("userid").strip()
    query = {
        "limit": PAGE,
        "type": visit.asked("type") or None,
        "userid": userid or None,
        "cursor": visit.asked("cursor") or None,
    }
    try:
        listed = visit.api.get("sandbox/messages", query=query)
    except ApiError as error:
        return _shown(visit, (), error=error)
    return _shown(visit, listed["messages"], cursor=listed["cursor"])


@page("POST", "/inbox", needs=OPERATOR)
def search(visit: Visit) -> Reply:
    """Search by contact, which stands in the body: addresses are logged in many places."""
    _require_sandbox(visit)
    body = {"type": visit.form.text("type"), "contact": visit.form.text("contact")}
    try:
        found = visit.api.change("POST", "sandbox/messages/search", body)
    except ApiError as error:
        return _shown(visit, (), error=error)
    return _shown(visit, found["messages"], more=found["more"])


@page("GET", "/inbox/{number}/mail", needs=OPERATOR)
def mail(visit: Visit) -> Reply:
    _require_sandbox(visit)
    message = visit.api.get("sandbox/messages/{number}", number=visit.ids["number"])
    return mails.document(message["html"])


def _require_sandbox(visit: Visit) -> None:
    if not visit.door.sandbox_url:
        reason = visit.say("This deployment is not attached to a sandbox: people get its messages.")
        raise ApiError(404, [Problem("", reason)])


def _shown(
    visit: Visit,
    messages: Any,
    *,
    cursor: str | None = None,
    more: bool = False,
    error: ApiError | None = None,
) -> Reply:
    return visit.show(
        "inbox/inbox.html",
        error=error,
        messages=messages,
        cursor=cursor,
        more=more,
        size=size,
        kind=visit.asked("type"),
        userid=visit.asked("userid").strip(),
        limit=PAGE,
    )
