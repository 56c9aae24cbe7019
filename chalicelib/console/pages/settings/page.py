"""Access channels: their settings, secrets and authorisations."""

from __future__ import annotations

from typing import Any

from chalicelib.console.door import ApiError, Reply
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN = Role.ADMINISTRATOR.value
GRACES = (0, 3600, 86_400, 604_800)  # seconds that an old secret may still work
TRUTHS = {"yes": True, "no": False}


@page("GET", "/settings")
def access_channels(visit: Visit) -> Reply:
    query = {"limit": 50, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("access-channels", query=query)
    channels, cursor = listed["access_channels"], listed["cursor"]
    return visit.show("settings/list.html", channels=channels, cursor=cursor)


@page("GET", "/access/new", needs=ADMIN)
def ask(visit: Visit) -> Reply:
    return visit.show("settings/new.html")


@page("POST", "/access/new", needs=ADMIN)
def add(visit: Visit) -> Reply:
    try:
        added = visit.api.change("POST", "access-channels", {"name": visit.form.text("name")})
    except ApiError as error:
        return visit.show("settings/new.html", error=error)
    return visit.show("settings/secret.html", channel=added, is_new=True)


@page("GET", "/access/{key}")
def access_channel(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None) -> Reply:
    channel = visit.api.get("access-channels/{key}", key=visit.key)
    granted = {grant["code"]: grant["enabled"] for grant in channel["channels"]}
    channels = visit.every("channels", "channels")
    strategies = visit.every("strategies", "strategies", channel_key=visit.key)
    templates = visit.every("templates", "templates", channel_key=visit.key)
    affected = {each["code"]: _affected(each["type"], strategies, templates) for each in channels}
    return visit.show(
        "settings/access.html",
        error=error,
        channel=channel,
        channels=[(each, granted.get(each["code"])) for each in channels],
        affected=affected,
        graces=GRACES,
    )


def _affected(kind: str, strategies: Any, templates: Any) -> list[str]:
    """Return the names of strategies and templates that use a channel type."""
    used = [
        each["name"]
        for each in strategies
        if any(kind in step["channels"] for step in each["steps"])
    ]
    return used + [each["name"] for each in templates if kind in each["contents"]]


@page("POST", "/access/{key}", needs=ADMIN)
def change(visit: Visit) -> Reply:
    form = visit.form
    body = {
        "name": form.text("name"),
        "enabled": form.flag("enabled"),
        "restricted": form.flag("restricted"),
        "changes_all": TRUTHS.get(form.text("changes_all")),
        "rate": form.number("rate"),
    }
    try:
        visit.api.change(
            "PATCH",
            "access-channels/{key}",
            body,
            version=form.version,
            key=visit.key,
        )
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.to("/access", visit.key), "saved")


@page("POST", "/access/{key}/secret", needs=ADMIN)
def rotate(visit: Visit) -> Reply:
    body = {"grace": visit.form.number("grace") or 0}
    try:
        changed = visit.api.change("POST", "access-channels/{key}/secret", body, key=visit.key)
    except ApiError as error:
        return _shown(visit, error)
    return visit.show("settings/secret.html", channel=changed, is_new=False)


@page("POST", "/access/{key}/channels", needs=ADMIN)
def authorise(visit: Visit) -> Reply:
    """Authorise a delivery channel, switch it on or off, or withdraw the authorisation."""
    path, code = "access-channels/{key}/channels/{code}", visit.form.text("code")
    action = visit.form.text("do")
    try:
        if action == "withdraw":
            visit.api.change("DELETE", path, key=visit.key, code=code)
        else:
            visit.api.change("PUT", path, {"enabled": action == "on"}, key=visit.key, code=code)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.to("/access", visit.key), "authorised")
