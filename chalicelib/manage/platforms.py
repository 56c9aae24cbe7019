"""Platforms, and what an operator may set for a delivery channel of each."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import channel_options
from chalicelib.domain.delivery_channels import Channel, ChannelType, ReceiptMode
from chalicelib.domain.errors import UNKNOWN_FIELD, Invalid
from chalicelib.domain.provider_io import Capabilities
from chalicelib.flow import validity
from chalicelib.ports import Provider, World

OPTION_BYTES = 80_000  # a certificate may be among them


def listed(world: World) -> Sequence[Capabilities]:
    """Return the capabilities of every platform, by channel type."""
    return [
        world.providers.of(name).capabilities
        for channel_type in ChannelType
        for name in world.providers.platforms(channel_type)
    ]


def provider_of(world: World, platform: str, channel_type: ChannelType) -> Provider:
    """Return the provider of a platform. Raise Invalid if it cannot serve the channel type."""
    try:
        provider = world.providers.of(platform)
    except (KeyError, Invalid):
        known = world.providers.platforms(channel_type) or "-"
        reason = "is not known; for {channel_type} there is: {platforms}"
        named = {"channel_type": channel_type.value, "platforms": known}
        raise Invalid("platform", reason, **named) from None
    served = provider.capabilities.type
    if served is not channel_type:
        reason = "{platform} delivers on {served}, not on {channel_type}"
        named = {"served": served.value, "channel_type": channel_type.value}
        raise Invalid("platform", reason, platform=platform, **named)
    if refused := validity.not_served(world, provider.capabilities):
        raise Invalid("platform", refused)
    return provider


def provider_options(provider: Provider, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options that are the provider's own. Raise Invalid for an unknown one."""
    if len(json.dumps(options, ensure_ascii=False).encode()) > OPTION_BYTES:
        raise Invalid("options", "more than {most} bytes", most=OPTION_BYTES)
    own_options = channel_options.check(options)
    if unknown := sorted(own_options.keys() - provider.capabilities.options.keys()):
        raise Invalid(f"options.{unknown[0]}", UNKNOWN_FIELD)
    return own_options


def receipt_mode(provider: Provider, mode: ReceiptMode | None) -> ReceiptMode:
    """Return how receipts come. None chooses for the operator. Raise Invalid for another mode."""
    modes = provider.capabilities.receipt_modes
    if mode is None:
        return _cheapest_mode(provider.capabilities)
    if modes and mode not in modes:
        raise Invalid("receipts", "this provider has: {modes}", modes=sorted(modes))
    return mode


def _cheapest_mode(capabilities: Capabilities) -> ReceiptMode:
    """Prefer polling all receipts of an account at once.

    A post for every few receipts costs more than all else of a delivery.
    """
    modes = capabilities.receipt_modes
    if ReceiptMode.POLL in modes and not capabilities.polled_by_call:
        return ReceiptMode.POLL
    return ReceiptMode.WEBHOOK if ReceiptMode.WEBHOOK in modes or not modes else min(modes)


def has_webhook(world: World, channel: Channel) -> bool:
    return ReceiptMode.WEBHOOK in world.providers.of(channel.platform).capabilities.receipt_modes
