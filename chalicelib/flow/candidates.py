"""Read the next members of an audience, in the order of its chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.users import User
from chalicelib.ports import World

SHARE = 5  # of a page: the least that is read for the rest of a chunk


class Candidate(NamedTuple):
    """A member of the audience that may become a target, and the position after it."""

    id: str
    user: User | None
    contact: str  # of a target that is named by its contact
    after: str

    @property
    def channel_type(self) -> ChannelType:
        """The channel type of a target that is named by its contact."""
        return ChannelType(keys.split(self.id)[0])


class Known(NamedTuple):
    """The part of an audience that was read before: named contacts, or users."""

    contacts: Sequence[str] = ()
    users: Mapping[str, User] | None = None


NOTHING = Known()


def next_candidates(
    world: World, message: Message, number: int, position: str, known: Known
) -> tuple[list[Candidate], str | None]:
    """Return the next candidates, and the position after all who were looked at, None at the end.

    Users of a scanned audience are passed over if they have another day than the schedule's. So are
    those outside of a segment by rules, and those in another part of an A/B test.
    """
    limit, chosen = world.limits.sizes.chunk_targets, list[Candidate]()
    for _ in range(world.limits.sizes.chunk_pages):
        size = max(limit - len(chosen), -(-limit // SHARE))
        candidates, is_last = _candidates(world, message, number, position, known, size)
        chosen += _meant(world, message, candidates)
        if is_last and len(chosen) <= limit:
            return chosen, None
        if len(chosen) >= limit:
            return chosen[:limit], chosen[limit - 1].after
        position = candidates[-1].after
        if not _passes_over(message):
            break
    return chosen, position


def has_day(message: Message, user: User) -> bool:
    """Tell if a schedule's message is for a user on this day."""
    return message.occasion is None or message.occasion.includes(user.attributes)


def _passes_over(message: Message) -> bool:
    rule = message.occasion.date_rule if message.occasion else None
    is_for_few = bool(rule or message.audience.rule or message.split is not None)
    return message.audience.is_scanned and is_for_few


def _meant(world: World, message: Message, page: Sequence[Candidate]) -> Sequence[Candidate]:
    """Return those of a page that a message is for. Who is named is never passed over.

    But an A/B test divides them all.
    """
    if message.split is not None:
        page = [candidate for candidate in page if message.split.includes(candidate.id)]
    if not _passes_over(message):
        return page
    named = frozenset(message.userids)
    of_rule = _of_rule(world, message, page) if message.audience.rule else None
    return [
        candidate
        for candidate in page
        if candidate.user is None
        or candidate.id in named
        or (has_day(message, candidate.user) and (of_rule is None or candidate.id in of_rule))
    ]


def _of_rule(world: World, message: Message, page: Sequence[Candidate]) -> frozenset[str]:
    """Return the users of a page who have a tag of the audience, or belong to its segment."""
    from chalicelib.flow import segments  # few messages go to one by rules

    users = [candidate.user for candidate in page if candidate.user is not None]
    others = [user for user in users if not message.audience.has_tag(user.all_tags)]
    members = segments.members(world, message.channel_key, message.audience.rule, others)
    left_out = {user.userid for user in others} - {user.userid for user in members}
    return frozenset(user.userid for user in users) - left_out


def _candidates(
    world: World, message: Message, number: int, position: str, known: Known, limit: int
) -> tuple[list[Candidate], bool]:
    """Return the next candidates, and True if there is nobody after them."""
    audience = message.audience
    if not audience.is_scanned:
        return _named(world, message, int(position or 0), known)
    buckets = audience.buckets(message.partition(number))
    if audience.kind is AudienceKind.EVERYONE or audience.rule:
        return _walked(world, message, buckets, position, limit)
    userids = _members(world, message, buckets, position, limit)
    stored = world.users.get(userids, fresh=False)
    candidates = [_candidate(userid, stored.get(userid)) for userid in userids]
    return candidates, len(candidates) < limit


def _candidate(userid: str, user: User | None) -> Candidate:
    return Candidate(userid, user, "", keys.position(userid))


def _walked(
    world: World, message: Message, buckets: range, position: str, limit: int
) -> tuple[list[Candidate], bool]:
    """Return the next of all users, and those who are named among them and are not stored."""
    scanned = world.users.scan(buckets, position, limit)
    is_last = len(scanned) < limit
    users: dict[str, User | None] = {user.userid: user for user in scanned}
    for userid in _named_after(message, buckets, position):
        if is_last or keys.position(userid) < keys.position(scanned[-1].userid):
            users.setdefault(userid, None)
    ordered = sorted(users, key=keys.position)
    return [_candidate(userid, users[userid]) for userid in ordered], is_last


def _members(
    world: World, message: Message, buckets: range, position: str, limit: int
) -> Sequence[str]:
    """Return the next members of the audience's sets, and the users that are named besides."""
    members = world.audiences.scan(message.audience.sets, buckets, position, limit)
    named = _named_after(message, buckets, position)
    return sorted({*members, *named}, key=keys.position)[:limit]


def _named_after(message: Message, buckets: range, position: str) -> Iterator[str]:
    """Yield the users that are named besides and come after a position."""
    for userid in message.userids:
        if keys.bucket(userid) in buckets and keys.position(userid) > position:
            yield userid


def _named(
    world: World, message: Message, start: int, known: Known
) -> tuple[list[Candidate], bool]:
    names = message.userids[start : start + world.limits.sizes.chunk_targets]
    is_last = start + len(names) >= len(message.userids)
    if message.audience.kind is AudienceKind.CONTACTS:
        named = known.contacts or world.messages.contacts(message.msgid)
        return [
            Candidate(name, None, named[n], str(n + 1)) for n, name in enumerate(names, start)
        ], is_last
    users = known.users or world.users.get(names, fresh=message.inline)
    return [
        Candidate(name, users.get(name), "", str(n + 1)) for n, name in enumerate(names, start)
    ], is_last
