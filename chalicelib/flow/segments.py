"""Judge pages of users by the rule of a segment.

What a rule asks for besides the users is read for the whole page, and only if the rule asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import segment_rules
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.comparisons import Today
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.segment_rules import Person, Rule, View
from chalicelib.domain.traces import Interacted, Log
from chalicelib.domain.users import User
from chalicelib.ports import World

Page = Sequence[User]  # in the order of users, without gaps
Consents = Mapping[str, Mapping[ChannelType, frozenset[str]]]  # contacts by purpose and type


def members(world: World, channel_key: str, rule: Rule, page: Page) -> list[User]:
    """Return the users of a page who belong to the segment of a rule, as they are now."""
    access = world.settings.access_channel(channel_key)
    if access is None:
        return []
    view = view_of(world, channel_key)
    mine = [user for user in page if belongs_to(access, user)]
    people = _people(world, access, rule, mine)
    return [person.user for person in people if segment_rules.matches(rule, person, view)]


def view_of(world: World, channel_key: str) -> View:
    now = world.clock.now()
    place = dt.timezone(dt.timedelta(hours=world.limits.utc_offset))
    return View(channel_key, now, Today(dt.datetime.fromtimestamp(now / 1000, place).date(), place))


def belongs_to(access: AccessChannel, user: User) -> bool:
    """Tell if messages of an access channel may reach a user whom they do not name."""
    return not access.restricted or user.is_bound_to(access.key, access.channels)


def channels_of(world: World, access: AccessChannel) -> Sequence[Channel]:
    """Return the delivery channels of an access channel, by code."""
    channels = (world.settings.channel(code) for code in sorted(access.channels))
    return [channel for channel in channels if channel is not None]


def reached_on(
    user: User, access: AccessChannel, channels: Sequence[Channel]
) -> frozenset[ChannelType]:
    """Return the channel types on which a message that names no label has a contact of a user."""
    key, restricted = access.key, access.restricted
    return frozenset(
        channel.type
        for channel in channels
        if user.contacts_on(channel, key, channel.labels_to_try(), restricted=restricted)
    )


def _people(world: World, access: AccessChannel, rule: Rule, page: Page) -> list[Person]:
    channels = channels_of(world, access)
    consents = _consents(world, access.key, rule, page)
    userids = [user.userid for user in page]
    logs = {
        name: world.traces.logs_between(userids, name) if userids else {}
        for name in segment_rules.logged_events(rule)
    }
    interactions: Mapping[str, Sequence[Interacted]] = {}
    if userids and segment_rules.days_of_messages(rule):
        interactions = world.traces.interactions_between(access.key, userids)
    return [
        Person(
            user,
            reached_on(user, access, channels),
            {purpose: _agreed(user, agreed) for purpose, agreed in consents.items()},
            _logs(user, logs),
            interactions.get(user.userid, ()),
        )
        for user in page
    ]


def _logs(user: User, logs: Mapping[str, Mapping[str, Log]]) -> dict[str, Log]:
    return {name: of_name[user.userid] for name, of_name in logs.items() if user.userid in of_name}


def _consents(world: World, channel_key: str, rule: Rule, page: Page) -> Consents:
    purposes = segment_rules.purposes(rule)
    contacts: dict[ChannelType, set[str]] = {}
    for user in page if purposes else ():
        for kind, contact in user.all_contacts:
            contacts.setdefault(kind, set()).add(contact)
    named: Any = {kind: sorted(of_kind) for kind, of_kind in contacts.items()}
    return {
        purpose: world.consents.agreed(channel_key, purpose, named) if named else {}
        for purpose in purposes
    }


def _agreed(user: User, agreed: Mapping[ChannelType, frozenset[str]]) -> frozenset[ChannelType]:
    return frozenset(
        kind for kind, contact in user.all_contacts if contact in agreed.get(kind, frozenset())
    )
