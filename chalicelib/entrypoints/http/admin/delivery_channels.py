"""Delivery channels. Their credentials go in and never come out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import Channel
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin, expected, if_given, known_code, tagged
from chalicelib.entrypoints.http.route import Call
from chalicelib.flow.delivery import quota
from chalicelib.manage import delivery_channels, platforms

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.delivery_channels import ChannelBody, ChannelChange

bp = Blueprint(__name__)


@admin(
    bp,
    "channels",
    "POST",
    takes="delivery_channels.ChannelBody",
    gives="delivery_channels.NewChannel",
    status=201,
    errors=(409,),
)
def add_channel(call: Call) -> Response:
    """Add a delivery channel. The webhook's address is shown this once: only its token's hash is kept."""
    body: ChannelBody = call.body()
    channel, token = delivery_channels.add(call.world, body.order())
    return tagged(
        {**shown(channel), "webhook_url": _address(call, channel, token)}, channel.version, 201
    )


@admin(bp, "channels", "GET", query="base.ListQuery", gives="delivery_channels.Channels")
def list_channels(call: Call) -> Any:
    """List delivery channels."""
    return cursors.page(
        "channels",
        call,
        cursors.word,
        lambda after, limit: delivery_channels.page(call.world, after, limit),
        lambda each: each.code,
        shown,
    )


@admin(bp, "channels/{code}", "GET", gives="delivery_channels.ChannelNow")
def get_channel(call: Call, code: str) -> Response:
    """Get a delivery channel, and how much of today's quota is used up."""
    found = delivery_channels.get(call.world, known_code(code))
    return tagged({**shown(found), "today": _usage(quota.usage(call.world, found))}, found.version)


@admin(
    bp,
    "channels/{code}",
    "PATCH",
    takes="delivery_channels.ChannelChange",
    gives="delivery_channels.Channel",
    matches=True,
)
def change_channel(call: Call, code: str) -> Response:
    """Change a delivery channel: its name, credentials, options, receipts. Its code, type and platform never change."""
    body: ChannelChange = call.body()
    changed = delivery_channels.change(call.world, known_code(code), expected(call), body.changes())
    return tagged(shown(changed), changed.version)


@admin(
    bp, "channels/{code}/webhook", "POST", gives="delivery_channels.NewChannel", errors=(409, 412)
)
def new_webhook(call: Call, code: str) -> Response:
    """Make a new webhook address. It is shown this once, and the old one ends at once."""
    changed, token = delivery_channels.new_webhook(call.world, known_code(code), if_given(call))
    return tagged(
        {**shown(changed), "webhook_url": _address(call, changed, token)}, changed.version
    )


@admin(bp, "channels/{code}", "DELETE", status=204, errors=(409, 412))
def delete_channel(call: Call, code: str) -> Response:
    """Delete a delivery channel. Refused while an access channel is authorised for it."""
    delivery_channels.delete(call.world, known_code(code), if_given(call))
    return Response("", {}, 204)


def _address(call: Call, channel: Channel, token: str) -> str | None:
    return (
        f"{call.world.limits.public_url}/receipts/{channel.code}/{token}"
        if platforms.has_webhook(call.world, channel)
        else None
    )


def shown(channel: Channel) -> dict[str, Any]:
    return {
        "id": channel.number,
        "code": channel.code,
        "name": channel.name,
        "type": channel.type.value,
        "platform": channel.platform,
        "options": dict(channel.options),
        "on_uncertain": channel.on_uncertain.value,
        "receipts": channel.receipts.value,
        "calls_per_second": channel.calls_per_second,
        "deliveries_per_day": channel.deliveries_per_day,
        "labels": shown_labels(channel),
        "version": channel.version,
    }


def _usage(found: quota.Usage | None) -> dict[str, Any] | None:
    return found and {
        "date": found.day.date,
        "ends": found.day.ends,
        "reserved": found.reserved,
        "limit": found.limit,
    }


def shown_labels(channel: Channel) -> list[dict[str, Any]]:
    return [
        {"label": label, "name": name, "default": label == channel.default_label}
        for label, name in channel.labels.items()
    ]
