"""Users: search, one user with everything that is known, and changes by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console.contents import lines, pairs
from chalicelib.console.door import ApiError, Reply
from chalicelib.console.labels import TYPES
from chalicelib.console.pages.users import person as person
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50
NAMES = {"sms": "phone"}  # of contacts in entries of users
FLAT = ("dingtalk_cc", "wechatwk", "wechatwk_linkedcorp")  # contacts that are bound to all
MANY = ("app", "wechatwk_linkedcorp")  # types with several contacts in a scope


@page("GET", "/c/{key}/users")
def users(visit: Visit) -> Reply:
    query: dict[str, Any] = {"limit": PAGE, "cursor": visit.asked("cursor") or None}
    prefix = visit.asked("prefix").strip()
    if prefix:
        query["prefix"] = prefix
    try:
        listed = visit.api.get("users", query=query)
    except ApiError as error:
        return visit.show("users/list.html", error=error, users=(), cursor=None, prefix=prefix)
    return visit.show(
        "users/list.html", users=listed["users"], cursor=listed["cursor"], prefix=prefix
    )


@page("POST", "/c/{key}/users")
def search(visit: Visit) -> Reply:
    """Search by contact, which stands in the body: addresses are logged in many places."""
    body = {"type": visit.form.text("type"), "contact": visit.form.text("contact")}
    try:
        found = visit.api.change("POST", "users/search", body)
    except ApiError as error:
        return visit.show("users/list.html", error=error, users=(), cursor=None, prefix="")
    return visit.show("users/list.html", users=found["users"], cursor=None, prefix="")


@page("GET", "/c/{key}/users/new", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return _form(visit, None)


@page("GET", "/c/{key}/users/{userid}")
def user(visit: Visit) -> Reply:
    found = visit.api.get("users/{userid}", userid=visit.ids["userid"])
    return visit.show("users/user.html", user=found, whole=visit.asked("show") == "1")


@page("GET", "/c/{key}/users/{userid}/edit", needs=OPERATOR)
def edit(visit: Visit) -> Reply:
    return _form(visit, visit.api.get("users/{userid}", userid=visit.ids["userid"]))


def _form(visit: Visit, found: Mapping[str, Any] | None, error: ApiError | None = None) -> Reply:
    channels = visit.every("channels", "channels")
    return visit.show(
        "users/form.html",
        error=error,
        user=found,
        fields=_fields(channels, found),
        tags=", ".join(found["tags"].get("all", ())) if found else "",
        attributes=lines(_texts(found)),
    )


def _fields(channels: Any, found: Mapping[str, Any] | None) -> list[dict[str, str]]:
    """Return a field for each contact that a user can have: by scope, or by delivery channel."""
    fields = []
    for kind, words in TYPES.items():
        scopes = [("all", "")]
        if ChannelType(kind).bound_by_code:
            scopes = [(each["code"], each["name"]) for each in channels if each["type"] == kind]
        for scope, name in scopes:
            values = found["contacts"].get(kind, {}).get(scope, ()) if found else ()
            fields.append(
                {
                    "name": f"contact.{kind}.{scope}",
                    "label": words.contact,
                    "scope": name,
                    "type": kind,
                    "value": ", ".join(values),
                }
            )
    return fields


@page("POST", "/c/{key}/users/new", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    return _save(visit, visit.form.text("userid"), None)


@page("POST", "/c/{key}/users/{userid}/edit", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    userid = visit.ids["userid"]
    return _save(visit, userid, visit.api.get("users/{userid}", userid=userid))


def _save(visit: Visit, userid: str, found: Mapping[str, Any] | None) -> Reply:
    try:
        visit.api.change("POST", "users", _entry(visit, userid, found))
    except ApiError as error:
        return _form(visit, found, error)
    return visit.go(visit.at("/users", userid), "saved")


def _entry(visit: Visit, userid: str, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the entry that makes the user what the form says. Emptied fields are removed."""
    values: dict[str, Any] = {"tag": {"all": visit.form.lines("tags")}}
    gone: dict[str, Any] = {}
    for name, text in visit.form.under("contact."):
        kind, _, scope = name.partition(".")
        typed = visit.form.lines(f"contact.{name}") if kind in MANY else [text.strip()]
        typed = [value for value in typed if value]
        before = list(found["contacts"].get(kind, {}).get(scope, ())) if found else []
        if typed:
            _put(values, kind, scope, typed)
        elif before:
            _put(gone, kind, scope, before)
    attributes = _attributes(pairs(visit.form.raw("attributes")), _texts(found))
    more: dict[str, Any] = {"del": gone} if gone else {}
    more |= {"attributes": attributes} if attributes else {}
    return {"userid": userid, "set": values, **more}


def _texts(found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes that are a text or a number, as texts. Lists are left alone."""
    values = found["attributes"] if found else {}
    return {name: str(value) for name, value in values.items() if not isinstance(value, list)}


def _attributes(typed: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str | None]:
    """Return the attributes that the form changes. None takes one away."""
    changed: dict[str, str | None] = {
        name: value for name, value in typed.items() if before.get(name) != value
    }
    return changed | {name: None for name in before if name not in typed}


def _put(entry: dict[str, Any], kind: str, scope: str, values: list[str]) -> None:
    name = NAMES.get(kind, kind)
    value: Any = values if kind in MANY else values[0]
    if kind in FLAT:
        entry[name] = value
    else:
        entry.setdefault(name, {})[scope] = value


@page("POST", "/c/{key}/users/{userid}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    visit.api.change("DELETE", "users/{userid}", userid=visit.ids["userid"])
    return visit.go(visit.at("/users"), "deleted")
