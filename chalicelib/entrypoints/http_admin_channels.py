"""Delivery channels. Their credentials go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.channels import Channel
from chalicelib.entrypoints.http_admin_support import admin, known_code
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.channels import ChannelBody

bp = Blueprint(__name__)


@admin(bp, "channels", "POST", takes="channels.ChannelBody", gives="channels.NewChannel", status=201, errors=(409,))
def add_channel(call: Call) -> Response:
    """Add a delivery channel. The webhook's address is shown this once: only its token's hash is kept."""
    body: ChannelBody = call.body()
    channel, token = configure.add_channel(call.world, body.order())
    address = f"{call.world.limits.public_url}/receipts/{channel.code}/{token}" if configure.has_webhook(call.world, channel) else None
    return Response({**_shown(channel), "webhook_url": address}, dict(JSON), 201)


@admin(bp, "channels", "GET", gives="channels.Channels")
def list_channels(call: Call) -> dict[str, Any]:
    """All delivery channels."""
    return {"channels": [_shown(each) for each in call.world.settings.channels()]}


@admin(bp, "channels/{code}", "GET", gives="channels.Channel")
def get_channel(call: Call, code: str) -> dict[str, Any]:
    """One delivery channel."""
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
