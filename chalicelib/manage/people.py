"""Show all that is known of a person, forget a person, and set what a person wants.

What messages keep of a person is sealed and expires with the messages. So their counts stay right.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from chalicelib.domain.traces import Interacted, Log
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.flow import marks, preferences, reach
from chalicelib.manage import access_channels, users
from chalicelib.ports import World

Consents = Mapping[tuple[ChannelType, str], Mapping[tuple[str, str], Consent]]

_SETS = {Family.LIST: audiences.listing, Family.SEGMENT: audiences.segment}


@frozen
class Known:
    """A person: the user with consents, lists, segments, marks, events and interactions."""

    user: User
    consents: Consents
    groups: Sequence[Group]
    marks: Mapping[str, Sequence[Mark]]  # by channel key
    reached: Mapping[str, Sequence[Mark]]  # by channel key, of messages of the last days
    logs: Mapping[str, Log]  # by the name of the event
    interactions: Mapping[str, Sequence[Interacted]]  # by channel key


def consents(world: World, userid: str) -> Consents:
    """Return what the contacts of a user have agreed to. Raises NotFound."""
    return _consents(world, _user(world, userid))


def _user(world: World, userid: str) -> User:
    user = world.users.get([userid]).get(userid) if 0 < len(userid) <= users.USERID else None
    if user is None:
        raise NotFound("user")
    return user


def _consents(world: World, user: User) -> Consents:
    contacts = sorted(user.all_contacts)
    every = {(kind, contact): world.consents.of(kind, contact) for kind, contact in contacts}
    return {contact: said for contact, said in every.items() if said}


def known(world: World, userid: str) -> Known:
    """Return all that is known of a user. Raises NotFound."""
    user = _user(world, userid)
    return Known(
        user,
        _consents(world, user),
        _groups_of(world, userid),
        {key: of_key.marks for key, of_key in _marks(world, _counts(userid)).items()},
        {key: of_key.marks for key, of_key in _marks(world, _reach(userid)).items()},
        _logs(world, user),
        _interactions(world, userid),
    )


def _logs(world: World, user: User) -> Mapping[str, Log]:
    logs = world.traces.logs([(user.userid, name) for name in sorted(user.events)])
    return {name: log for (_, name), log in logs.items()}


def _interactions(world: World, userid: str) -> Mapping[str, Sequence[Interacted]]:
    """Return the interactions of a user, with one request for each access channel."""
    every = {
        access.key: world.traces.interactions_between(access.key, [userid]).get(userid, ())
        for access in world.records.of(ACCESS_CHANNELS).list()
    }
    return {key: sorted(rows) for key, rows in every.items() if rows}


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


def _counts(userid: str) -> Callable[[str], str]:
    return lambda key: keys.join("cap", key, "user", userid)


def _reach(userid: str) -> Callable[[str], str]:
    return lambda key: reach.name_of(key, userid)


def _marks(world: World, name_of: Callable[[str], str]) -> Mapping[str, Marks]:
    """Return the marks of all access channels, by channel key."""
    names = {name_of(access.key): access.key for access in world.records.of(ACCESS_CHANNELS).list()}
    return {names[name]: of_key for name, of_key in world.marks.get(list(names)).items()}


def erase(world: World, userid: str, begin: Callable[[], None]) -> Known:
    """Forget a person, and return what was known. A repeat goes on, since the user goes last.

    `begin` is called before anything is deleted. Opt-outs stay with the HMAC of the contact, so
    that nobody writes to it again.
    """
    person = known(world, userid)
    begin()
    for group in person.groups:
        world.audiences.change(_SETS[group.family](group.number), [], [userid])
    for kind, contact in person.consents:
        world.consents.delete(kind, contact)
    _forget_marks(world, userid)
    for key in person.interactions:
        world.traces.forget_interactions(key, userid)
    if reasons := users.delete(world, [userid]):
        if users.BUSY in reasons.values():
            raise Conflict(users.BUSY)
        raise NotFound("user")
    return person


def _forget_marks(world: World, userid: str) -> None:
    """Forget the marks of a person. Raise Conflict while others keep changing these marks."""
    keys_of = [access.key for access in world.records.of(ACCESS_CHANNELS).list()]
    names = [name_of(key) for name_of in (_counts(userid), _reach(userid)) for key in keys_of]
    try:
        marks.change(world, names, lambda name, stored: () if stored else None)
    except TimeoutError:
        raise Conflict(users.BUSY) from None


def preferred(world: World, userid: str, key: str) -> preferences.Page:
    """Return what a user may choose of an access channel, and has chosen. Raises NotFound."""
    access_channels.get(world, key)
    page = preferences.page_of(world, preferences.Person(key, userid, ChannelType.EMAIL, ""))
    if not page.is_user:
        raise NotFound("user")
    return page


def prefer(world: World, userid: str, key: str, choices: Preferences) -> None:
    """Set what a user wants of an access channel. Raises NotFound, Invalid or Conflict."""
    access_channels.get(world, key)
    topics = {topic.number for topic in world.records.of(TOPICS).list(key)}
    for n, number in enumerate(choices.topics):
        if number not in topics:
            raise Invalid(f"topics[{n}].topic", "no such topic")
    chosen = {(number, kind) for number, kinds in choices.topics.items() for kind in kinds}
    page = replace(preferred(world, userid, key), kinds=tuple(ChannelType))
    preferences.save_of(world, page, chosen, choices.quiet, choices.first, choices.topics)
