"""Delivery channels, strategies and templates that can be used now.

A delivery channel is open when it is authorised, switched on and served by the stage. A strategy or
a template is open when each of its channel types has an open delivery channel. Closing a channel
closes them, opening it again opens them: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.figures import DEPLOYMENT
from chalicelib.domain.provider_io import Capabilities
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.strategy_advice import DAYS, Reports, delays, reports_of
from chalicelib.flow import days
from chalicelib.ports import Provider, World


class OpenChannel(NamedTuple):
    """A delivery channel that can be used now, and the provider of its platform."""

    channel: Channel
    provider: Provider


def not_served(world: World, capabilities: Capabilities) -> Sentence | None:
    """Return why the stage has no queue for a platform's jobs, or None."""
    if capabilities.type not in world.limits.channel_types:
        named = {"channel_type": capabilities.type.value}
        return Sentence("this stage does not deliver on {channel_type}", **named)
    worker = capabilities.worker
    if worker and worker not in world.limits.workers:
        reason = "{platform} needs the worker {worker}, which this stage does not run"
        return Sentence(reason, platform=capabilities.platform, worker=worker)
    return None


def open_channels(world: World, access: AccessChannel) -> Sequence[OpenChannel]:
    """Return the delivery channels that an access channel can send on now, by code."""
    channels = (world.settings.channel(code) for code in access.enabled_codes())
    candidates = [with_provider(world, channel) for channel in channels if channel is not None]
    return [
        candidate
        for candidate in candidates
        if not not_served(world, candidate.provider.capabilities)
    ]


def with_provider(world: World, channel: Channel) -> OpenChannel:
    return OpenChannel(channel, world.providers.of(channel.platform))


def open_types(world: World, access: AccessChannel) -> frozenset[ChannelType]:
    return frozenset(channel.type for channel, _ in open_channels(world, access))


def closed(
    channel_types: Iterable[ChannelType], opened: frozenset[ChannelType]
) -> Sequence[ChannelType]:
    """Return the channel types that have no open delivery channel, each once."""
    return [kind for kind in dict.fromkeys(channel_types) if kind not in opened]


def measured(world: World, access: AccessChannel) -> dict[ChannelType, list[Reports]]:
    """Return the reports of delivery channels, with delays that the deployment measured.

    It takes one request.
    """
    return reports(world, access, delays(days.last(world, DEPLOYMENT, DAYS)))


def reports(
    world: World, access: AccessChannel, within: Mapping[str, int] | None = None
) -> dict[ChannelType, list[Reports]]:
    """Return the reports of the delivery channels that an access channel can use now, by type.

    `within`: seconds within which most receipts came, by code, where they were measured.
    """
    by_type: dict[ChannelType, list[Reports]] = {}
    for channel, provider in open_channels(world, access):
        of_channel = reports_of(provider.capabilities, channel, (within or {}).get(channel.code))
        by_type.setdefault(channel.type, []).append(of_channel)
    return by_type
