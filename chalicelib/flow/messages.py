"""Find a message for the access channel that sent it."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Message
from chalicelib.ports import World


def own(world: World, channel_key: str, msgid: str) -> Message:
    found = world.messages.get(msgid)
    if found is None or found.channel_key != channel_key:
        raise NotFound("message")
    return found
