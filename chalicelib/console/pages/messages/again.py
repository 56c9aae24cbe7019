"""The contents of a message, and sending it again. The targets of a message by reason."""

from __future__ import annotations

import json
import secrets

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
ROWS = 50


@page("GET", "/c/{key}/messages/{msgid}/contents")
def contents(visit: Visit) -> Reply:
    return _contents(visit)


def _contents(visit: Visit, error: ApiError | None = None) -> Reply:
    found = visit.api.get("messages/{msgid}/body", msgid=visit.ids["msgid"])
    shown = [{**each, "text": _pretty(each["content"])} for each in found["contents"]]
    return visit.show(
        "messages/contents.html",
        error=error,
        found=found,
        once=visit.form.text("once") or secrets.token_urlsafe(18),
        contents=shown,
        body=_pretty(found["message"]) if found["message"] is not None else "",
    )


def _pretty(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@page("POST", "/c/{key}/messages/{msgid}/again", needs=OPERATOR)
def send_again(visit: Visit) -> Reply:
    msgid, once = visit.ids["msgid"], visit.form.text("once")
    try:
        sent = visit.api.change("POST", "messages/{msgid}/again", msgid=msgid, once=once)
    except ApiError as error:
        return _contents(visit, error)
    if sent["state"] == "in_review":
        return visit.go(visit.at("/review/mine"), "in-review")
    return visit.go(visit.at("/messages", sent["msgid"]), "sent-again")


@page("GET", "/c/{key}/messages/{msgid}/targets")
def targets(visit: Visit) -> Reply:
    msgid = visit.ids["msgid"]
    query = {name: visit.asked(name) or None for name in ("reason", "state", "cursor")}
    found = visit.api.get("messages/{msgid}/targets", query={**query, "limit": ROWS}, msgid=msgid)
    report = visit.api.get("messages/{msgid}", msgid=msgid)
    lost = [report["losses"]["users"], *report["losses"]["channels"].values()]
    reasons = sorted({reason for losses in lost for reason in losses} | {visit.asked("reason")})
    return visit.show(
        "messages/targets.html",
        msgid=msgid,
        targets=found["targets"],
        cursor=found["cursor"],
        reasons=[reason for reason in reasons if reason],
    )
