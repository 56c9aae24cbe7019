"""Traces of users: their last events with properties, and interactions with messages.

A log is what the last events of one name said. Sums of all events stand in the user.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from typing import Any, NamedTuple

from chalicelib.domain.values import frozen

DAY = 86_400_000  # ms
KEPT_DAYS = 90
KEPT = KEPT_DAYS * DAY  # ms
MAX_COUNT = 100  # events of a log
MAX_LOG = 32 * 1024  # bytes of the properties in a log


@frozen
class Event:
    """An event of a user. An optional `id` tells a repeat from a second event."""

    name: str
    time: int  # ms
    id: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False)


class Occurrence(NamedTuple):
    """An event of a user, with its properties."""

    time: int  # ms
    properties: Mapping[str, Any]


Log = Sequence[Occurrence]  # of one name, oldest first
Logs = Mapping[tuple[str, str], Log]  # by user id and name


class Interaction(StrEnum):
    """The end of a message, as its user has seen it."""

    SENT = "sent"
    DELIVERED = "delivered"
    CLICKED = "clicked"
    OPENED = "opened"


class Interacted(NamedTuple):
    """An interaction of a user with messages of a template and a topic, on a day."""

    kind: Interaction
    day: int  # since the epoch, by UTC
    template: int
    topic: int


def added(log: Log, new: Log, now: int) -> Log:
    """Return a log with new events, without those that are too old or too many."""
    kept: list[Occurrence] = []
    size = 0
    for one in sorted([*log, *new], key=lambda one: one.time, reverse=True)[:MAX_COUNT]:
        size += len(json.dumps(one.properties, ensure_ascii=False).encode("utf-8", "replace"))
        if one.time <= now - KEPT or size > MAX_LOG:
            break
        kept.append(one)
    return tuple(reversed(kept))
