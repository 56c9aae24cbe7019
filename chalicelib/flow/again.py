"""Give back the body of a message as it was accepted, to send it again.

A message keeps its body without the targets that it keeps anyway.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import NotFound
from chalicelib.domain.messages import Message
from chalicelib.ports import World

USERS = "aud_userid"
REFERENCES = ("aud_tag", "aud_segment")


def kept(body: Mapping[str, Any], message: Message) -> dict[str, Any]:
    """Return what a message keeps of its body. A small one keeps the contacts that it names."""

    def is_kept(name: str) -> bool:
        is_contacts = name.startswith("aud_") and name not in (USERS, *REFERENCES)
        return name != USERS and (message.inline or not is_contacts)

    return {name: value for name, value in body.items() if is_kept(name)}


def body_of(world: World, message: Message) -> dict[str, Any]:
    """Return the whole body of a message, with its targets. Raises NotFound if it is not kept."""
    body = dict(message.written or world.messages.written(message.msgid))
    if not body:
        raise NotFound("body of the message")
    if message.audience.kind is AudienceKind.CONTACTS:
        return body if message.inline else {**_contacts(world, message), **body}
    return {USERS: list(message.userids), **body} if message.userids else body


def _contacts(world: World, message: Message) -> dict[str, Any]:
    """Return the contacts of a large message. The name of a target begins with its type."""
    of_types: dict[str, list[str]] = {}
    named = zip(message.userids, world.messages.contacts(message.msgid), strict=True)
    for name, contact in named:
        of_types.setdefault(keys.split(name)[0], []).append(contact)
    return {f"aud_{kind}": [{"data": contacts}] for kind, contacts in of_types.items()}
