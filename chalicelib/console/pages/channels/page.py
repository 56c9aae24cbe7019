"""Delivery channels: forms by platform, tests, webhooks, and what is left of today's quota."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.console import typed_json
from chalicelib.console.door import ApiError, Reply
from chalicelib.console.forms import Form, amount_of
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit
from chalicelib.domain.members import Role

ADMIN, OPERATOR = Role.ADMINISTRATOR.value, Role.OPERATOR.value
PAGE = 100
NUMBERS = ("calls_per_second", "deliveries_per_day")
# Options and credentials that are values of JSON. All others are texts, such as 10690000.
VALUES = (
    "allow_plain_auth",
    "check_gateway",
    "connections",
    "dead_stats",
    "duplicate_check",
    "fee_user_type",
    "numbers_per_submit",
    "port",
    "receipt_fields",
    "window",
)


@page("GET", "/channels")
def channels(visit: Visit) -> Reply:
    query = {"limit": PAGE, "cursor": visit.asked("cursor") or None}
    listed = visit.api.get("channels", query=query)
    return visit.show("channels/list.html", channels=listed["channels"], cursor=listed["cursor"])


@page("GET", "/channels/new", needs=ADMIN)
def choose(visit: Visit) -> Reply:
    """Choose a platform, then fill its form in."""
    platforms = visit.api.get("platforms")["platforms"]
    chosen = {each["platform"]: each for each in platforms}.get(visit.asked("platform"))
    if chosen is None:
        return visit.show("channels/choose.html", platforms=platforms)
    return visit.show("channels/form.html", platform=chosen, channel=None, check=None)


@page("POST", "/channels/new", needs=ADMIN)
def add(visit: Visit) -> Reply:
    platforms = visit.api.get("platforms")["platforms"]
    chosen = next(
        (each for each in platforms if each["platform"] == visit.form.text("platform")), None
    )
    if chosen is None:
        return visit.go(visit.to("/channels/new"))
    try:
        body = {
            **_common(visit),
            "code": visit.form.text("code"),
            "type": chosen["type"],
            "platform": chosen["platform"],
            "credentials": _values(visit, chosen["credentials"], "credentials"),
            "options": _options(visit, chosen),
        }
        if visit.form.text("receipts"):
            body["receipts"] = visit.form.text("receipts")
        added = visit.api.change("POST", "channels", body)
    except ApiError as error:
        return visit.show(
            "channels/form.html", error=error, platform=chosen, channel=None, check=None
        )
    return visit.show("channels/webhook.html", channel=added, is_new=True)


@page("GET", "/channels/{code}")
def channel(visit: Visit) -> Reply:
    return _shown(visit)


def _shown(visit: Visit, error: ApiError | None = None, check: Any = None) -> Reply:
    found = visit.api.get("channels/{code}", code=visit.ids["code"])
    platforms = visit.api.get("platforms")["platforms"]
    owners = [
        each
        for each in visit.access_channels
        if found["code"] in {grant["code"] for grant in each["channels"]}
    ]
    return visit.show(
        "channels/form.html",
        error=error,
        channel=found,
        platform=next(each for each in platforms if each["platform"] == found["platform"]),
        owners=owners,
        check=check,
        health=visit.api.get("channels/{code}/health", code=found["code"]),
    )


@page("POST", "/channels/{code}", needs=ADMIN)
def change(visit: Visit) -> Reply:
    """Change what is not secret, and the credentials only where new ones were typed."""
    code = visit.ids["code"]
    found = visit.api.get("channels/{code}", code=code)
    platforms = visit.api.get("platforms")["platforms"]
    platform = next(each for each in platforms if each["platform"] == found["platform"])
    body: dict[str, Any] = {**_common(visit), "receipts": visit.form.text("receipts") or None}
    credentials = _values(visit, platform["credentials"], "credentials")
    options = {**_unknown_options(found, platform), **_options(visit, platform)}
    if credentials:
        body |= {"credentials": credentials, "options": options}
    elif options != found["options"]:
        body["options"] = options  # the API says that credentials must stand beside them
    try:
        visit.api.change("PATCH", "channels/{code}", body, version=_version(visit), code=code)
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.to("/channels", code), "saved")


@page("POST", "/channels/{code}/pause", needs=OPERATOR)
def pause(visit: Visit) -> Reply:
    """Pause a delivery channel, or resume it."""
    does, code = visit.form.text("do"), visit.ids["code"]
    if does in ("pause", "resume"):
        try:
            visit.api.change("POST", f"channels/{{code}}/{does}", None, code=code)
        except ApiError as error:
            return _shown(visit, error)
    return visit.go(visit.to("/channels", code), "saved")


@page("POST", "/channels/{code}/test")
def test(visit: Visit) -> Reply:
    """Test the connection. The answer comes within seconds, or the page asks for it later."""
    try:
        check = visit.api.change("POST", "channels/{code}/test", None, code=visit.ids["code"])
    except ApiError as error:
        return _shown(visit, error)
    if visit.is_part:
        return visit.show("channels/check.html", check=check, code=visit.ids["code"])
    return _shown(visit, check=check)


@page("GET", "/channels/{code}/checks/{check_id}")
def checked(visit: Visit) -> Reply:
    check = visit.api.get("checks/{check_id}", check_id=visit.ids["check_id"])
    if visit.is_part:
        return visit.show("channels/check.html", check=check, code=visit.ids["code"])
    return _shown(visit, check=check)


@page("POST", "/channels/{code}/authorisation", needs=ADMIN)
def authorise(visit: Visit) -> Reply:
    """Open the page on which an account's owner lets a third-party platform in."""
    back = visit.door.public_url + visit.to("/channels", visit.ids["code"])
    try:
        check = visit.api.change(
            "POST",
            "channels/{code}/authorisation",
            {"redirect_uri": back},
            code=visit.ids["code"],
        )
    except ApiError as error:
        return _shown(visit, error)
    return _shown(visit, check=check)


@page("POST", "/channels/{code}/webhook", needs=ADMIN)
def new_webhook(visit: Visit) -> Reply:
    changed = visit.api.change("POST", "channels/{code}/webhook", None, code=visit.ids["code"])
    return visit.show("channels/webhook.html", channel=changed, is_new=False)


@page("POST", "/channels/{code}/delete", needs=ADMIN)
def delete(visit: Visit) -> Reply:
    try:
        visit.api.change("DELETE", "channels/{code}", code=visit.ids["code"])
    except ApiError as error:
        return _shown(visit, error)
    return visit.go(visit.to("/channels"), "deleted")


def _version(visit: Visit) -> int:
    return visit.form.version


def _common(visit: Visit) -> dict[str, Any]:
    body: dict[str, Any] = {"name": visit.form.text("name")}
    body["on_uncertain"] = visit.form.text("on_uncertain") or "unknown"
    body["price"] = visit.form.amount("price")
    if "prefixes" in visit.form.fields:
        body["prefixes"] = _prefixes(visit.form)
    return {**body, **{name: visit.form.number(name) for name in NUMBERS}}


def _prefixes(form: Form) -> dict[str, Any]:
    """Read a price for each prefix, on lines such as `+852 0.32`."""
    lines = (line.replace(":", " ").replace("=", " ").split() for line in form.lines("prefixes"))
    return {words[0]: amount_of(" ".join(words[1:])) for words in lines if words}


def _filled(visit: Visit, fields: Any, part: str) -> dict[str, Any]:
    """Return the fields of a part that were filled in."""
    typed = {each["name"]: visit.form.raw(f"{part}.{each['name']}").strip() for each in fields}
    return {name: value for name, value in typed.items() if value}


def _options(visit: Visit, platform: Mapping[str, Any]) -> dict[str, Any]:
    return _values(visit, platform["options"], "options")


def _values(visit: Visit, fields: Any, part: str) -> dict[str, Any]:
    """Return the fields of a part that were filled in, with values of JSON as what they are."""
    typed = _filled(visit, fields, part)
    return {name: _value(value) if name in VALUES else value for name, value in typed.items()}


def _unknown_options(channel: Mapping[str, Any], platform: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that the form does not show, which stay as they are."""
    known = {each["name"] for each in platform["options"]}
    return {name: value for name, value in channel["options"].items() if name not in known}


def _value(text: str) -> Any:
    """Read a number, true, false, a list or an object. Anything else is a text."""
    try:
        value = typed_json.read(text)
    except ValueError:
        return text
    return text if isinstance(value, str) or value is None else value
