"""Show a message's body as it was accepted, and the contents that went to each channel."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import elements
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.domain.templates import render
from chalicelib.flow import again
from chalicelib.flow.messages import ending_of, sent_by
from chalicelib.ports import World


def body(world: World, channel_key: str, msgid: str, *, whole: bool) -> dict[str, Any]:
    """Return the body and the contents of a message. Contacts are masked unless `whole`.

    The body is null for a message that does not keep it. Raises NotFound.
    """
    message = sent_by(world, channel_key, msgid)
    ending_of(world, msgid)
    links = message.links or world.messages.links(msgid) or {}
    return {
        "msgid": msgid,
        "broadcast": is_broadcast(message),
        "message": _body(world, message, whole=whole),
        "contents": [
            {
                "channel": message.channels[code].value,
                "code": elements.channel_of(code),
                "element": elements.number_of(code),
                "content": dict(render(content, links)),
            }
            for code, content in sorted(message.contents.items())
        ],
    }


def is_broadcast(message: Message) -> bool:
    return message.audience.kind is AudienceKind.EVERYONE


def _body(world: World, message: Message, *, whole: bool) -> dict[str, Any] | None:
    try:
        found = again.body_of(world, message)
    except NotFound:
        return None
    return found if whole else {name: _masked(value) for name, value in found.items()}


def _masked(value: Any) -> Any:
    """Return the value of a field with its registration ids masked.

    An `aud_…` has registration ids: it is a list of groups with `data`. Other values stay.
    """
    if not isinstance(value, list) or not all(_is_group(group) for group in value):
        return value
    return [{**group, "data": [masked(str(id)) for id in group["data"]]} for group in value]


def _is_group(value: Any) -> bool:
    return isinstance(value, Mapping) and isinstance(value.get("data"), list)
