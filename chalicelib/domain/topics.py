"""Topics: the subjects of an access channel's messages, among which people choose."""

from __future__ import annotations

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen

MAX_TOPICS = 50  # of an access channel: people see all of them on one page


@frozen
class Topic:
    """A subject of messages, as people see it on their page of preferences.

    `opt_in`: only people who have chosen it get it. `purpose`: their consent to it is required.
    """

    number: int
    channel_key: str
    name: str
    description: str = ""
    opt_in: bool = False
    purpose: str = ""
    version: int = 1


TOPICS = Kind[Topic](
    "topic",
    "topic",
    key=lambda topic: topic.number,
    scope=lambda topic: topic.channel_key,
    unique=lambda topic: topic.name,
)
