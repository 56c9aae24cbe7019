"""Find a message for the access channel that sent it."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Ending, Message
from chalicelib.ports import World


def sent_by(world: World, channel_key: str, msgid: str) -> Message:
    """Return a message of this access channel, or raise NotFound."""
    message = world.messages.get(msgid)
    if message is None or message.channel_key != channel_key:
        raise NotFound("message")
    return message


def ending_of(world: World, msgid: str) -> Ending | None:
    """Return the withdrawal of a message. Raise NotFound for a message that was deleted.

    A container may still remember a message that another one has deleted.
    """
    ending = world.messages.ending(msgid)
    if ending is not None and ending.is_deleted:
        raise NotFound("message")
    return ending
