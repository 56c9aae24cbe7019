"""GET and POST /receipts/{code}/{token}: what providers report. The token and the provider's own signature say who it is."""

from __future__ import annotations

import re

from chalice.app import Blueprint, Response

from chalicelib.domain.sending import WebhookRequest
from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import receipts

bp = Blueprint(__name__)

_CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)


@route(bp, "/receipts/{code}/{token}", "GET", "POST", auth=Auth.WEBHOOK, shape=ums_error, errors=(403,), tag="receipts")
def take_receipts(call: Call, code: str, token: str) -> Response:
    """Receipts, as the provider of a delivery channel writes them."""
    if not _CODE.fullmatch(code) or len(token) > 128:
        raise LookupError("no such webhook")
    request = WebhookRequest(call.request.method, call.headers, call.query, call.raw, call.world.clock.now())
    reply = receipts.take_webhook(call.world, code, token, request)
    return Response(reply, {"Content-Type": "text/plain; charset=utf-8"}, 200)
