"""Segments by rules: the editor with a live estimate, the exact count, and the analysis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import Form
from chalicelib.console.pages.segments import editor
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

OPERATOR = Role.OPERATOR.value
DAYS = 90


@page("GET", "/c/{key}/segments/new", needs=OPERATOR)
def ask(visit: Visit) -> Reply:
    return _editor(visit, None, editor.fresh())


@page("GET", "/c/{key}/segments/{id}")
def segment(visit: Visit) -> Reply:
    found = _found(visit)
    if found["kind"] != "rules":
        return _by_hand(visit, found)
    return _editor(visit, found, editor.node_of(found["rule"]))


def _by_hand(visit: Visit, found: Mapping[str, Any]) -> Reply:
    """Go to the page of a segment that has members instead of a rule."""
    return visit.go(visit.at("/groups/segments", found["id"]))


def _found(visit: Visit) -> Mapping[str, Any]:
    found: Mapping[str, Any] = visit.api.get("segments/{id}", id=visit.ids["id"])
    return found


@page("POST", "/c/{key}/segments/new", needs=OPERATOR)
def add(visit: Visit) -> Reply:
    return _save(visit, None)


@page("POST", "/c/{key}/segments/{id}", needs=OPERATOR)
def change(visit: Visit) -> Reply:
    found = _found(visit)
    return _save(visit, found) if found["kind"] == "rules" else _by_hand(visit, found)


def _save(visit: Visit, found: Mapping[str, Any] | None) -> Reply:
    """Save, or do what one of the editor's buttons says and show it again."""
    form, root = visit.form, editor.read(visit.form)
    if form.text("do") != "save":
        return _editor(visit, found, editor.act(root, form))
    body: dict[str, Any] = {"name": form.text("name"), "daily": form.flag("daily")}
    if found is None or editor.shows(found["rule"]):
        body["rule"] = editor.body(root)
    try:
        if found is None:
            new = {"channel_key": visit.key, "kind": "rules", **body}
            saved = visit.api.change("POST", "segments", new)
        else:
            id, version = str(found["id"]), form.version
            saved = visit.api.change("PUT", "segments/{id}", body, version=version, id=id)
    except ApiError as error:
        return _editor(visit, found, root, error)
    return visit.go(visit.at("/segments", saved["id"]), "saved")


@page("POST", "/c/{key}/segments/{id}/count", needs=OPERATOR)
def count(visit: Visit) -> Reply:
    try:
        visit.api.change("POST", "segments/{id}/count", id=visit.ids["id"])
    except ApiError as error:
        found = _found(visit)
        if found["kind"] != "rules":
            return _by_hand(visit, found)
        visit.form = Form({})  # the button is not in the form of the segment
        return _editor(visit, found, editor.node_of(found["rule"]), error)
    return visit.go(visit.at("/segments", visit.ids["id"]))


def _editor(
    visit: Visit,
    found: Mapping[str, Any] | None,
    root: editor.Node,
    error: ApiError | None = None,
) -> Reply:
    is_shown = found is None or editor.shows(found["rule"])
    rule = editor.body(root) if is_shown or found is None else found["rule"]
    is_counting = visit.is_part and visit.request.method == "GET"  # only its progress is shown
    is_asked = (not is_shown or editor.is_complete(root)) and not is_counting
    estimate, refused = _estimate(visit, rule) if is_asked else (None, None)
    known = {} if found is None else _known(visit, str(found["id"]))
    return visit.show(
        "segments/editor.html",
        error=error,
        segment=found,
        is_shown=is_shown,
        root=root,
        nodes=list(editor.places(root)),
        E=editor,
        estimate=estimate,
        refused=refused,
        **known,
    )


def _known(visit: Visit, id: str) -> dict[str, Any]:
    """Return the last count, and what is known over time."""
    return {
        "counted": visit.api.get("segments/{id}/count", id=id),
        "analysis": visit.api.get("segments/{id}/analysis", query={"days": DAYS}, id=id),
    }


def _estimate(
    visit: Visit, rule: Mapping[str, Any]
) -> tuple[Mapping[str, Any] | None, ApiError | None]:
    """Return the estimate of a rule, or the reason why the API has none."""
    if not visit.who.may(OPERATOR):
        return None, None
    try:
        body = {"channel_key": visit.key, "rule": rule}
        return visit.api.change("POST", "segments/estimate", body), None
    except ApiError as error:
        return None, error
