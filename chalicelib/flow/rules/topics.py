"""Check the topic of a message, and choose whom it goes to by what people want of it."""

from __future__ import annotations

from chalicelib.domain.errors import UnknownTopic
from chalicelib.domain.topics import TOPICS
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.ports import World


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> None:
    """Raise UnknownTopic unless the topic is the access channel's. A message may have none."""
    topic = world.records.of(TOPICS).get(request.topic) if request.topic else None
    if request.topic and (topic is None or topic.channel_key != request.channel.key):
        raise UnknownTopic("option.topic", number=request.topic)
