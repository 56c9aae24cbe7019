"""Links in messages: short links, unsubscribe pages, and the pictures that count opened e-mails."""

from __future__ import annotations

from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route

bp = Blueprint(__name__)

_UNCACHED = {
    "Cache-Control": "no-store",
    "Content-Type": "text/plain; charset=utf-8",
    "Referrer-Policy": "no-referrer",
}

# Characters that an address may hold. Others (spaces, Chinese) are percent-encoded.
_SAFE = "!#$%&'()*+,/:;=?@[]~"


@route(
    bp,
    "/l/{token}",
    "GET",
    "HEAD",
    auth=Auth.NOBODY,
    error_response=ums_error,
    status=302,
    tag="receipts",
)
def follow(context: RequestContext, token: str) -> Response:
    """Follow a short link. A HEAD comes from a program, not from a person, and is not a click."""
    from chalicelib.domain.user_agents import is_program
    from chalicelib.flow import clicks
    from chalicelib.flow.content import render

    if context.request.method == "HEAD":
        render.read_link(context.world.vault, token)
        return Response("", dict(_UNCACHED), 200)
    address = clicks.follow_link(context.world, token, by_program=is_program(context.headers))
    location = quote(address, safe=_SAFE, errors="replace")
    return Response("", {**_UNCACHED, "Location": location}, 302)


_PAGE = (
    '<!doctype html><html lang="zh"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width">\n'
    '<meta name="robots" content="noindex"><title>退订 / Unsubscribe</title></head>'
    "<body><h1>{title}</h1>{rest}</body></html>"
)
_ASK = (
    '<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click">'
    "<button>退订 / Unsubscribe</button></form>"
)
_HTML = {
    **_UNCACHED,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
_FORM_BYTES = 8192

# A GIF of one pixel whose bytes are all ASCII, so that the API needs only text types.
_PICTURE = (
    "GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02L\x01\x00;"
)


@route(
    bp,
    "/u/{token}",
    "GET",
    "POST",
    auth=Auth.NOBODY,
    error_response=ums_error,
    limit=_FORM_BYTES,
    errors=(400, 413),
    tag="receipts",
)
def unsubscribe(context: RequestContext, token: str) -> Response:
    """Opt out of e-mails (RFC 8058). A POST must have `List-Unsubscribe=One-Click`.

    A GET only shows a button, because bots follow links.
    """
    from chalicelib.flow.content import email

    if context.request.method == "GET":
        email.check_token(context.world, token)
        return Response(
            _PAGE.format(title="退订邮件？ / Unsubscribe?", rest=_ASK), dict(_HTML), 200
        )
    if b"One-Click" not in context.raw:
        raise Refused(PARAMETER, "must be One-Click", "须为 One-Click", field="List-Unsubscribe")
    email.unsubscribe(context.world, token)
    return Response(_PAGE.format(title="已退订 / You are unsubscribed", rest=""), dict(_HTML), 200)


@route(bp, "/o/{token}", "GET", "HEAD", auth=Auth.NOBODY, error_response=ums_error, tag="receipts")
def picture(context: RequestContext, token: str) -> Response:
    """Get the picture of an e-mail. Fetching it counts as opening the e-mail, unless a bot does."""
    from chalicelib.domain.user_agents import is_bot
    from chalicelib.flow.content import email, render

    if context.request.method == "GET" and not is_bot(context.headers):
        email.record_opening(context.world, token)
    else:
        render.read_link(context.world.vault, token, render.OPEN)
    return Response(_PICTURE, {**_UNCACHED, "Content-Type": "image/gif"}, 200)
