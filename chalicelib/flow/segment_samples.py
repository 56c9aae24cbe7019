"""Estimate how many users a rule selects, from a random sample.

Users stand in buckets by a hash. So whole buckets that are drawn are a random sample of users. Of
large buckets, stretches are drawn. The exact number takes a count (flow/segment_counts.py).
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chalicelib.domain import keys, segment_rules
from chalicelib.domain.comparisons import ComparisonKind, reads
from chalicelib.domain.segment_rules import Form, Rule
from chalicelib.domain.users import User
from chalicelib.domain.warnings import Code, Warning
from chalicelib.flow import segments
from chalicelib.ports import World

MILLISECONDS = 2000  # after which no further bucket is drawn
LARGEST = 500_000  # users of a bucket that are listed

Z = 1.96  # standard errors, within which 95 of 100 samples are
NONE_FOUND = 3.0  # members that may be among the others, at 95 of 100, where a sample has none


class Lots(NamedTuple):
    """Numbers of users that are drawn."""

    enough: int = 4000  # after which no further bucket is drawn
    whole: int = 1000  # of a bucket that is drawn as a whole
    stretch: int = 250
    stretches: int = 16  # of a bucket that is larger


LOTS = Lots()


class Sample(NamedTuple):
    """Stretches of users, and the share of all users that they are."""

    pages: Sequence[Sequence[User]]
    share: float

    @property
    def size(self) -> int:
        return sum(map(len, self.pages))


class Estimate(NamedTuple):
    """The number of members, with the error at 95 of 100 samples, and of all users."""

    members: int
    error: int
    sampled: int
    users: int
    warnings: Sequence[Warning]


def estimate(world: World, channel_key: str, rule: Rule, lots: Lots = LOTS) -> Estimate:
    """Estimate the members of a rule's segment."""
    sample = draw(world, lots)
    found = sum(len(segments.members(world, channel_key, rule, page)) for page in sample.pages)
    return Estimate(
        round(found / sample.share),
        _error(found, sample.share),
        sample.size,
        round(sample.size / sample.share),
        tuple(_warnings(rule, sample)),
    )


def _error(found: int, share: float) -> int:
    """Return the error of an estimate. Members are spread over users by chance (Poisson)."""
    if share >= 1:
        return 0
    spread = Z * math.sqrt(found * (1 - share)) if found else NONE_FOUND
    return math.ceil(spread / share)


def draw(world: World, lots: Lots = LOTS) -> Sample:
    """Draw buckets until there are enough users or no time is left."""
    begun, pages = world.clock.now(), list[Sequence[User]]()
    for bucket in random.sample(range(keys.BUCKETS), keys.BUCKETS):
        page = world.users.scan(range(bucket, bucket + 1), "", lots.whole)
        if len(page) == lots.whole:
            return _stretches(world, bucket, lots)
        pages.append(page)
        is_enough = sum(map(len, pages)) >= lots.enough
        if is_enough or world.clock.now() > begun + MILLISECONDS:
            break
    return Sample([page for page in pages if page], len(pages) / keys.BUCKETS)


def _stretches(world: World, bucket: int, lots: Lots) -> Sample:
    """Draw stretches of a bucket that is too large to be read as a whole."""
    userids = world.users.userids(bucket, LARGEST)
    parts = range(0, len(userids), lots.stretch)
    pages = [
        world.users.scan(
            range(bucket, bucket + 1),
            keys.position(userids[start - 1]) if start else "",
            min(lots.stretch, len(userids) - start),
        )
        for start in sorted(random.sample(parts, min(lots.stretches, len(parts))))
    ]
    drawn = sum(map(len, pages))
    return Sample(pages, min(1.0, drawn / (len(userids) * keys.BUCKETS)))


def _warnings(rule: Rule, sample: Sample) -> Iterator[Warning]:
    """Yield the attributes and events that nobody in the sample has, or has as another type."""
    users = [user for page in sample.pages for user in page]
    for path, one in segment_rules.conditions(rule):
        form = segment_rules.form_of(one)
        if form is Form.EVENT and not any(one["event"] in user.events for user in users):
            yield Warning(path, Code.UNKNOWN_EVENT)
        if form is Form.ATTRIBUTE:
            values = [user.attributes.get(one["attribute"]) for user in users]
            stored = [value for value in values if value is not None]
            if not stored:
                yield Warning(path, Code.UNKNOWN_ATTRIBUTE)
            elif not any(reads(ComparisonKind(one["is"]), value) for value in stored):
                yield Warning(path, Code.OTHER_TYPE)
