"""Frequency caps as operators change them. Accepted messages keep those that count them."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import UnknownTopic
from chalicelib.domain.rules.caps import RULE, Cap, settings_of
from chalicelib.domain.topics import TOPICS
from chalicelib.manage import access_channels
from chalicelib.ports import World


def of(channel: AccessChannel) -> tuple[Cap, ...]:
    """Return the caps of an access channel."""
    return settings_of(channel.rules.get(RULE))


def put(world: World, key: str, version: int | None, caps: Sequence[Cap]) -> AccessChannel:
    """Replace the caps of an access channel. Raise UnknownTopic for a topic of another."""
    for n, cap in enumerate(caps):
        topic = world.records.of(TOPICS).get(cap.topic) if cap.topic else None
        if cap.topic and (topic is None or topic.channel_key != key):
            raise UnknownTopic(f"caps[{n}].topic", number=cap.topic)
    stored = [[cap.most, cap.hours, cap.kind, cap.topic, list(cap.exempt)] for cap in caps]
    return access_channels.set_rule(world, key, version, RULE, stored or None)
