"""Strategies: the list, and the editor with its warnings and an example user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console.door import ApiError, Problem, Reply
from chalicelib.console.labels import TYPES
from chalicelib.console.pages.strategies import editor
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
PAGE = 50


@page("GET", "/c/{key}/strategies")
def strategies(visit: Visit) -> Reply:
    query = {"channel_key": visit.key, "limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("strategies", query=query)
    found, cursor = listed["strategies"], listed["cursor"]
    return visit.show("strategies/list.html", strategies=found, cursor=cursor)


@page("GET", "/c/{key}/strategies/new", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return _editor(visit, None, editor.fresh())


@page("GET", "/c/{key}/strategies/{rule_id}")
def strategy(visit: Visit) -> Reply:
    found = _found(visit)
    return _editor(visit, found, editor.steps_of(found))


def _found(visit: Visit) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.api.get("strategies/{rule_id}", rule_id=visit.ids["rule_id"])
    return found


@page("POST", "/c/{key}/strategies/new", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    return _save(visit, None)


@page("POST", "/c/{key}/strategies/{rule_id}", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    return _save(visit, _found(visit))


def _save(visit: Visit, found: Mapping[str, Any] | None) -> Reply:
    """Save, or do what one of the editor's buttons says and show it again."""
    form = visit.form
    if found is not None and not editor.shows(found):
        raise ApiError(409, [Problem("", visit.say("Change this strategy by the API."))])
    steps = editor.read(form)
    if form.text("do") != "save":
        return _editor(visit, found, editor.act(steps, form.text("do")))
    body = {"name": form.text("name"), "steps": editor.body(steps)}
    try:
        if found is None:
            saved = visit.api.change("POST", "strategies", {"channel_key": visit.key, **body})
        else:
            saved = visit.api.change(
                "PUT",
                "strategies/{rule_id}",
                body,
                version=form.version,
                rule_id=str(found["rule_id"]),
            )
    except ApiError as error:
        return _editor(visit, found, steps, error)
    return visit.go(visit.at("/strategies", saved["rule_id"]), "saved")


def _editor(
    visit: Visit,
    found: Mapping[str, Any] | None,
    steps: list[editor.Step],
    error: ApiError | None = None,
) -> Reply:
    platforms = visit.api.get("platforms")["platforms"]
    reports = editor.reports(platforms, visit.access_channel)
    fate = visit.form.text("fate") or visit.asked("fate") or "missed"
    return visit.show(
        "strategies/editor.html",
        error=error,
        strategy=found,
        is_shown=found is None or editor.shows(found),
        steps=steps,
        others=editor.others(steps),
        choices=editor.CHOICES,
        unused=[kind for kind in TYPES if kind not in editor.used(steps)],
        warnings=editor.warnings(steps, reports),
        lanes=editor.lanes(steps, fate),
        estimate=_estimate(visit, steps),
        fate=fate,
    )


def _estimate(visit: Visit, steps: list[editor.Step]) -> Any:
    """Return what the API estimates, None while the steps are not a strategy yet."""
    body = {"channel_key": visit.key, "steps": editor.body(steps)}
    try:
        return visit.api.change("POST", "strategies/estimate", body)
    except ApiError:
        return None


@page("POST", "/c/{key}/strategies/{rule_id}/delete", needs=OPERATOR)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "strategies/{rule_id}", rule_id=visit.ids["rule_id"])
    except ApiError as error:
        found = _found(visit)
        return _editor(visit, found, editor.steps_of(found), error)
    return visit.go(visit.at("/strategies"), "deleted")
