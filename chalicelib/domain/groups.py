"""Headers of named groups of users: black- and whitelists, segments, tags.

The members of a group are kept in `Audiences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen


class Family(StrEnum):
    """A kind of group. Every family has ids of its own."""

    LIST = "list"
    SEGMENT = "segment"
    TAG = "tag"


RULES = "rules"  # the kind of a segment whose members a rule finds

KINDS = {
    Family.LIST: ("black", "white"),
    Family.SEGMENT: ("manual", "file", RULES),
    Family.TAG: ("tag",),
}


@frozen
class Group:
    """The header of a group.

    `number` is `black_id`, `white_id` or the segment's id in a send. A tag's name is the text that
    its users carry.
    """

    family: Family
    number: int
    channel_key: str  # of its access channel, or `all` for a tag of every access channel
    name: str  # unique within its family and access channel
    kind: str
    version: int = 1
    rule: Mapping[str, Any] = field(default_factory=dict)  # domain/segment_rules.py
    daily: bool = False  # a segment that is counted every day


GROUPS = {
    family: Kind[Group](
        f"group-{family}",
        family.value,
        key=lambda group: group.number,
        scope=lambda group: group.channel_key,
        unique=lambda group: group.name,
    )
    for family in Family
}
