"""A person behind a user: messages, preferences, consents, and the export of all that is known."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.forms import Form, number_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain import keys
from chalicelib.domain.members import Role

ADMIN, OPERATOR = Role.ADMINISTRATOR.value, Role.OPERATOR.value
PAGE = 20
PART = 4  # messages whose states a part of the page brings
DAYS, SCANNED_DAYS = 60, 28
PREFERENCES = "users/{userid}/preferences/{key}"


@page("GET", "/c/{key}/users/{userid}/messages")
def messages(visit: Visit) -> Reply:
    """Show what was sent to a user by name, and on request what went to sets and everyone.

    States take a request for each message. So parts of the page bring them, some at a time.
    """
    scanned = visit.asked("all") == "1"
    days = SCANNED_DAYS if scanned else DAYS
    query: dict[str, Any] = {"days": days, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    query |= {"channel_key": visit.key if scanned else None, "states": "false"}
    listed = visit.api.get("users/{userid}/messages", query=query, userid=visit.ids["userid"])
    return visit.show(
        "users/messages.html",
        userid=visit.ids["userid"],
        parts=list(_parts(listed["messages"])),
        cursor=listed["cursor"],
        scanned=scanned,
        days=days,
    )


def _parts(messages: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    return (messages[start : start + PART] for start in range(0, len(messages), PART))


@page("GET", "/c/{key}/users/{userid}/messages/states")
def states(visit: Visit) -> Reply:
    """Show some messages to a user with what became of each."""
    msgids = [each for each in visit.asked("msgids").split(",") if each][:PART]
    query = {"msgids": ",".join(msgids)}
    found = visit.api.get("users/{userid}/states", query=query, userid=visit.ids["userid"])
    return visit.show(
        "users/states.html",
        userid=visit.ids["userid"],
        msgids=msgids,
        states={state["msgid"]: state for state in found["states"]},
        accepted=keys.message_time,
    )


@page("GET", "/c/{key}/users/{userid}/preferences")
def preferences(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    userid = visit.ids["userid"]
    wanted = dict(visit.api.get(PREFERENCES, userid=userid, key=visit.key))
    said = visit.api.get("users/{userid}/consents", userid=userid)["consents"]
    user = visit.api.get("users/{userid}", userid=userid)
    quiet = wanted["quiet"] or {"begin": "", "end": "", "time_zone": ""}
    is_tried = visit.form.flag("begin")
    if is_tried:
        typed = {each["topic"]: each for each in _topics(visit.form)}
        wanted["topics"] = [{**each, **typed.get(each["topic"], {})} for each in wanted["topics"]]
    return visit.show(
        "users/preferences.html",
        error=error,
        userid=userid,
        wanted=wanted,
        quiet={name: visit.form.text(name) for name in quiet} if is_tried else quiet,
        zone="Asia/Shanghai" if visit.door.utc_offset == 8 else "UTC",
        consents=said,
        names={each["channel_key"]: each["name"] for each in visit.access_channels},
        contacts=_contacts(user),
    )


def _contacts(user: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the contacts of a user with their channel types, each once."""
    found = {
        (kind, contact): None
        for kind, scopes in user["contacts"].items()
        for contacts in scopes.values()
        for contact in contacts
    }
    found |= {(kind, one["contact"]): None for kind, all in user["labels"].items() for one in all}
    return list(found)


@page("POST", "/c/{key}/users/{userid}/preferences", needs=OPERATOR)
def prefer(visit: Visit) -> Reply:
    """Set what a person wants, as the person's own page does."""
    form, userid = visit.form, visit.ids["userid"]
    body = {"topics": _topics(form), "quiet": _quiet(form)}
    try:
        visit.api.change("PUT", PREFERENCES, body, userid=userid, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/users", visit.ids["userid"], "preferences"), "saved")


def _topics(form: Form) -> list[dict[str, Any]]:
    chosen: dict[int | str, list[str]] = {number_of(n): [] for n in form.many("topic")}
    for box in form.many("wanted"):
        number, _, kind = box.partition(".")
        if number_of(number) in chosen:
            chosen[number_of(number)].append(kind)
    return [
        {"topic": number, "channels": kinds, "first": first if first in kinds else None}
        for number, kinds in chosen.items()
        for first in (form.text(f"first.{number}"),)
    ]


def _quiet(form: Form) -> dict[str, str] | None:
    quiet = {name: form.text(name) for name in ("begin", "end", "time_zone")}
    return quiet if quiet["begin"] or quiet["end"] else None


@page("POST", "/c/{key}/users/{userid}/consents", needs=OPERATOR)
def consent(visit: Visit) -> Reply:
    """Record that a contact agrees, or no longer does."""
    form = visit.form
    kind, _, contact = form.text("contact").partition(":")
    said = {
        "type": kind,
        "contact": contact,
        "purpose": form.text("purpose"),
        "given": form.text("given") == "1",
        "source": form.text("source"),
        "text_version": form.text("text_version"),
    }
    try:
        visit.api.change("POST", "consents/{key}/records", {"consents": [said]}, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/users", visit.ids["userid"], "preferences"), "saved")


@page("POST", "/c/{key}/users/{userid}/export", needs=OPERATOR)
def export(visit: Visit) -> Reply:
    """Hand out all that is known of a person as a file. The audit log has an entry of it."""
    known = visit.api.change("POST", "users/{userid}/export", userid=visit.ids["userid"])
    text = json.dumps(known, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": 'attachment; filename="person.json"'}
    return Reply(200, text, "application/json; charset=utf-8", headers)


@page("POST", "/c/{key}/users/{userid}/erasure", needs=ADMIN)
def erase(visit: Visit) -> Reply:
    """Forget a person, whose id was typed once more."""
    userid = visit.ids["userid"]
    if visit.form.text("again") != userid:
        problem = Problem("again", visit.say("That is not the userid of this person."))
        user = visit.api.get("users/{userid}", userid=userid)
        error = ApiError(400, [problem])
        return visit.show("users/user.html", error=error, user=user, whole=False)
    erased = visit.api.change("POST", "users/{userid}/erasure", userid=userid)
    return visit.show("users/erased.html", erased=erased)
