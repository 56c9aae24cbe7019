"""The search of the palette: a msgid, a contact, a userid, or a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from chalicelib.console.door import Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain import masks

N_ = str  # marks a text for the catalogue


class Hit(NamedTuple):
    group: str
    icon: str
    title: str
    note: str
    address: str


# By kind of what has a name: the group, its icon, and where its page is.
NAMED = {
    "template": (N_("Templates"), "template", "templates"),
    "strategy": (N_("Strategies"), "arrow-ramp-right-2", "strategies"),
    "segment": (N_("Segments"), "users", "groups/segments"),
    "blacklist": (N_("Blacklists"), "users", "groups/black"),
    "whitelist": (N_("Whitelists"), "users", "groups/white"),
    "access_channel": (N_("Access channels"), "settings", ""),
}


@page("POST", "/search")
def search(visit: Visit) -> Reply:
    typed = visit.form.text("q")[:256]
    visit.ids = {"key": visit.form.text("channel")} if visit.form.text("channel") else {}
    hits = list(_hits(visit, typed)) if typed else []
    return visit.show("search/results.html", hits=hits, typed=typed)


def _hits(visit: Visit, typed: str) -> Iterator[Hit]:
    """Yield what the API finds. The text is in a body, so a contact never gets into a log."""
    channel = visit.access_channel
    body = {"text": typed, "channel_key": channel["channel_key"] if channel else ""}
    found = visit.api.change("POST", "search", body)
    for message in found["messages"]:
        note = visit.texts.exact(message["accepted"])
        title = message["name"] or message["msgid"]
        yield Hit(visit.say("Message"), "message", title, note, visit.to("/m", message["msgid"]))
    for userid in found["contacts"]:
        group = visit.say("Users with this contact, exactly")
        yield _user(visit, group, userid, masks.masked(typed))
    for userid in found["users"]:
        yield _user(visit, visit.say("Users"), userid, "")
    yield from (_named(visit, each) for each in found["named"])


def _user(visit: Visit, group: str, userid: str, note: str) -> Hit:
    return Hit(group, "user", userid, note, visit.at("/users", userid))


def _named(visit: Visit, found: Mapping[str, Any]) -> Hit:
    group, icon, path = NAMED[found["kind"]]
    below = (*path.split("/"), found["id"]) if path else ()
    address = visit.to("/c", found["channel_key"], *below)
    return Hit(visit.say(group), icon, found["name"], "", address)
