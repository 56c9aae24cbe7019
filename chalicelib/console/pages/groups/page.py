"""Segments, tags, and black- and whitelists: names, and the members of segments and lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 100
MEMBERS = 50
USED = 50  # tags that users carry

N_ = str  # marks a text for the catalogue


class Family(NamedTuple):
    """A family of groups: its routes in the API, and its words."""

    route: str
    title: str
    what: str
    about: str
    members: bool = True


FAMILIES = {
    "segments": Family(
        "segments", N_("Segments"), N_("segment"), N_("A named set of users to send to.")
    ),
    "tags": Family(
        "tags", N_("Tags"), N_("tag"), N_("A word that users carry, to send to."), members=False
    ),
    "black": Family(
        "lists",
        N_("Blacklists"),
        N_("blacklist"),
        N_("Users on it are left out of a message that names the list."),
    ),
    "white": Family(
        "lists",
        N_("Whitelists"),
        N_("whitelist"),
        N_("Only users on it get a message that names the list."),
    ),
}


@page("GET", "/c/{key}/segments")
def segments(visit: Visit) -> Reply:
    return _list(visit, "segments")


@page("GET", "/c/{key}/tags")
def tags(visit: Visit) -> Reply:
    return _list(visit, "tags")


@page("GET", "/c/{key}/lists/{kind}")
def lists(visit: Visit) -> Reply:
    return _list(visit, _kind(visit))


def _kind(visit: Visit) -> str:
    return "white" if visit.ids["kind"] == "white" else "black"


def _list(visit: Visit, tab: str, error: ApiError | None = None) -> Reply:
    family = FAMILIES[tab]
    groups, cursor = _lists(visit, tab) if family.route == "lists" else _page(visit, family.route)
    used = _used(visit, renew=False) if tab == "tags" else {"used": None}
    return visit.show(
        "groups/list.html",
        error=error,
        family=family,
        tab=tab,
        groups=groups,
        cursor=cursor,
        **used,
    )


def _page(visit: Visit, route: str) -> tuple[Sequence[Mapping[str, Any]], Any]:
    """Return a page of groups, and the cursor of the next one."""
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get(route, query=query)
    return listed[route], listed["cursor"]


def _lists(visit: Visit, kind: str) -> tuple[Sequence[Mapping[str, Any]], None]:
    """Return all lists of a kind. A page of the API has both kinds, so it may have none of one."""
    every = visit.every("lists", "lists", channel_key=visit.key)
    return [each for each in every if each["kind"] == kind], None


@page("GET", "/c/{key}/tags/used")
def used_tags(visit: Visit) -> Reply:
    """Show the tags that users carry, as a part of the page that counts on."""
    return visit.show("groups/used.html", **_used(visit, renew=True))


def _used(visit: Visit, *, renew: bool) -> dict[str, Any]:
    cursor = visit.asked("used") or None
    query = {"scope": "all", "limit": USED, "renew": str(renew).lower(), "cursor": cursor}
    listed = visit.api.get("user-tags", query=query)
    return {"used": listed["tags"], "after_used": listed["cursor"]}


@page("POST", "/c/{key}/segments", needs=OPERATOR)
def add_segment(visit: Visit) -> Reply:
    return _add(visit, "segments", {"kind": "manual"})


@page("POST", "/c/{key}/tags", needs=OPERATOR)
def add_tag(visit: Visit) -> Reply:
    return _add(visit, "tags", {})


@page("POST", "/c/{key}/lists/{kind}", needs=OPERATOR)
def add_list(visit: Visit) -> Reply:
    kind = _kind(visit)
    return _add(visit, kind, {"kind": kind})


def _add(visit: Visit, tab: str, more: Mapping[str, Any]) -> Reply:
    body = {"channel_key": visit.key, "name": visit.form.text("name"), **more}
    try:
        added = visit.api.change("POST", FAMILIES[tab].route, body)
    except ApiError as error:
        return _list(visit, tab, error)
    if not FAMILIES[tab].members:
        return visit.go(visit.at("/tags"), "added")
    return visit.go(visit.at("/groups", tab, added["id"]), "added")


@page("GET", "/c/{key}/groups/{tab}/{id}")
def group(visit: Visit) -> Reply:
    return _group(visit)


def _tab(visit: Visit) -> str:
    tab = visit.ids["tab"]
    return tab if tab in FAMILIES else "segments"


def _group(visit: Visit, error: ApiError | None = None) -> Reply:
    tab, id = _tab(visit), visit.ids["id"]
    family = FAMILIES[tab]
    found = visit.api.get(f"{family.route}/{{id}}", id=id)
    members: Mapping[str, Any] = {"userids": [], "cursor": None}
    if family.members:
        query = {"limit": MEMBERS, "cursor": visit.asked("cursor") or None}
        members = visit.api.get(f"{family.route}/{{id}}/members", query=query, id=id)
    return visit.show(
        "groups/group.html",
        error=error,
        family=family,
        tab=tab,
        group=found,
        userids=members["userids"],
        cursor=members["cursor"],
    )


@page("POST", "/c/{key}/groups/{tab}/{id}", needs=OPERATOR)
def rename(visit: Visit) -> Reply:
    tab, id = _tab(visit), visit.ids["id"]
    version = visit.form.version
    body = {"name": visit.form.text("name")}
    try:
        route = f"{FAMILIES[tab].route}/{{id}}"
        visit.api.change("PUT", route, body, version=version, id=id)
    except ApiError as error:
        return _group(visit, error)
    return visit.go(visit.at("/groups", tab, id), "saved")


@page("POST", "/c/{key}/groups/{tab}/{id}/members", needs=OPERATOR)
def change_members(visit: Visit) -> Reply:
    tab, id = _tab(visit), visit.ids["id"]
    body = {"add": visit.form.lines("add"), "remove": visit.form.many("remove")}
    body = {name: userids for name, userids in body.items() if userids}
    try:
        visit.api.change("POST", f"{FAMILIES[tab].route}/{{id}}/members", body, id=id)
    except ApiError as error:
        return _group(visit, error)
    done = "removed" if "remove" in body else "added"
    return visit.go(visit.at("/groups", tab, id), done)


@page("POST", "/c/{key}/groups/{tab}/{id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    tab, id = _tab(visit), visit.ids["id"]
    try:
        visit.api.change("DELETE", f"{FAMILIES[tab].route}/{{id}}", id=id)
    except ApiError as error:
        return _group(visit, error)
    path = "/lists" if FAMILIES[tab].route == "lists" else ""
    return visit.go(visit.at(path, tab), "deleted")
