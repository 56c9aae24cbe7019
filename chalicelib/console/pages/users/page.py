"""Users: search, one user with everything that is known, and changes by hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from chalicelib.console.contents import lines, pairs
from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.forms import lines_of
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
CHANGE = re.compile(r"^(set|add|del)\.")  # what an entry does with a value


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
                    "api": NAMES.get(kind, kind) + ("" if kind in FLAT else f".{scope}"),
                    "type": kind,
                    "value": ", ".join(values),
                }
            )
    return fields


@page("POST", "/c/{key}/users/new", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    userid = visit.form.text("userid")
    if _is_known(visit, userid):
        reason = visit.say("There is a user with this id. Open the user to change it.")
        return _form(visit, None, ApiError(409, [Problem("userid", reason)]))
    return _save(visit, userid, None)


def _is_known(visit: Visit, userid: str) -> bool:
    try:
        visit.api.get("users/{userid}", userid=userid)
    except ApiError:
        return False
    return True


@page("POST", "/c/{key}/users/{userid}/edit", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    userid = visit.ids["userid"]
    return _save(visit, userid, visit.api.get("users/{userid}", userid=userid))


def _save(visit: Visit, userid: str, found: Mapping[str, Any] | None) -> Reply:
    try:
        visit.api.change("POST", "users", _entry(visit, userid, found))
    except ApiError as error:
        return _form(visit, found, _of_fields(error))
    return visit.go(visit.at("/users", userid), "saved")


def _of_fields(error: ApiError) -> ApiError:
    """Return a refusal as the form has its fields: one for what is set, added and taken away."""
    problems = [Problem(CHANGE.sub("", each.field), each.reason) for each in error.problems]
    return ApiError(error.status, problems, error.seconds)


def _entry(visit: Visit, userid: str, found: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the entry that changes what was changed in the form, and nothing else.

    Programs may change a user while the form is open. So it brings what it showed.
    """
    form = visit.form
    values: dict[str, Any] = {}
    gone: dict[str, Any] = {}
    for name, text in form.under("contact."):
        kind, _, scope = name.partition(".")
        typed, before = _typed(kind, text), _typed(kind, _was(visit, found, f"contact.{name}"))
        if typed and typed != before:
            _put(values, kind, scope, typed)
        elif before and not typed:
            _put(gone, kind, scope, before)
    tags, old = form.lines("tags"), lines_of(_was(visit, found, "tags"))
    more: dict[str, Any] = {"tag": {"all": [tag for tag in tags if tag not in old]}}
    gone |= {"tag": {"all": [tag for tag in old if tag not in tags]}}
    attributes = _attributes(pairs(form.raw("attributes")), pairs(_was(visit, found, "attributes")))
    entry = {"userid": userid, "set": values, "add": more, "del": gone}
    return entry | ({"attributes": attributes} if attributes else {})


def _typed(kind: str, text: str) -> list[str]:
    """Return the contacts of a field."""
    return lines_of(text) if kind in MANY else [text.strip()] if text.strip() else []


def _was(visit: Visit, found: Mapping[str, Any] | None, name: str) -> str:
    """Return what the form showed in a field: what it says, else what is stored."""
    if visit.form.flag(f"was.{name}"):
        return visit.form.raw(f"was.{name}")
    if found is None:
        return ""
    kind, _, scope = name.removeprefix("contact.").partition(".")
    stored = {"tags": ", ".join(found["tags"].get("all", ())), "attributes": lines(_texts(found))}
    return stored.get(name, ", ".join(found["contacts"].get(kind, {}).get(scope, ())))


def _texts(found: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the attributes that lines can hold, as texts. Others are left alone, as lists are."""
    values = found["attributes"] if found else {}
    texts = {name: str(v) for name, v in values.items() if not isinstance(v, list)}
    return {
        name: text for name, text in texts.items() if pairs(lines({name: text})) == {name: text}
    }


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
