"""Read the next members of an audience, in the order of its chunks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.messages import Message
from chalicelib.domain.users import User
from chalicelib.ports import World

# Pages of users that are looked at for one chunk, where the message is for few of them.
PAGES = 20


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

    Users of a scanned audience who have another day than the schedule's are passed over. So are
    those in another part of an A/B test.
    """
    limit, chosen = world.limits.sizes.chunk_targets, list[Candidate]()
    for _ in range(PAGES):
        candidates, is_last = _candidates(world, message, number, position, known)
        chosen += [c for c in candidates if _is_meant(message, c)]
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
    return message.audience.is_scanned and (rule is not None or message.split is not None)


def _is_meant(message: Message, candidate: Candidate) -> bool:
    if message.split is not None and not message.split.includes(candidate.id):
        return False
    if not _passes_over(message) or candidate.user is None or candidate.id in message.userids:
        return True
    return has_day(message, candidate.user)


def _candidates(
    world: World, message: Message, number: int, position: str, known: Known
) -> tuple[list[Candidate], bool]:
    """Return the next candidates, and True if there is nobody after them."""
    audience, limit = message.audience, world.limits.sizes.chunk_targets
    if not audience.is_scanned:
        return _named(world, message, int(position or 0), known)
    buckets = audience.buckets(message.partition(number))
    users: Sequence[tuple[str, User | None]]
    if audience.kind is AudienceKind.EVERYONE:
        scanned = world.users.scan(buckets, position, limit)
        users = [(user.userid, user) for user in scanned]
    else:
        userids = _members(world, message, buckets, position)
        stored = world.users.get(userids, fresh=False)
        users = [(userid, stored.get(userid)) for userid in userids]
    candidates = [Candidate(userid, user, "", keys.position(userid)) for userid, user in users]
    return candidates, len(candidates) < limit


def _members(world: World, message: Message, buckets: range, position: str) -> Sequence[str]:
    """Return the next members of the audience's sets, and the users that are named besides."""
    limit = world.limits.sizes.chunk_targets
    members = world.audiences.scan(message.audience.sets, buckets, position, limit)
    named = (
        userid
        for userid in message.userids
        if keys.bucket(userid) in buckets and keys.position(userid) > position
    )
    return sorted({*members, *named}, key=keys.position)[:limit]


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
