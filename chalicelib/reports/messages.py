"""List the messages of an access channel."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Summary
from chalicelib.domain.strategies import MAX_WITHIN
from chalicelib.flow.rules import retention
from chalicelib.ports import World

# Seconds that a strategy may take. Messages are kept for that long, and some days.
LONGEST = len(ChannelType) * MAX_WITHIN


def newest(
    world: World,
    channel_key: str,
    before: str,
    limit: int,
    since: int = 0,
    until: int | None = None,
) -> Sequence[Summary]:
    """Return an access channel's messages, newest first, from before a msgid on.

    These are the messages accepted from `since` (ms) to before `until`.
    Raises NotFound where there is no such channel.
    """
    channel = world.settings.access_channel(channel_key)
    if channel is None:
        raise NotFound("access channel")
    now = world.clock.now()
    oldest = now - (retention.days(world, channel) * 86400 + LONGEST) * 1000
    end = keys.message_id(now + 1 if until is None else min(until, now + 1), bytes(4))
    last = min(before, end) if before else end
    return world.messages.newest(channel_key, last, max(since, oldest), limit)
