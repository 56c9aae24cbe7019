"""What can be used now: delivery channels that are authorised, switched on and served by the stage, and strategies and templates
all of whose channel types have one.

Closing a channel closes them, opening it again opens them: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.provider_io import Capabilities
from chalicelib.ports import World


def not_served(world: World, able: Capabilities) -> str:
    """Why the stage has no queue for a platform's jobs; "" when it has."""
    if able.type not in world.limits.channel_types:
        return f"this stage does not deliver on {able.type}"
    if able.worker and able.worker not in world.limits.workers:
        return f"{able.platform} needs the worker {able.worker}, which this stage does not run"
    return ""


def open_channels(world: World, access: AccessChannel) -> Sequence[Channel]:
    """Those that an access channel can send on now, by code."""
    found = (world.settings.channel(code) for code in access.enabled_codes())
    return [
        each
        for each in found
        if each is not None
        and not not_served(world, world.providers.of(each.platform).capabilities)
    ]


def open_types(world: World, access: AccessChannel) -> frozenset[ChannelType]:
    return frozenset(channel.type for channel in open_channels(world, access))


def closed(kinds: Iterable[ChannelType], opened: frozenset[ChannelType]) -> Sequence[ChannelType]:
    """Those that make it invalid."""
    return [kind for kind in dict.fromkeys(kinds) if kind not in opened]
