"""What providers report: /receipts/{code}/{token}, and the same under the addresses of UMS, /v1/{type}/callback/{code}/{token}.

The token and the provider's own signature say who it is.
"""

from __future__ import annotations

import re

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.entrypoints.http.route import Auth, Call, route, ums_error
from chalicelib.flow import webhooks

bp = Blueprint(__name__)

_CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_TYPES = {kind.value: kind for kind in ChannelType} | {
    kind.value.replace("_", ""): kind for kind in ChannelType
}


@route(
    bp,
    "/receipts/{code}/{token}",
    "GET",
    "POST",
    auth=Auth.WEBHOOK,
    shape=ums_error,
    tag="receipts",
)
def take_receipts(call: Call, code: str, token: str) -> Response:
    """Receipts, as the provider of a delivery channel writes them."""
    return _take(call, code, token)


def _take(call: Call, code: str, token: str) -> Response:
    if not _CODE.fullmatch(code) or len(token) > 128:
        raise NotFound("webhook")
    request = WebhookRequest(
        call.request.method, call.headers, call.query, call.raw, call.world.clock.now()
    )
    taken = webhooks.take_webhook(call.world, code, token, request)
    return Response(taken.reply, {"Content-Type": f"{taken.media}; charset=utf-8"}, 200)


@route(
    bp,
    "/v1/{type}/callback/{code}/{token}",
    "GET",
    "POST",
    auth=Auth.WEBHOOK,
    shape=ums_error,
    tag="receipts",
)
def take_callback(call: Call, type: str, code: str, token: str) -> Response:
    """The same, under the address that UMS has for the channel type."""
    channel = call.world.settings.channel(code) if _CODE.fullmatch(code) else None
    if channel is None or channel.type is not _TYPES.get(type):
        raise NotFound("webhook")
    return _take(call, code, token)


@route(
    bp,
    "/v1/{type}/callback",
    "GET",
    "POST",
    auth=Auth.NOBODY,
    shape=ums_error,
    status=404,
    tag="receipts",
)
def refuse_callback(call: Call, type: str) -> Response:
    """UMS's bare address: it names no delivery channel, and few providers sign a body, so that anybody could report anything."""
    if type not in _TYPES:
        raise NotFound("path")
    raise NotFound(
        f"the webhook's address is /v1/{type}/callback/{{code}}/{{token}}: a delivery channel's code, and its token"
    )
