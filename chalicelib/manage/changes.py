"""What operators configure first: access channels and delivery channels.

Everything here raises Invalid naming the field, NotFound for what is not there, and Taken for a name or code that another has.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from chalicelib.domain import channel_options
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType, OnUncertain, ReceiptMode
from chalicelib.domain.errors import UNKNOWN_FIELD, Conflict, Invalid, NotFound, Stale, Taken
from chalicelib.domain.groups import Group
from chalicelib.domain.members import Member
from chalicelib.domain.provider_io import Capabilities, ProviderIds
from chalicelib.domain.strategies import StrategyEntry
from chalicelib.domain.templates import Template
from chalicelib.domain.users import ALL
from chalicelib.flow import validity
from chalicelib.ports import Provider, World

OPTION_BYTES = 80_000  # a certificate may be among them


def new_secret() -> str:
    """24 hex digits, as UMS's keys and secrets are."""
    return secrets.token_hex(12)


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def add_access_channel(
    world: World, name: str, *, restricted: bool = False, rate: int | None = None
) -> tuple[AccessChannel, str]:
    """The new access channel and its master secret, of which only the hash is kept."""
    secret = new_secret()
    channel = AccessChannel(
        key=new_secret(),
        name=name,
        secret_hashes=(digest(secret),),
        restricted=restricted,
        rate=rate,
    )
    try:
        world.settings.put_access_channel(channel)
    except Conflict:
        raise taken("name", "an access channel") from None
    return channel, secret


def taken(field: str, what: str) -> Taken:
    return Taken(field, what=what)


def access_channel(world: World, key: str) -> AccessChannel:
    found = world.settings.access_channel(key)
    if found is None:
        raise NotFound("access channel")
    return found


def authorise(world: World, key: str, code: str, enabled: bool | None) -> None:
    """Authorise a delivery channel for an access channel and switch it, or (None) take that back."""
    if enabled is not None:
        channel(world, code)
    if not world.settings.authorise(key, code, enabled):
        raise NotFound("access channel")


@dataclass(frozen=True, kw_only=True)
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


def add_channel(world: World, order: ChannelOrder) -> tuple[Channel, str]:
    """The new delivery channel and the token of its webhook, of which only the hash is kept."""
    provider = _provider(world, order)
    provider.check_credentials(order.credentials, provider_options(provider, order.options))
    world.vault.prepare()  # for who delivers: what a provider answers to a test, or reports of others, may be the first to be sealed
    token = secrets.token_urlsafe(24)
    channel = Channel(
        code=order.code,
        number=world.settings.next_number("channel"),
        name=order.name,
        type=order.type,
        platform=order.platform,
        sealed_credentials=world.credentials.seal_credentials(order.credentials),
        sealed_webhook=world.credentials.seal_webhook(provider.webhook_secret(order.credentials)),
        webhook_token_hash=digest(token),
        on_uncertain=order.on_uncertain,
        receipts=receipt_mode(provider, order.receipts),
        options=order.options,
        calls_per_second=order.calls_per_second,
        deliveries_per_day=order.deliveries_per_day,
    )
    try:
        world.settings.put_channel(channel)
    except Conflict:
        raise taken(
            "code" if world.settings.channel(order.code) else "name", "a delivery channel"
        ) from None
    return channel, token


def channel(world: World, code: str) -> Channel:
    found = world.settings.channel(code)
    if found is None:
        raise NotFound("delivery channel")
    return found


def provider_options(provider: Provider, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those that are left for the provider; raises Invalid for one that nobody knows, most often a misspelt one."""
    if size(options) > OPTION_BYTES:
        raise Invalid("options", f"more than {OPTION_BYTES} bytes")
    left = channel_options.check(options)
    if unknown := sorted(left.keys() - provider.capabilities.options.keys()):
        raise Invalid(f"options.{unknown[0]}", UNKNOWN_FIELD)
    return left


V = TypeVar("V", AccessChannel, Channel, StrategyEntry, Template, Group, Member)


def at_version(found: V, version: int | None) -> V:
    """The same, if it is still what somebody saw who wants to change it; None: whatever it is."""
    if version is not None and found.version != version:
        raise Stale(f'it was changed meanwhile: its ETag is "{found.version}" now')
    return found


def has_webhook(world: World, channel: Channel) -> bool:
    return ReceiptMode.WEBHOOK in world.providers.of(channel.platform).capabilities.receipt_modes


def _provider(world: World, order: ChannelOrder) -> Provider:
    if order.code == ALL:
        raise Invalid("code", f"{ALL} means every channel in bindings")
    try:
        provider = world.providers.of(order.platform)
    except (KeyError, Invalid):
        known = ", ".join(world.providers.platforms(order.type)) or "none yet"
        raise Invalid("platform", f"is not known; for {order.type} there is: {known}") from None
    if provider.capabilities.type is not order.type:
        raise Invalid(
            "platform",
            f"{order.platform} delivers on {provider.capabilities.type}, not on {order.type}",
        )
    if reason := validity.not_served(world, provider.capabilities):
        raise Invalid("platform", reason)
    return provider


def platforms(world: World) -> Sequence[Capabilities]:
    """What every platform can do, by channel type."""
    return [
        world.providers.of(name).capabilities
        for kind in ChannelType
        for name in world.providers.platforms(kind)
    ]


def size(value: Mapping[str, Any]) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def receipt_mode(provider: Provider, wanted: ReceiptMode | None) -> ReceiptMode:
    modes = provider.capabilities.receipt_modes
    if wanted is None:
        per_recipient = provider.capabilities.provider_ids is ProviderIds.PER_RECIPIENT
        if (
            ReceiptMode.POLL in modes and per_recipient
        ):  # a post for every few receipts costs more than all else of a delivery
            return ReceiptMode.POLL
        return ReceiptMode.WEBHOOK if ReceiptMode.WEBHOOK in modes or not modes else min(modes)
    if modes and wanted not in modes:
        raise Invalid("receipts", "this provider has: " + ", ".join(sorted(modes)))
    return wanted
