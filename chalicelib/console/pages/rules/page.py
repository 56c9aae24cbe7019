"""Rules of an access channel: quiet hours, broadcasts a day, retention, reviews, callbacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN, OPERATOR = Role.ADMINISTRATOR.value, Role.OPERATOR.value
MORE_WINDOWS = 1  # empty rows of the form beyond those that are set
MAX_WINDOWS, MAX_LEVELS = 15, 5
BATCHES = 20
CALLBACKS = "access-channels/{key}/callbacks"


@page("GET", "/c/{key}/rules")
def rules(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    quiet = visit.api.get("quiet-hours/{key}", key=visit.key)
    reviews = visit.api.get("access-channels/{key}/reviews", key=visit.key)
    members = visit.api.get("members", query={"limit": 100})["members"]
    return visit.show(
        "rules/rules.html",
        error=error,
        quiet=quiet,
        windows=[*quiet["windows"], *[None] * MORE_WINDOWS][:MAX_WINDOWS],
        zone=_zone(visit),
        quota=visit.api.get("broadcast-quota/{key}", key=visit.key),
        retention=visit.api.get("retention/{key}", key=visit.key),
        reviews=reviews,
        levels=_levels(reviews),
        members=members,
        callbacks=visit.api.get(CALLBACKS, key=visit.key),
        batches=visit.api.get(f"{CALLBACKS}/batches", query={"limit": BATCHES}, key=visit.key)[
            "batches"
        ],
    )


def _zone(visit: Visit) -> str:
    return "Asia/Shanghai" if visit.door.utc_offset == 8 else "UTC"


def _levels(reviews: Mapping[str, Any]) -> Sequence[Sequence[str]]:
    """Return the levels of messages' reviews, with an empty one to fill in."""
    levels = list(reviews["messages"]["levels"]) if reviews["messages"] else []
    return [*levels, []][:MAX_LEVELS]


def _change(visit: Visit, method: str, route: str, body: Any = None) -> Reply:
    version = visit.form.number("version")
    known = version if isinstance(version, int) and method == "PUT" else None
    try:
        visit.api.change(method, route, body, version=known, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/rules"), "saved")


@page("POST", "/c/{key}/rules/quiet-hours", needs=OPERATOR)
def quiet_hours(visit: Visit) -> Reply:
    form = visit.form
    begins, ends = form.fields.get("begin", ()), form.fields.get("end", ())
    windows = [
        {
            "begin": begin,
            "end": end,
            "time_zone": form.text("time_zone"),
            "priorities": [n for n in (1, 2, 3) if f"{place}:{n}" in form.many("priorities")],
        }
        for place, (begin, end) in enumerate(zip(begins, ends, strict=False))
        if begin and end
    ]
    if not windows:
        return _change(visit, "DELETE", "quiet-hours/{key}")
    body = {"action": form.text("action"), "windows": windows}
    return _change(visit, "PUT", "quiet-hours/{key}", body)


@page("POST", "/c/{key}/rules/broadcast-quota", needs=OPERATOR)
def broadcast_quota(visit: Visit) -> Reply:
    number = visit.form.number("per_day")
    if number is None:
        return _change(visit, "DELETE", "broadcast-quota/{key}")
    return _change(visit, "PUT", "broadcast-quota/{key}", {"per_day": number})


@page("POST", "/c/{key}/rules/retention", needs=OPERATOR)
def retention(visit: Visit) -> Reply:
    number = visit.form.number("days")
    if number is None:
        return _change(visit, "DELETE", "retention/{key}")
    return _change(visit, "PUT", "retention/{key}", {"days": number})


@page("POST", "/c/{key}/rules/reviews", needs=ADMIN)
def reviews(visit: Visit) -> Reply:
    """Set who must approve messages from the console and from the API, level by level."""
    form = visit.form
    levels = [form.many(f"level{n}") for n in range(MAX_LEVELS)]
    levels = [level for level in levels if level]
    cases = [{"origin": origin} for origin in ("console", "api") if origin in form.many("origins")]
    before = visit.api.get("access-channels/{key}/reviews", key=visit.key)
    messages = {"levels": levels, "cases": cases} if levels and cases else None
    templates = {"levels": levels} if levels and form.flag("templates") else None
    body = {"messages": messages, "templates": templates}
    if before["messages"] and messages and _cases(before["messages"]["cases"]) == cases:
        messages["cases"] = before["messages"]["cases"]  # with kinds and audiences of the API
    return _change(visit, "PUT", "access-channels/{key}/reviews", body)


def _cases(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{"origin": case["origin"]} for case in cases]


@page("POST", "/c/{key}/rules/callbacks", needs=ADMIN)
def callbacks(visit: Visit) -> Reply:
    form = visit.form
    states = [int(state) for state in form.many("states") if state.isdigit()]
    body: dict[str, Any] = {"enabled": form.flag("enabled")}
    body |= {"states": states} if states else {}
    body |= {"default": form.text("default")} if form.text("default") else {}
    version = form.number("version")
    known = version if isinstance(version, int) else None
    try:
        visit.api.change("PATCH", CALLBACKS, body, version=known, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/rules"), "saved")


@page("POST", "/c/{key}/rules/callbacks/addresses", needs=ADMIN)
def add_address(visit: Visit) -> Reply:
    """Add an address. Its signing secret is shown once."""
    body = {"url": visit.form.text("url"), "auth": visit.form.text("auth") or "basic"}
    if visit.form.text("secret"):
        body["secret"] = visit.form.text("secret")
    try:
        added = visit.api.change("POST", f"{CALLBACKS}/addresses", body, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.show("rules/secret.html", added=added)


@page("POST", "/c/{key}/rules/callbacks/addresses/{id}", needs=ADMIN)
def change_address(visit: Visit) -> Reply:
    """Test an address, or delete it."""
    path, id = f"{CALLBACKS}/addresses/{{id}}", visit.ids["id"]
    try:
        if visit.form.text("do") == "test":
            check = visit.api.change("POST", f"{path}/test", None, key=visit.key, id=id)
            return visit.show("rules/tested.html", check=check)
        visit.api.change("DELETE", path, key=visit.key, id=id)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.at("/rules"), "deleted")
