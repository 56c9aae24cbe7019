"""Audiences of messages, and the names of sets of users."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.values import frozen

TAG, SEGMENT = "tag", "segment"  # families of sets


class AudienceKind(StrEnum):
    USERS = "users"  # named by user id
    CONTACTS = "contacts"  # named by what a channel knows them by, whether they are users or not
    SETS = "sets"  # the members of any of some tags or a segment, and users named besides
    EVERYONE = "everyone"


@frozen
class Audience:
    """The people that a message is for.

    Sets and everyone are scanned in the order of users. Partitions share the buckets of users.
    """

    kind: AudienceKind = AudienceKind.USERS
    sets: tuple[str, ...] = ()
    partitions: int = 1
    # of users who belong to it besides (domain/segment_rules.py), frozen with the message
    rule: Mapping[str, Any] = field(default_factory=dict, repr=False)
    segment: int = 0  # the number of its segment, 0: none

    @property
    def is_scanned(self) -> bool:
        return self.kind in (AudienceKind.SETS, AudienceKind.EVERYONE)

    @property
    def tags(self) -> tuple[str, ...]:
        return tuple(name for name in self.sets if keys.split(name)[0] == TAG)

    @property
    def segments(self) -> tuple[str, ...]:
        return tuple(name for name in self.sets if keys.split(name)[0] == SEGMENT)

    def buckets(self, partition: int) -> range:
        first = partition * keys.BUCKETS // self.partitions
        return range(first, (partition + 1) * keys.BUCKETS // self.partitions)

    def partition_of(self, userid: str) -> int:
        bucket = keys.bucket(userid)
        return next(n for n in range(self.partitions) if bucket in self.buckets(n))

    def has_left(self, tags: Iterable[tuple[str, str]]) -> bool:
        """Return whether a user with these tags (scope, name) has none of the audience's tags.

        The user's row in a set may be stale, but the user's own tags are not. Segments are ignored:
        nobody has left an audience without tags. Of an audience by a rule, all users are looked at.
        """
        return bool(self.tags) and not self.rule and not self.has_tag(tags)

    def has_tag(self, tags: Iterable[tuple[str, str]]) -> bool:
        """Return whether a user with these tags (scope, name) has one of the audience's tags."""
        names = self.tags
        return bool(names) and any(tag(scope, name) in names for scope, name in tags)


def tag(scope: str, name: str) -> str:
    return keys.join(TAG, scope, name)


def segment(number: int) -> str:
    return keys.join(SEGMENT, number)


def listing(number: int) -> str:
    """Name the set of a black- or whitelist's users."""
    return keys.join("list", number)


def listing_of_contacts(number: int) -> str:
    """Name the set of a list's contacts, which are named as targets are."""
    return keys.join("list-contacts", number)
