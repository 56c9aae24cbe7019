"""Webhooks of providers: /receipts/{code}/{token}, and the addresses of UMS for them.

The token and the provider's own signature authenticate a webhook.
"""

from __future__ import annotations

import re

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route

bp = Blueprint(__name__)

_CODE = re.compile(r"[A-Za-z0-9]{1,32}", re.ASCII)
_TYPES = {type.value: type for type in ChannelType} | {
    type.value.replace("_", ""): type for type in ChannelType
}


@route(
    bp,
    "/receipts/{code}/{token}",
    "GET",
    "POST",
    auth=Auth.WEBHOOK,
    error_response=ums_error,
    tag="receipts",
)
def take_receipts(context: RequestContext, code: str, token: str) -> Response:
    """Take receipts and replies from the provider of a delivery channel."""
    return _take(context, code, token)


def _take(context: RequestContext, code: str, token: str) -> Response:
    from chalicelib.flow import webhooks

    if not _CODE.fullmatch(code) or len(token) > 128:
        raise NotFound("webhook")
    request = WebhookRequest(
        context.request.method,
        context.headers,
        context.parameters,
        context.raw,
        context.world.clock.now(),
    )
    taken = webhooks.take_webhook(context.world, code, token, request)
    return Response(taken.reply, {"Content-Type": f"{taken.media}; charset=utf-8"}, 200)


@route(
    bp,
    "/v1/{type}/callback/{code}/{token}",
    "GET",
    "POST",
    auth=Auth.WEBHOOK,
    error_response=ums_error,
    tag="receipts",
)
def take_callback(context: RequestContext, type: str, code: str, token: str) -> Response:
    """Take receipts and replies, under the address that UMS has for the channel type."""
    channel = context.world.settings.channel(code) if _CODE.fullmatch(code) else None
    if channel is None or channel.type is not _TYPES.get(type):
        raise NotFound("webhook")
    return _take(context, code, token)


@route(
    bp,
    "/v1/{type}/callback",
    "GET",
    "POST",
    auth=Auth.NOBODY,
    error_response=ums_error,
    status=404,
    tag="receipts",
)
def refuse_callback(context: RequestContext, type: str) -> Response:
    """Refuse UMS's bare address, which does not name a delivery channel.

    Few providers sign their webhooks, so that anybody could report anything there.
    """
    if type not in _TYPES:
        raise NotFound("path")
    raise NotFound(
        f"path; the webhook's address is /v1/{type}/callback/{{code}}/{{token}}, with the code of a"
        " delivery channel and its token"
    )
