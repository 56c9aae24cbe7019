"""Delivery channels as operators change them.

Functions here raise Invalid naming a field, NotFound, Stale, and Taken for a name or code in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import field
from typing import Any

from chalicelib.domain.delivery_channels import (
    DELIVERY_CHANNELS,
    Channel,
    ChannelType,
    OnUncertain,
    ReceiptMode,
)
from chalicelib.domain.errors import Conflict, InUse, Invalid, Taken
from chalicelib.domain.prices import PRICE_LISTS, PriceList
from chalicelib.domain.users import ALL
from chalicelib.domain.values import frozen
from chalicelib.manage import platforms, records
from chalicelib.manage.secrets import digest, new_token
from chalicelib.ports import World

PRICES = ("price", "prefixes")


@frozen(kw_only=True)
class ChannelOrder:
    """A delivery channel as an operator describes it."""

    code: str
    name: str
    type: ChannelType
    platform: str
    credentials: Mapping[str, Any] = field(repr=False)
    options: Mapping[str, Any] = field(default_factory=dict)
    on_uncertain: OnUncertain = OnUncertain.UNKNOWN
    receipts: ReceiptMode | None = None
    calls_per_second: int | None = None
    deliveries_per_day: int | None = None
    price: float | None = None
    prefixes: Mapping[str, float] = field(default_factory=dict)


def add(world: World, order: ChannelOrder) -> tuple[Channel, str]:
    """Add a delivery channel. Return its webhook's token too, of which only the hash is kept."""
    _check(order)
    provider = platforms.provider_of(world, order.platform, order.type)
    options = platforms.provider_options(provider, order.options)
    provider.check_credentials(order.credentials, options)
    # Create the data key now: a delivery function may be the first to seal something,
    # and is not allowed to create it.
    world.vault.prepare()
    token = new_token()
    channel = Channel(
        code=order.code,
        number=world.records.of(DELIVERY_CHANNELS).next_number(),
        name=order.name,
        type=order.type,
        platform=order.platform,
        sealed_credentials=world.credentials.seal_credentials(order.credentials),
        sealed_webhook=world.credentials.seal_webhook(provider.webhook_secret(order.credentials)),
        webhook_token_hash=digest(token),
        on_uncertain=order.on_uncertain,
        receipts=platforms.receipt_mode(provider, order.receipts),
        options=order.options,
        calls_per_second=order.calls_per_second,
        deliveries_per_day=order.deliveries_per_day,
        price=order.price,
        prefixes=order.prefixes,
        priced_since=world.clock.now(),
    )
    _put(world, channel)
    return channel, token


def _check(order: ChannelOrder) -> None:
    if order.code == ALL:  # in bindings, it means every channel
        raise Invalid("code", '"{word}" is reserved', word=ALL)
    _check_prefixes(order.type, order.prefixes)


def _put(world: World, channel: Channel) -> None:
    try:
        world.records.of(DELIVERY_CHANNELS).put(channel)
    except Conflict:
        known = world.settings.channel(channel.code)
        raise Taken("code" if known else "name", what="a delivery channel") from None


def get(world: World, code: str) -> Channel:
    return records.get(world, DELIVERY_CHANNELS, code)


def page(world: World, after: str = "", limit: int = 0) -> Sequence[Channel]:
    return records.page(world, DELIVERY_CHANNELS, after=after, limit=limit)


def change(world: World, code: str, version: int | None, changes: Mapping[str, Any]) -> Channel:
    """Change name, credentials, options, on_uncertain, receipts, limits or prices.

    Earlier prices are kept, and costs that they made stay. Code, type and platform never change.
    """
    before = records.get_at(world, DELIVERY_CHANNELS, code, version)
    provider = world.providers.of(before.platform)
    fields = dict(changes)
    if "credentials" in fields:
        credentials = fields.pop("credentials")
        options = platforms.provider_options(provider, changes.get("options", before.options))
        provider.check_credentials(credentials, options)
        fields["sealed_credentials"] = world.credentials.seal_credentials(credentials)
        fields["sealed_webhook"] = world.credentials.seal_webhook(
            provider.webhook_secret(credentials)
        )
    elif "options" in fields:
        raise Invalid(
            "credentials",
            "are required with options: both are checked together,"
            " and stored ones cannot be opened here",
        )
    if "receipts" in fields:
        fields["receipts"] = platforms.receipt_mode(provider, fields["receipts"])
    _check_prefixes(before.type, fields.get("prefixes", {}))
    if any(fields.get(name, getattr(before, name)) != getattr(before, name) for name in PRICES):
        fields["priced_since"] = _keep_prices(world, before)
    return records.update(world, DELIVERY_CHANNELS, before, **fields)


def _check_prefixes(kind: ChannelType, prefixes: Mapping[str, float]) -> None:
    if prefixes and kind is not ChannelType.SMS:
        raise Invalid("prefixes", "only for the channel type sms, whose contacts are numbers")


def _keep_prices(world: World, before: Channel) -> int:
    """Keep the prices that end now, and return the time (ms) from which the new ones hold."""
    ended = PriceList(before.code, before.priced_since, before.price, before.prefixes)
    with suppress(Conflict):  # a change that did not come to its end has kept them
        world.records.of(PRICE_LISTS).put(ended)
    return world.clock.now()


def price_lists(world: World, code: str, after: str = "", limit: int = 0) -> Sequence[PriceList]:
    """Return the ended prices of a delivery channel that exists, the oldest first."""
    get(world, code)
    return records.page(world, PRICE_LISTS, code, after=after, limit=limit)


def pause(world: World, code: str, version: int | None, *, paused: bool) -> Channel:
    """Pause or resume a delivery channel. A repeat changes nothing."""
    before = records.get_at(world, DELIVERY_CHANNELS, code, version)
    if before.paused == paused:
        return before
    return records.update(world, DELIVERY_CHANNELS, before, paused=paused)


def new_webhook(world: World, code: str, version: int | None) -> tuple[Channel, str]:
    """Make another token for the webhook. The old address ends at once."""
    before = records.get_at(world, DELIVERY_CHANNELS, code, version)
    if not platforms.has_webhook(world, before):
        raise Invalid("code", "the platform of this delivery channel has no webhooks")
    token = new_token()
    channel = records.update(world, DELIVERY_CHANNELS, before, webhook_token_hash=digest(token))
    return channel, token


def delete(world: World, code: str, version: int | None) -> None:
    """Delete a delivery channel. Raise InUse while an access channel is authorised for it.

    An authorisation that is switched off counts too.
    """
    channel = records.get_at(world, DELIVERY_CHANNELS, code, version)
    users = [access.name for access in world.settings.access_channels() if code in access.channels]
    if users:
        raise InUse("code", by=users[:5])
    records.delete(world, DELIVERY_CHANNELS, channel)
