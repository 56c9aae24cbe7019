"""Callbacks of an access channel: what is reported, and the addresses that get it."""

from __future__ import annotations

from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import number_of
from chalicelib.console.pages.callbacks import calls
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN = Role.ADMINISTRATOR.value
ROUTE = "access-channels/{key}/callbacks"
ADDRESS = f"{ROUTE}/addresses/{{id}}"
GRACES = (0, 3600, 86_400, 604_800)  # seconds that an old secret may still sign


@page("GET", "/c/{key}/rules/callbacks")
def callbacks(visit: Visit) -> Reply:
    return shown(visit)


def shown(visit: Visit, error: ApiError | None = None, check: Any = None) -> Reply:
    """Show the settings, the addresses and the recent calls. `check`: a test of an address."""
    found = calls.recent(visit)
    return visit.show(
        "callbacks/callbacks.html",
        at=visit.at("/rules/callbacks"),
        error=error,
        now=visit.api.get(ROUTE, key=visit.key),
        calls=found["batches"],
        cursor=found["cursor"],
        check=check,
    )


@page("POST", "/c/{key}/rules/callbacks", needs=ADMIN)
def change(visit: Visit) -> Reply:
    form = visit.form
    body: dict[str, Any] = {"enabled": form.flag("enabled")}
    body["states"] = [number_of(state) for state in form.many("states")]
    if form.text("default"):
        body["default"] = form.text("default")
    return _change(visit, "PATCH", ROUTE, body, "saved")


def _change(visit: Visit, method: str, route: str, body: Any, done: str, **ids: str) -> Reply:
    version = visit.form.version
    try:
        visit.api.change(method, route, body, version=version, key=visit.key, **ids)
    except ApiError as error:
        return shown(visit, error)
    return visit.go(visit.at("/rules/callbacks"), done)


@page("POST", "/c/{key}/rules/callbacks/addresses", needs=ADMIN)
def add(visit: Visit) -> Reply:
    """Add an address. Its signing secret is shown once."""
    try:
        added = visit.api.change("POST", f"{ROUTE}/addresses", _body(visit), key=visit.key)
    except ApiError as error:
        return shown(visit, error)
    return visit.show("callbacks/secret.html", added=added, is_new=True)


def _body(visit: Visit) -> dict[str, Any]:
    form = visit.form
    body = {name: form.text(name) for name in ("url", "auth", "retries")}
    return body | ({"secret": form.text("secret")} if form.text("secret") else {})


@page("GET", "/c/{key}/rules/callbacks/addresses/{id}", needs=ADMIN)
def address(visit: Visit) -> Reply:
    return _address(visit)


def _address(visit: Visit, error: ApiError | None = None) -> Reply:
    now = visit.api.get(ROUTE, key=visit.key)
    found = [each for each in now["addresses"] if each["id"] == visit.ids["id"]]
    if not found:
        return visit.go(visit.at("/rules/callbacks"))
    return visit.show(
        "callbacks/address.html", error=error, now=now, address=found[0], graces=GRACES
    )


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}", needs=ADMIN)
def edit(visit: Visit) -> Reply:
    id, version = visit.ids["id"], visit.form.version
    try:
        visit.api.change("PATCH", ADDRESS, _body(visit), version=version, key=visit.key, id=id)
    except ApiError as error:
        return _address(visit, error)
    return visit.go(visit.at("/rules/callbacks"), "saved")


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}/test", needs=ADMIN)
def test(visit: Visit) -> Reply:
    """Call an address with a random text, which it must answer."""
    try:
        check = visit.api.change("POST", f"{ADDRESS}/test", key=visit.key, id=visit.ids["id"])
    except ApiError as error:
        return shown(visit, error)
    return shown(visit, check={**check, "address": visit.ids["id"]})


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}/pause", needs=ADMIN)
def pause(visit: Visit) -> Reply:
    """Pause an address, or resume it, which delivers what was held."""
    paused = visit.form.text("do") == "pause"
    done = "paused" if paused else "resumed"
    return _change(visit, "PATCH", ADDRESS, {"paused": paused}, done, id=visit.ids["id"])


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}/delete", needs=ADMIN)
def delete(visit: Visit) -> Reply:
    return _change(visit, "DELETE", ADDRESS, None, "deleted", id=visit.ids["id"])


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}/secret", needs=ADMIN)
def rotate(visit: Visit) -> Reply:
    """Make a new signing secret, which is shown once."""
    body = {"grace": visit.form.number("grace") or 0}
    id, version = visit.ids["id"], visit.form.version
    try:
        added = visit.api.change(
            "POST", f"{ADDRESS}/secret", body, version=version, key=visit.key, id=id
        )
    except ApiError as error:
        return _address(visit, error)
    return visit.show("callbacks/secret.html", added=added, is_new=False)
