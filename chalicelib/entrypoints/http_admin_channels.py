"""Delivery channels. Their credentials go in and never come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.channels import Channel
from chalicelib.domain.sending import Capabilities
from chalicelib.entrypoints.http_admin_support import admin, known_code
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure
from chalicelib.flow.ports import World

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


@admin(bp, "platforms", "GET", gives="channels.Platforms")
def list_platforms(call: Call) -> dict[str, Any]:
    """Every platform that a delivery channel can be of: what it can do, and what it must be given."""
    return {"platforms": [_able(call.world, each) for each in configure.platforms(call.world)]}


def _able(world: World, able: Capabilities) -> dict[str, Any]:
    return {
        "platform": able.platform,
        "type": able.type.value,
        "available": configure.is_available(world, able),
        "delivery_report": able.delivery_report.value,
        "click_report": able.click_report.value,
        "receipts": sorted(mode.value for mode in able.receipt_modes),
        "call_size": able.call_size,
        "content_per_recipient": able.content_per_recipient,
        "provider_ids": able.provider_ids.value,
        "token_life": able.token_life,
        "recall": able.recall,
        "credentials": _names(able.credentials),
        "options": _names(able.options),
    }


def _names(settings: Mapping[str, bool]) -> list[dict[str, Any]]:
    return [{"name": name, "required": required} for name, required in settings.items()]
