"""Find messages: for the access channel that sent one, or several at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Ending, Message
from chalicelib.domain.users import User
from chalicelib.observability import log
from chalicelib.ports import World


def sent_by(world: World, channel_key: str, msgid: str) -> Message:
    """Return a message of this access channel, or raise NotFound."""
    message = world.messages.get(msgid)
    if message is None or message.channel_key != channel_key:
        raise NotFound("message")
    return message


def read_together(
    world: World, msgids: Iterable[str], userids: Iterable[str] = ()
) -> tuple[Mapping[str, Message], Mapping[str, User]] | None:
    """Read messages and users with one request.

    None: one cannot be read. It must not hold up the others, so they are read one by one.
    """
    unique = list(dict.fromkeys(msgids))
    try:
        return world.recordings.read(unique, sorted(set(userids)))
    except Exception as error:
        log.warning("messages_not_read", exc_info=error, extra={"messages": len(unique)})
        return None


def ending_of(world: World, msgid: str) -> Ending | None:
    """Return the withdrawal of a message. Raise NotFound for a message that was deleted.

    A container may still remember a message that another one has deleted.
    """
    ending = world.messages.ending(msgid)
    if ending is not None and ending.is_deleted:
        raise NotFound("message")
    return ending
