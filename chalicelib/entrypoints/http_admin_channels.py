"""Delivery channels. Their credentials go in and never come out."""

from __future__ import annotations

from typing import Annotated, Any

from chalice.app import Blueprint, Response
from pydantic import Field

from chalicelib.domain.channels import Channel, ChannelType, OnUncertain, ReceiptMode
from chalicelib.entrypoints.bodies import Strict
from chalicelib.entrypoints.http_admin_support import Code, Name, admin, known_code
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

bp = Blueprint(__name__)


class ChannelBody(Strict):
    name: Name
    code: Code
    type: Annotated[ChannelType, Field(strict=False)]
    platform: Annotated[str, Field(min_length=1, max_length=32)]
    credentials: Annotated[dict[str, Any], Field(repr=False)]
    options: dict[str, Any] = {}
    on_uncertain: Annotated[OnUncertain, Field(strict=False)] = OnUncertain.UNKNOWN
    receipts: Annotated[ReceiptMode, Field(strict=False)] | None = None


@admin(bp, "channels", "POST")
def add_channel(call: Call) -> Response:
    """The webhook's address is shown this once: only its token's hash is kept."""
    body = call.body(ChannelBody)
    channel, token = configure.add_channel(
        call.world, configure.ChannelOrder(**{name: getattr(body, name) for name in ChannelBody.model_fields})
    )
    address = f"{call.world.limits.public_url}/receipts/{channel.code}/{token}" if configure.has_webhook(call.world, channel) else None
    return Response({**_shown(channel), "webhook_url": address}, dict(JSON), 201)


@admin(bp, "channels", "GET")
def list_channels(call: Call) -> dict[str, Any]:
    return {"channels": [_shown(each) for each in call.world.settings.channels()]}


@admin(bp, "channels/{code}", "GET")
def get_channel(call: Call, code: str) -> dict[str, Any]:
    return _shown(configure.channel(call.world, known_code(code)))


def _shown(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.number,
        "code": channel.code,
        "name": channel.name,
        "type": channel.type.value,
        "platform": channel.platform,
        "options": dict(channel.options),
        "on_uncertain": channel.on_uncertain.value,
        "receipts": channel.receipts.value,
    }
