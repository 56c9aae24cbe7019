"""All that is known of a person, and forgetting it.

What messages keep of a person is sealed and expires with them. So their counts stay right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib.domain import audiences, keys
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.consents import Consent
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Conflict, Invalid, NotFound
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.rules.caps import Mark, Marks
from chalicelib.domain.rules.topics import Preferences
from chalicelib.domain.topics import TOPICS
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.flow import preferences
from chalicelib.manage import access_channels, users
from chalicelib.ports import World

_SETS = {Family.LIST: audiences.listing, Family.SEGMENT: audiences.segment}


@frozen
class Known:
    """A person: the user, what its contacts agreed to, where it is a member, and what counts."""

    user: User
    consents: Mapping[tuple[ChannelType, str], Mapping[tuple[str, str], Consent]]
    groups: Sequence[Group]
    marks: Mapping[str, Sequence[Mark]]  # by channel key


def known(world: World, userid: str) -> Known:
    """Return all that is known of a user. Raises NotFound."""
    user = world.users.get([userid]).get(userid) if 0 < len(userid) <= users.USERID else None
    if user is None:
        raise NotFound("user")
    contacts = sorted(user.all_contacts)
    consents = {(kind, contact): world.consents.of(kind, contact) for kind, contact in contacts}
    return Known(
        user,
        {contact: said for contact, said in consents.items() if said},
        _groups_of(world, userid),
        {key: marks.marks for key, marks in _marks(world, userid).items()},
    )


def _groups_of(world: World, userid: str) -> Sequence[Group]:
    """Return the lists and segments in which a user id is, with one request per 100 of them."""
    keys_of = [channel.key for channel in world.records.of(ACCESS_CHANNELS).list()]
    groups = {
        name_of(group.number): group
        for family, name_of in _SETS.items()
        for key in keys_of
        for group in world.records.of(GROUPS[family]).list(key)
    }
    return [groups[name] for name in sorted(world.audiences.sets_of(userid, list(groups)))]


def _marks(world: World, userid: str) -> Mapping[str, Marks]:
    names = {
        keys.join("cap", channel.key, "user", userid): channel.key
        for channel in world.records.of(ACCESS_CHANNELS).list()
    }
    return {names[name]: marks for name, marks in world.marks.get(list(names)).items()}


def erase(world: World, userid: str) -> Known:
    """Forget a person, and return what was known. The user goes last, so a repeat goes on.

    Opt-outs stay with the HMAC of the contact, so that nobody writes to it again.
    """
    person = known(world, userid)
    for group in person.groups:
        world.audiences.change(_SETS[group.family](group.number), [], [userid])
    for kind, contact in person.consents:
        world.consents.delete(kind, contact)
    names = {keys.join("cap", key, "user", userid): m for key, m in _marks(world, userid).items()}
    world.marks.put({name: Marks((), marks.version) for name, marks in names.items()})
    for channel in world.records.of(ACCESS_CHANNELS).list():
        world.traces.forget_interactions(channel.key, userid)
    if reasons := users.delete(world, [userid]):
        if users.BUSY in reasons.values():
            raise Conflict(users.BUSY)
        raise NotFound("user")
    return person


def prefer(world: World, userid: str, key: str, choices: Preferences) -> None:
    """Set what a user wants of an access channel. Raises NotFound, Invalid or Conflict."""
    access_channels.get(world, key)
    topics = {topic.number for topic in world.records.of(TOPICS).list(key)}
    for n, number in enumerate(choices.topics):
        if number not in topics:
            raise Invalid(f"topics[{n}].topic", "no such topic")
    person = preferences.Person(key, userid, ChannelType.EMAIL, "")
    page = preferences.page_of(world, person)
    if not page.has_quiet:
        raise NotFound("user")
    chosen = {
        (number, kind)
        for number in topics
        for kind in choices.topics.get(number, _kept(page, number))
    }
    every = replace(page, kinds=tuple(ChannelType))
    preferences.save_of(world, every, chosen, choices.quiet)


def _kept(page: preferences.Page, number: int) -> Sequence[str]:
    return [kind for topic, kind in page.chosen if topic == number]
