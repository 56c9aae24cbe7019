"""The search of the palette: a msgid, a contact, a userid, or the name of a template."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain import masks

MOST = 5  # of a group
MSGID = re.compile(r"[0-9a-z]{16}", re.ASCII)
PHONE = re.compile(r"\+?[0-9][0-9 -]{6,19}", re.ASCII)


class Hit(NamedTuple):
    group: str
    icon: str
    title: str
    note: str
    address: str


@page("POST", "/search")
def search(visit: Visit) -> Reply:
    typed = visit.form.text("q")[:256]
    visit.ids = {"key": visit.form.text("channel")} if visit.form.text("channel") else {}
    hits = list(_hits(visit, typed)) if typed else []
    return visit.show("search/results.html", hits=hits, typed=typed)


def _hits(visit: Visit, typed: str) -> Iterator[Hit]:
    """Tell what was typed by its shape. A contact never gets into an address or a log."""
    if MSGID.fullmatch(typed):
        yield from _message(visit, typed)
    if "@" in typed:
        yield from _by_contact(visit, "email", typed)
        return
    if PHONE.fullmatch(typed):
        yield from _by_contact(visit, "sms", typed)
    yield from _users(visit, typed)
    yield from _named(visit, typed)


def _message(visit: Visit, msgid: str) -> Iterator[Hit]:
    try:
        report = visit.api.get("messages/{msgid}", msgid=msgid)
    except ApiError:
        return
    note = visit.texts.exact(report["accepted"])
    yield Hit(visit.say("Message"), "message", msgid, note, visit.to(f"/m/{msgid}"))


def _by_contact(visit: Visit, kind: str, contact: str) -> Iterator[Hit]:
    try:
        found = visit.api.change("POST", "users/search", {"type": kind, "contact": contact})
    except ApiError:
        return
    for user in found["users"][:MOST]:
        group = visit.say("Users with this contact, exactly")
        yield _user(visit, group, user["userid"], masks.masked(contact))


def _users(visit: Visit, typed: str) -> Iterator[Hit]:
    try:
        found = visit.api.get("users", query={"prefix": typed, "limit": MOST})
    except ApiError:
        return
    for user in found["users"]:
        yield _user(visit, visit.say("Users"), user["userid"], "")


def _user(visit: Visit, group: str, userid: str, note: str) -> Hit:
    return Hit(group, "user", userid, note, visit.at(f"/users/{quote(userid, safe='')}"))


def _named(visit: Visit, typed: str) -> Iterator[Hit]:
    """Yield templates and strategies of the access channel whose name has the text."""
    if visit.access_channel is None:
        return
    owner = {"channel_key": visit.access_channel["channel_key"], "limit": 100}
    words = typed.casefold()
    for each in visit.api.get("templates", query=owner)["templates"]:
        if words in each["name"].casefold():
            address = visit.at(f"/templates/{each['template_id']}")
            yield Hit(visit.say("Templates"), "template", each["name"], "", address)
    for each in visit.api.get("strategies", query=owner)["strategies"]:
        if words in each["name"].casefold():
            address = visit.at(f"/strategies/{each['rule_id']}")
            icon = "arrow-ramp-right-2"
            yield Hit(visit.say("Strategies"), icon, each["name"], "", address)
