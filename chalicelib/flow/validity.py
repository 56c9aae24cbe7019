"""Whether a strategy or template can be used now: every channel type in it needs a delivery channel that is authorised and switched on.

Closing a channel closes them, opening it again opens them: nothing is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chalicelib.domain.channels import AccessChannel, ChannelType
from chalicelib.flow.ports import World


def open_types(world: World, access: AccessChannel) -> frozenset[ChannelType]:
    """The channel types on which an access channel can send now."""
    found = (world.settings.channel(code) for code in access.enabled_codes())
    return frozenset(channel.type for channel in found if channel is not None)


def closed(kinds: Iterable[ChannelType], opened: frozenset[ChannelType]) -> Sequence[ChannelType]:
    """Those that make it invalid."""
    return [kind for kind in dict.fromkeys(kinds) if kind not in opened]
