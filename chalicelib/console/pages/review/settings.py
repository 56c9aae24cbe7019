"""Settings of reviews: which messages and templates need one, and by whom, level by level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import Form
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role
from chalicelib.domain.rules.reviews import MAX_CASES, MAX_LEVELS

ADMIN = Role.ADMINISTRATOR.value
ROUTE = "access-channels/{key}/reviews"


@page("GET", "/c/{key}/review/settings")
def settings(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    now = visit.api.get(ROUTE, key=visit.key)
    form, stored = visit.form, now["messages"] or {}
    cases = _cases(form) if error else stored.get("cases", [])
    messages = _levels(form, "messages") if error else stored.get("levels", [])
    templates = _levels(form, "templates") if error else (now["templates"] or {}).get("levels", [])
    return visit.show(
        "review/settings.html",
        error=error,
        now=now,
        cases=[*cases, None][:MAX_CASES],
        levels={"messages": _with_empty(messages), "templates": _with_empty(templates)},
        members=visit.every("members", "members"),
    )


def _with_empty(levels: Sequence[Sequence[str]]) -> Sequence[Sequence[str]]:
    """Return the levels of a form, with an empty one to fill in."""
    return [*levels, []][:MAX_LEVELS]


@page("POST", "/c/{key}/review/settings", needs=ADMIN)
def change(visit: Visit) -> Reply:
    form = visit.form
    cases, templates = _cases(form), _levels(form, "templates")
    messages = {"levels": _levels(form, "messages"), "cases": cases} if cases else None
    body = {"messages": messages, "templates": {"levels": templates} if templates else None}
    try:
        visit.api.change("PUT", ROUTE, body, version=form.version, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/review/settings"), "saved")


def _levels(form: Form, name: str) -> list[list[str]]:
    """Return the reviewers that are ticked, level by level. Levels without any are left out."""
    levels = [form.many(f"{name}{number}") for number in range(MAX_LEVELS)]
    return [level for level in levels if level]


def _cases(form: Form) -> list[dict[str, Any]]:
    """Return the rows whose origin is chosen. Nothing ticked means all."""
    return [
        {
            "origin": origin,
            "kinds": _ticked(form, "kinds", place),
            "audiences": _ticked(form, "audiences", place),
        }
        for place, origin in enumerate(form.column("origin"))
        if origin
    ]


def _ticked(form: Form, name: str, place: int) -> list[str]:
    return [value for row, _, value in map(_split, form.many(name)) if row == str(place)]


def _split(text: str) -> tuple[str, str, str]:
    return text.partition(":")
