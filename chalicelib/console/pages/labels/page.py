"""Contact labels of a delivery channel: the names under which a user has several contacts."""

from __future__ import annotations

from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN = Role.ADMINISTRATOR.value
ROUTE = "channels/{code}/labels"


@page("GET", "/channels/{code}/labels")
def labels(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None, wrong: str = "") -> Reply:
    """Show the labels. `wrong`: the label whose new name was refused."""
    code = visit.ids["code"]
    return visit.show(
        "labels/labels.html",
        error=error,
        wrong=wrong,
        channel=visit.api.get("channels/{code}", code=code),
        now=visit.api.get(ROUTE, code=code),
    )


def _change(visit: Visit, method: str, path: str, body: Any, done: str, **ids: str) -> Reply:
    code, version = visit.ids["code"], visit.form.version
    try:
        visit.api.change(method, path, body, version=version, code=code, **ids)
    except ApiError as error:
        return _shown(visit, error, ids.get("label", ""))
    return visit.go(visit.to("/channels", code, "labels"), done)


@page("POST", "/channels/{code}/labels", needs=ADMIN)
def add(visit: Visit) -> Reply:
    return _change(visit, "POST", ROUTE, {"name": visit.form.text("name")}, "added")


@page("POST", "/channels/{code}/labels/{label}", needs=ADMIN)
def change(visit: Visit) -> Reply:
    """Rename a label, make it the default, or delete it."""
    label, action = visit.ids["label"], visit.form.text("do")
    if action == "default":
        path = "channels/{code}/default-label"
        return _change(visit, "PUT", path, {"label": label}, "saved")
    if action == "delete":
        return _change(visit, "DELETE", f"{ROUTE}/{{label}}", None, "deleted", label=label)
    body = {"name": visit.form.text("name")}
    return _change(visit, "PUT", f"{ROUTE}/{{label}}", body, "saved", label=label)
