"""Members: who may do what, with their keys and logins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import Form
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN = Role.ADMINISTRATOR.value
MISSING = 404


@page("GET", "/members")
def members(visit: Visit) -> Reply:
    query = {"limit": 50, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("members", query=query)
    return visit.show("members/list.html", members=listed["members"], cursor=listed["cursor"])


@page("GET", "/members/new", needs=ADMIN)
def ask(visit: Visit) -> Reply:
    return visit.show("members/new.html")


@page("POST", "/members/new", needs=ADMIN)
def add(visit: Visit) -> Reply:
    """Add a member, with a login if one was named. Keys and password are shown once."""
    form = visit.form
    try:
        body = {"name": form.text("name"), "role": form.text("role"), "roles": _roles(form)}
        added = visit.api.change("POST", "members", body)
    except ApiError as error:
        return visit.show("members/new.html", error=error)
    login = None
    if form.text("login"):
        try:
            login = _give(visit, added["access_key"])
        except ApiError as error:
            return _added(visit, added, error=error)
    return _added(visit, added, login)


def _added(
    visit: Visit, added: Mapping[str, Any], login: Any = None, error: ApiError | None = None
) -> Reply:
    """Show the secret of a new member once, also where the login was refused."""
    at = visit.to("/members", added["access_key"])
    return visit.show("members/secret.html", at=at, error=error, member=added, login=login)


def _roles(form: Form) -> dict[str, str]:
    """Return the roles on access channels that the form names."""
    return {key: role.strip() for key, role in form.under("at.") if role.strip()}


@page("GET", "/members/{access_key}")
def member(visit: Visit) -> Reply:
    return _shown(visit, visit.ids["access_key"])


def _shown(visit: Visit, key: str, error: ApiError | None = None) -> Reply:
    found = visit.api.get("members/{access_key}", access_key=key)
    return visit.show(
        "members/member.html",
        at=visit.to("/members", key),
        error=error,
        member=found,
        login=_login(visit, key),
    )


def _login(visit: Visit, key: str) -> Any:
    try:
        return visit.api.get("members/{access_key}/login", access_key=key)
    except ApiError as error:
        if error.status != MISSING:
            raise
    return None


@page("POST", "/members/{access_key}", needs=ADMIN)
def change(visit: Visit) -> Reply:
    key, form = visit.ids["access_key"], visit.form
    body: dict[str, Any] = {"name": form.text("name")}
    if key != visit.who.key:
        body |= {"role": form.text("role"), "enabled": form.flag("enabled")}
        body["roles"] = _roles(form)
    try:
        visit.api.change(
            "PATCH",
            "members/{access_key}",
            body,
            version=form.version,
            access_key=key,
        )
    except ApiError as error:
        return _shown(visit, key, error)
    return visit.go(visit.to("/members", key), "saved")


@page("POST", "/members/{access_key}/login", needs=ADMIN)
def login(visit: Visit) -> Reply:
    key = visit.ids["access_key"]
    try:
        given = _give(visit, key)
    except ApiError as error:
        return _shown(visit, key, error)
    found = visit.api.get("members/{access_key}", access_key=key)
    return visit.show("members/secret.html", member=found, login=given)


def _give(visit: Visit, key: str) -> Any:
    body = {"login": visit.form.text("login")}
    return visit.api.change("PUT", "members/{access_key}/login", body, access_key=key)


@page("POST", "/members/{access_key}/sessions", needs=ADMIN)
def end_sessions(visit: Visit) -> Reply:
    key = visit.ids["access_key"]
    visit.api.change("DELETE", "members/{access_key}/login/sessions", access_key=key)
    return visit.go(visit.to("/members", key), "ended")


@page("POST", "/members/{access_key}/secret", needs=ADMIN)
def new_secret(visit: Visit) -> Reply:
    key = visit.ids["access_key"]
    changed = visit.api.change("POST", "members/{access_key}/secret", access_key=key)
    return visit.show("members/secret.html", member=changed, login=None)


@page("POST", "/members/{access_key}/delete", needs=ADMIN)
def delete(visit: Visit) -> Reply:
    """Delete a member, with the login, whose sessions end at once."""
    key = visit.ids["access_key"]
    try:
        visit.api.change("DELETE", "members/{access_key}", access_key=key)
    except ApiError as error:
        return _shown(visit, key, error)
    return visit.go(visit.to("/members"), "deleted")
