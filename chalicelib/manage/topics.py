"""Topics as operators change them. Accepted messages keep their topic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.topics import MAX_TOPICS, TOPICS, Topic
from chalicelib.manage import access_channels, records
from chalicelib.ports import World


def add(world: World, channel_key: str, **fields: Any) -> Topic:
    """Add a topic. Its number is `option.topic` when sending. Raise Invalid if there are enough."""
    access_channels.get(world, channel_key)
    store = world.records.of(TOPICS)
    if len(store.list(channel_key, limit=MAX_TOPICS)) >= MAX_TOPICS:
        raise Invalid("channel_key", "has {most} topics already", most=MAX_TOPICS)
    return records.add(world, TOPICS, Topic(store.next_number(), channel_key, **fields))


def get(world: World, number: int) -> Topic:
    return records.get(world, TOPICS, number)


def page(world: World, channel_key: str, after: int = 0, limit: int = 0) -> Sequence[Topic]:
    return records.page(world, TOPICS, channel_key, after=after, limit=limit)


def change(world: World, number: int, version: int | None, changes: Mapping[str, Any]) -> Topic:
    before = records.get_at(world, TOPICS, number, version)
    return records.update(world, TOPICS, before, **changes)


def delete(world: World, number: int, version: int | None) -> None:
    records.delete(world, TOPICS, records.get_at(world, TOPICS, number, version))
