"""Preferences of people: topics of an access channel by channel type, and quiet times."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field
from datetime import datetime
from typing import Any, NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.domain.zones import zone

UNWANTED, QUIET = "unwanted", "quiet_time"
# A mail does not ring, so it may come at any time.
SILENT = frozenset({ChannelType.EMAIL})


class QuietTime(NamedTuple):
    """A stretch of each day in which nothing rings, by the clock of a time zone."""

    begin: str  # 22:00
    end: str
    zone: str

    def has(self, at: int) -> bool:
        """Tell if the clock shows a time of the stretch at a moment (ms)."""
        of = zone(self.zone)
        if of is None:
            return False
        clock = datetime.fromtimestamp(at / 1000, of).strftime("%H:%M")
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end

    def until(self, at: int) -> int | None:
        """Return when (ms) the quiet time ends in which a moment is. None: it is in none."""
        if not self.has(at):
            return None
        from chalicelib.domain.rules.quiet_hours import Window, minutes  # few people have one

        return Window(minutes(self.begin), minutes(self.end), self.zone, ()).ends(at)


@frozen
class Preferences:
    """A person's choices for one access channel.

    `topics`: topic -> channel types on which it is wanted. A topic that is missing was not chosen.
    `first`: topic -> the channel type on which it is wanted most.
    """

    topics: Mapping[int, tuple[str, ...]]
    quiet: QuietTime | None = None
    first: Mapping[int, str] = field(default_factory=dict)

    def wants(self, topic: int, kind: ChannelType, *, opt_in: bool) -> bool:
        """Tell if messages of a topic are wanted on a channel type."""
        chosen = self.topics.get(topic)
        return not opt_in if chosen is None else kind.value in chosen

    def reason(self, topic: int, kind: ChannelType, at: int | None, *, opt_in: bool) -> str:
        """Return why a message is left out on a channel type, or an empty text.

        `at` (ms) is None for a message or a step that quiet times do not stop now.
        """
        if topic and not self.wants(topic, kind, opt_in=opt_in):
            return UNWANTED
        rings = at is not None and self.quiet is not None and kind not in SILENT
        return QUIET if rings and self.quiet and at is not None and self.quiet.has(at) else ""


def read(raw: Mapping[str, Any]) -> Preferences:
    """Read the choices for one access channel from what is stored of a user."""
    quiet = raw.get("quiet")
    topics = {int(number): tuple(kinds) for number, kinds in raw.get("topics", {}).items()}
    first = {int(number): kind for number, kind in raw.get("first", {}).items()}
    return Preferences(topics, QuietTime(*quiet) if quiet else None, first)


def of(user: User | None, channel_key: str) -> Preferences | None:
    """Return what a user has chosen for an access channel, None for nothing."""
    raw = user.preferences.get(channel_key) if user is not None else None
    return read(raw) if raw else None


def refusal_key(channel_key: str, topic: int) -> str:
    """Return the name under which a contact without a user opts out of a topic, or into it."""
    return keys.join(channel_key, topic)


def stored(preferences: Preferences) -> dict[str, Any]:
    """Return the choices as they are stored."""
    topics = {str(number): list(kinds) for number, kinds in sorted(preferences.topics.items())}
    first = {str(number): kind for number, kind in sorted(preferences.first.items())}
    return {
        "topics": topics,
        **({"quiet": list(preferences.quiet)} if preferences.quiet else {}),
        **({"first": first} if first else {}),
    }


def choose(
    topics: Collection[int], kinds: Sequence[ChannelType], chosen: Collection[tuple[int, str]]
) -> dict[int, tuple[str, ...]]:
    """Return a choice for each topic from the boxes that a person ticked."""
    return {
        topic: tuple(kind.value for kind in kinds if (topic, kind.value) in chosen)
        for topic in topics
    }
