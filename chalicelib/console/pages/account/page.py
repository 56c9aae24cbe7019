"""One's own account: password and second factor."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping
from urllib.parse import quote

from chalicelib.console.door import SESSION, ApiError, Problem, Reply
from chalicelib.console.pages.sign_in.page import HOURS_12, SECURE
from chalicelib.console.routes import page
from chalicelib.console.visit import Visit

BITS_160 = 20  # bytes of a secret, as RFC 4226 advises


@page("GET", "/account")
def account(visit: Visit) -> Reply:
    return _account(visit)


def _account(visit: Visit, error: ApiError | None = None) -> Reply:
    mine = visit.api.get("me")
    return visit.show("account/account.html", at=visit.to("/account"), error=error, mine=mine)


@page("POST", "/account/preferences")
def prefer(visit: Visit) -> Reply:
    """Keep language, colours and time zone with the member, and use them here at once."""
    names = ("language", "theme", "time_zone")
    chosen = {name: visit.form.text(name) or None for name in names}
    try:
        visit.api.change("PUT", "me/preferences", chosen)
    except ApiError as error:
        return _account(visit, error)
    reply = visit.go(visit.to("/account"), "saved")
    return Reply(reply.status, headers=reply.headers, cookies=_remembered(chosen))


def _remembered(chosen: Mapping[str, str | None]) -> tuple[str, ...]:
    """Return the cookies of language and colours. What is not chosen ends its cookie."""
    cookies: list[str] = []
    for name, preference in (("lang", "language"), ("theme", "theme")):
        value = chosen[preference]
        age = 31_536_000 if value else 0
        cookies.append(f"{name}={value or ''}; Path=/console; Max-Age={age}; SameSite=Lax; Secure")
    return tuple(cookies)


@page("POST", "/account")
def change_password(visit: Visit) -> Reply:
    old, new = visit.form.raw("old"), visit.form.raw("password")
    try:
        if new != visit.form.raw("again"):
            raise ApiError(400, [Problem("again", visit.say("The two are not the same."))])
        cookie = visit.door.sessions.change_password(_cookie(visit), old, new)
    except ApiError as error:
        return _account(visit, error)
    reply = visit.go(visit.to("/account"), "password")
    session = f"{SESSION}={cookie}; Max-Age={HOURS_12}; {SECURE}"
    return Reply(reply.status, headers=reply.headers, cookies=(session,))


@page("GET", "/account/second-factor")
def ask_second_factor(visit: Visit) -> Reply:
    if visit.who.second_factor:
        return visit.go(visit.to("/account"))
    return _shown(visit, secrets.token_bytes(BITS_160))


@page("POST", "/account/second-factor")
def set_second_factor(visit: Visit) -> Reply:
    text = visit.form.text("secret")
    try:
        secret = base64.b32decode(text, casefold=True)
    except ValueError:
        secret = b""
    try:
        if len(secret) != BITS_160:
            raise ApiError(400, [Problem("secret", visit.say("Open the page again."))])
        visit.door.sessions.set_second_factor(_cookie(visit), secret, visit.form.text("code"))
    except ApiError as error:
        return _shown(visit, secret or secrets.token_bytes(BITS_160), error)
    return visit.go(visit.to("/account"), "second-factor")


@page("POST", "/account/second-factor/drop")
def drop_second_factor(visit: Visit) -> Reply:
    try:
        visit.door.sessions.drop_second_factor(_cookie(visit), visit.form.text("code"))
    except ApiError as error:
        return _account(visit, error)
    return visit.go(visit.to("/account"), "second-factor")


def _shown(visit: Visit, secret: bytes, error: ApiError | None = None) -> Reply:
    """Show a secret for an app, as a key to type and as an address that apps open."""
    text = base64.b32encode(secret).decode().rstrip("=")
    name = quote(f"OpenUMS:{visit.who.login or visit.who.key}")
    address = f"otpauth://totp/{name}?secret={text}&issuer=OpenUMS"
    return visit.show("account/second_factor.html", error=error, secret=text, address=address)


def _cookie(visit: Visit) -> str:
    return visit.request.cookies.get(SESSION, "")
