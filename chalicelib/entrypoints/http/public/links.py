"""Links in messages: /l/{token} leads on, /u/{token} opts out, /o/{token} is a mail's picture."""

from __future__ import annotations

from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.domain.user_agents import is_bot
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.route import Auth, Call, route, ums_error
from chalicelib.flow import receipts
from chalicelib.flow.content import email

bp = Blueprint(__name__)

_UNCACHED = {
    "Cache-Control": "no-store",
    "Content-Type": "text/plain; charset=utf-8",
    "Referrer-Policy": "no-referrer",
}

_SAFE = "!#$%&'()*+,/:;=?@[]~"  # what an address may hold as it is; anything else (spaces, Chinese) is percent-encoded


@route(
    bp, "/l/{token}", "GET", "HEAD", auth=Auth.NOBODY, shape=ums_error, status=302, tag="receipts"
)
def follow(call: Call, token: str) -> Response:
    """Follow a short link. A HEAD comes from a program that looks at links, not from a person: it is no click."""
    if call.request.method == "HEAD":
        return Response("", dict(_UNCACHED), 200)
    address = quote(
        receipts.follow_link(call.world, token, by_bot=is_bot(call.headers)),
        safe=_SAFE,
        errors="replace",
    )
    return Response("", {**_UNCACHED, "Location": address}, 302)


_PAGE = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta name="robots" content="noindex"><title>退订 / Unsubscribe</title></head><body><h1>{title}</h1>{rest}</body></html>"""
_ASK = """<form method="post"><input type="hidden" name="List-Unsubscribe" value="One-Click"><button>退订 / Unsubscribe</button></form>"""
_HTML = {
    **_UNCACHED,
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; frame-ancestors 'none'",
}
_FORM_BYTES = 8192

# A GIF of one pixel whose bytes are all ASCII, so that the API needs no binary types.
_PICTURE = (
    "GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02L\x01\x00;"
)


@route(
    bp,
    "/u/{token}",
    "GET",
    "POST",
    auth=Auth.NOBODY,
    shape=ums_error,
    limit=_FORM_BYTES,
    errors=(400, 413),
    tag="receipts",
)
def unsubscribe(call: Call, token: str) -> Response:
    """Opt out (RFC 8058). Programs follow links, so a GET only asks; a POST must say `List-Unsubscribe=One-Click`."""
    if call.request.method == "GET":
        email.check_token(call.world, token)
        return Response(
            _PAGE.format(title="退订邮件？ / Unsubscribe?", rest=_ASK), dict(_HTML), 200
        )
    if b"One-Click" not in call.raw:
        raise Refused(PARAMETER, "List-Unsubscribe: must be One-Click", field="List-Unsubscribe")
    email.unsubscribe(call.world, token)
    return Response(_PAGE.format(title="已退订 / You are unsubscribed", rest=""), dict(_HTML), 200)


@route(bp, "/o/{token}", "GET", "HEAD", auth=Auth.NOBODY, shape=ums_error, tag="receipts")
def picture(call: Call, token: str) -> Response:
    """A mail's picture: whoever fetches it has opened the mail, or lets a program do so."""
    if call.request.method == "GET" and not is_bot(call.headers):
        email.record_opening(call.world, token)
    return Response(_PICTURE, {**_UNCACHED, "Content-Type": "image/gif"}, 200)
