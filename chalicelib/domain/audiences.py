"""Who a message goes to, and the names of sets of users."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.domain import keys


class AudienceKind(StrEnum):
    USERS = "users"  # named one by one
    CONTACTS = "contacts"  # named by what a channel knows them by, whether they are users or not
    SETS = "sets"  # who is in one of some tags, or in a segment
    EVERYONE = "everyone"


@dataclass(frozen=True)
class Audience:
    """Sets and everyone are walked in the order of users, by walkers that share the buckets between them."""

    kind: AudienceKind = AudienceKind.USERS
    sets: tuple[str, ...] = ()
    walkers: int = 1

    @property
    def is_scanned(self) -> bool:
        return self.kind in (AudienceKind.SETS, AudienceKind.EVERYONE)

    def buckets(self, walker: int) -> range:
        """The buckets of a walker."""
        return range(
            walker * keys.BUCKETS // self.walkers, (walker + 1) * keys.BUCKETS // self.walkers
        )

    def walker_of(self, userid: str) -> int:
        """Who comes by a user."""
        bucket = keys.bucket(userid)
        return next(walker for walker in range(self.walkers) if bucket in self.buckets(walker))

    def has_left(self, tags: Iterable[tuple[str, str]]) -> bool:
        """Whether somebody who stands in its sets, with these tags (scope, name), has none of theirs any more. Segments say nothing."""
        names = [name for name in self.sets if keys.split(name)[0] == "tag"]
        return bool(names) and not any(tag(*each) in names for each in tags)


def tag(scope: str, name: str) -> str:
    return keys.join("tag", scope, name)


def segment(number: int) -> str:
    return keys.join("segment", number)


def listing(number: int) -> str:
    """A black- or whitelist."""
    return keys.join("list", number)
