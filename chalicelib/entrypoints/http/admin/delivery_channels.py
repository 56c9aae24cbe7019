"""Delivery channels. Their credentials are never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_code,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow.delivery import quota
from chalicelib.manage import delivery_channels, platforms

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.delivery_channels import ChannelBody, ChannelChange

bp = Blueprint(__name__)


@admin(
    bp,
    "channels",
    "POST",
    request="delivery_channels.ChannelBody",
    response="delivery_channels.NewChannel",
    status=201,
    errors=(409,),
    role=Role.ADMINISTRATOR,
)
def add_channel(context: RequestContext) -> Response:
    """Add a delivery channel. The webhook address is shown only once.

    Only a hash of its token is stored.
    """
    body: ChannelBody = context.body()
    channel, token = delivery_channels.add(context.world, body.order())
    return tagged(
        {**_shown(channel), "webhook_url": _address(context, channel, token)}, channel.version, 201
    )


@admin(
    bp,
    "channels",
    "GET",
    query="base.ListQuery",
    response="delivery_channels.Channels",
    role=Role.READ_ONLY,
)
def list_channels(context: RequestContext) -> Any:
    """List delivery channels."""
    return cursors.page(
        "channels",
        context,
        cursors.identifier,
        lambda after, limit: delivery_channels.page(context.world, after, limit),
        lambda channel: channel.code,
        _shown,
    )


@admin(bp, "channels/{code}", "GET", response="delivery_channels.ChannelNow", role=Role.READ_ONLY)
def get_channel(context: RequestContext, code: str) -> Response:
    """Get a delivery channel, with the use of today's quota."""
    channel = delivery_channels.get(context.world, known_code(code))
    today = _usage(quota.usage(context.world, channel))
    return tagged({**_shown(channel), "today": today}, channel.version)


@admin(
    bp,
    "channels/{code}",
    "PATCH",
    request="delivery_channels.ChannelChange",
    response="delivery_channels.Channel",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_channel(context: RequestContext, code: str) -> Response:
    """Change a delivery channel: its name, credentials, options, receipts, limits or prices.

    Its code, type and platform never change.
    """
    body: ChannelChange = context.body()
    changed = delivery_channels.change(
        context.world, known_code(code), expected(context), body.changes()
    )
    return tagged(_shown(changed), changed.version)


@admin(
    bp,
    "channels/{code}/webhook",
    "POST",
    response="delivery_channels.NewChannel",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def new_webhook(context: RequestContext, code: str) -> Response:
    """Create a new webhook address. It is shown only once, and the old one stops working."""
    changed, token = delivery_channels.new_webhook(
        context.world, known_code(code), expected_if_given(context)
    )
    return tagged(
        {**_shown(changed), "webhook_url": _address(context, changed, token)}, changed.version
    )


@admin(
    bp,
    "channels/{code}/prices",
    "GET",
    query="base.ListQuery",
    response="delivery_channels.PriceLists",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_prices(context: RequestContext, code: str) -> Any:
    """List the prices of a delivery channel that have ended, the oldest first.

    Each held until the next one, and the last one until the channel's own prices.
    """
    return cursors.page(
        "prices",
        context,
        cursors.identifier,
        lambda after, limit: delivery_channels.price_lists(
            context.world, known_code(code), after, limit
        ),
        lambda prices: prices.key,
        lambda prices: {
            "since": prices.since,
            "price": prices.price,
            "prefixes": dict(prices.prefixes),
        },
    )


@admin(
    bp,
    "channels/{code}/pause",
    "POST",
    response="delivery_channels.Channel",
    errors=(409, 412),
    role=Role.OPERATOR,
)
def pause_channel(context: RequestContext, code: str) -> Response:
    """Pause a delivery channel. Its deliveries wait, and expire as those that are late do."""
    return _paused(context, code, paused=True)


@admin(
    bp,
    "channels/{code}/resume",
    "POST",
    response="delivery_channels.Channel",
    errors=(409, 412),
    role=Role.OPERATOR,
)
def resume_channel(context: RequestContext, code: str) -> Response:
    """Resume a paused delivery channel. What waits goes on within minutes."""
    return _paused(context, code, paused=False)


def _paused(context: RequestContext, code: str, *, paused: bool) -> Response:
    changed = delivery_channels.pause(
        context.world, known_code(code), expected_if_given(context), paused=paused
    )
    return tagged(_shown(changed), changed.version)


@admin(bp, "channels/{code}", "DELETE", status=204, errors=(409, 412), role=Role.ADMINISTRATOR)
def delete_channel(context: RequestContext, code: str) -> Response:
    """Delete a delivery channel. Refused while an access channel is authorised for it."""
    delivery_channels.delete(context.world, known_code(code), expected_if_given(context))
    return Response("", {}, 204)


def _address(context: RequestContext, channel: Channel, token: str) -> str | None:
    return (
        f"{context.world.limits.receipts_url}/receipts/{channel.code}/{token}"
        if platforms.has_webhook(context.world, channel)
        else None
    )


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
        "calls_per_second": channel.calls_per_second,
        "deliveries_per_day": channel.deliveries_per_day,
        "price": channel.price,
        "prefixes": dict(channel.prefixes),
        "priced_since": channel.priced_since or None,
        "paused": channel.paused,
        "labels": shown_labels(channel),
        "version": channel.version,
    }


def _usage(usage: quota.Usage | None) -> dict[str, Any] | None:
    return usage and {
        "date": usage.day.date,
        "ends": usage.day.ends,
        "reserved": usage.reserved,
        "limit": usage.limit,
    }


def shown_labels(channel: Channel) -> list[dict[str, Any]]:
    return [
        {"label": label, "name": name, "default": label == channel.default_label}
        for label, name in channel.labels.items()
    ]
