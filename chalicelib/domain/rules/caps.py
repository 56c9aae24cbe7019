"""Frequency caps: how many messages of an access channel a person gets within a window.

A message counts once for its person, and once for each channel type that it goes on. Each count is
a mark, which names its message. So a repeat finds its own mark and does not count again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.values import frozen

RULE = "caps"  # in AccessChannel.rules
LOSS = "capped"
MAX_CAPS = 10  # of an access channel
MAX_MESSAGES = 100  # of a cap: marks of a person stay one small item
MAX_HOURS = 90 * 24
ANY = ""  # the kind of marks that stand for the message itself, on whatever channel


class Cap(NamedTuple):
    """At most `most` messages within `hours`, of a kind, and of a topic if it is not 0.

    The kind is a channel type, or ANY. Messages of `exempt` priorities do not count.
    """

    most: int
    hours: int
    kind: str = ANY
    topic: int = 0
    exempt: tuple[int, ...] = (Priority.HIGH.value,)

    def counts(self, priority: int, topic: int) -> bool:
        return priority not in self.exempt and self.topic in (0, topic)


class Mark(NamedTuple):
    """A message that counts, from `time` on (ms). After `until` no cap looks at it."""

    msgid: str
    kind: str
    topic: int
    priority: int
    time: int
    until: int


@frozen
class Marks:
    """The marks of one person, as a version of their stored item. An empty version: none."""

    marks: tuple[Mark, ...] = ()
    version: str = ""


@frozen
class Ask:
    """A message that is about to go to a person on some channel types.

    `is_first`: on the first ones. `has_others`: it may still go on others later.
    """

    msgid: str
    priority: int
    topic: int
    types: frozenset[str]
    is_first: bool
    has_others: bool = False


@frozen
class Answer:
    """The refused kinds, and the marks that count the others. ANY refuses the whole message."""

    refused: frozenset[str]
    marks: tuple[Mark, ...]


def settings_of(raw: Any) -> tuple[Cap, ...]:
    """Read stored caps."""
    return tuple(
        Cap(most, hours, kind, topic, tuple(exempt))
        for most, hours, kind, topic, exempt in raw or ()
    )


def applying(
    caps: Iterable[Cap], priority: Priority, topic: int, types: Collection[ChannelType]
) -> tuple[Cap, ...]:
    """Return the caps that count a message of this priority, topic and channel types."""
    kinds = {ANY, *(channel_type.value for channel_type in types)}
    return tuple(cap for cap in caps if cap.kind in kinds and cap.counts(priority, topic))


def count(marks: Sequence[Mark], caps: Sequence[Cap], ask: Ask, now: int) -> Answer:
    """Count a message unless a cap is reached. What it has marked already is granted."""
    kept = tuple(mark for mark in marks if mark.until > now)
    own = {mark.kind for mark in kept if mark.msgid == ask.msgid}
    full = {cap.kind for cap in caps if cap.kind not in own and _is_full(cap, kept, now)}
    refused = ask.types & full
    if ask.is_first and ANY in full:
        return Answer(frozenset({ANY}), kept)
    if refused == ask.types and not ask.has_others:
        return Answer(refused, kept)
    wanted = (ask.types - refused) | ({ANY} if ask.is_first else set())
    new = [
        Mark(ask.msgid, kind, ask.topic, ask.priority, now, now + hours * 3_600_000)
        for kind in sorted(wanted - own)
        if (hours := max((cap.hours for cap in caps if cap.kind == kind), default=0))
    ]
    return Answer(refused, (*kept, *new))


def _is_full(cap: Cap, marks: Iterable[Mark], now: int) -> bool:
    since = now - cap.hours * 3_600_000
    counted = sum(
        mark.kind == cap.kind and mark.time > since and cap.counts(mark.priority, mark.topic)
        for mark in marks
    )
    return counted >= cap.most


def without(marks: Sequence[Mark], msgid: str, kinds: Collection[str]) -> tuple[Mark, ...]:
    """Return the marks after a message has given back those of some kinds."""
    return tuple(mark for mark in marks if mark.msgid != msgid or mark.kind not in kinds)
