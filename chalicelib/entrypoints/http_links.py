"""GET /l/{token}: short links."""

from __future__ import annotations

from urllib.parse import quote

from chalice.app import Blueprint, Response

from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import receipts

bp = Blueprint(__name__)

_UNCACHED = {"Cache-Control": "no-store", "Content-Type": "text/plain; charset=utf-8", "Referrer-Policy": "no-referrer"}

_SAFE = "!#$%&'()*+,/:;=?@[]~"  # what an address may hold as it is; anything else (spaces, Chinese) is percent-encoded


@route(bp, "/l/{token}", "GET", "HEAD", auth=Auth.NOBODY, shape=ums_error, status=302, tag="receipts")
def follow(call: Call, token: str) -> Response:
    """Follow a short link. A HEAD comes from a program that looks at links, not from a person: it is no click."""
    if call.request.method == "HEAD":
        return Response("", dict(_UNCACHED), 200)
    address = quote(receipts.follow_link(call.world, token), safe=_SAFE, errors="replace")
    return Response("", {**_UNCACHED, "Location": address}, 302)
