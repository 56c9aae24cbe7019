"""Drafts: messages that a member has begun to write, whole or not."""

from __future__ import annotations

from dataclasses import field

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen

MAX_DRAFTS = 100  # of a member, on all access channels
MAX_BODY = 100_000  # characters of JSON


@frozen
class Draft:
    """A member's draft of a message of an access channel. Its body may lack anything."""

    id: str
    channel_key: str
    member: str  # access key: nobody else sees it
    name: str
    sealed: bytes = field(repr=False)  # the body
    changed: int = 0  # ms
    broadcast: bool = False
    version: int = 1


DRAFTS = Kind[Draft](
    "draft",
    "draft",
    key=lambda draft: draft.id,
    scope=lambda draft: draft.member,
)
