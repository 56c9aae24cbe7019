"""Find anything by a text: a message, a user, a contact, or the name of what is configured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from chalicelib.domain import contacts, phones
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.strategies import STRATEGIES
from chalicelib.ports import World

MOST = 10  # of a group
NAMES = 200  # of a kind that are looked through
_MSGID = re.compile(r"[0-9a-v]{16}", re.ASCII)
LEAST = 6  # characters of a telephone number that is searched for
_ID = re.compile(r"[!-~]{16,128}", re.ASCII)
_USERID = re.compile(r"[!-~]{1,64}", re.ASCII)


class Message(NamedTuple):
    msgid: str
    channel_key: str
    name: str
    accepted: int


class Named(NamedTuple):
    """Something that is configured. `channel_key` is empty for what is not of one."""

    kind: str
    id: str
    name: str
    channel_key: str = ""


def message(world: World, text: str, channel_key: str = "") -> list[Message]:
    """Return the message with this id, of an access channel or of any."""
    sent = world.messages.get(text) if _MSGID.fullmatch(text) else None
    if sent is None or channel_key not in ("", sent.channel_key):
        return []
    ending = world.messages.ending(text)
    is_deleted = ending is not None and ending.is_deleted
    return [] if is_deleted else [Message(text, sent.channel_key, sent.name, sent.accepted)]


def users(world: World, text: str) -> list[str]:
    """Return users whose id begins with a text."""
    if not _USERID.fullmatch(text):
        return []
    return [user.userid for user in world.users.listed("", MOST, text)]


def kinds_of(text: str) -> Sequence[ChannelType]:
    """Return the channel types on which a text may be a whole contact, by its shape.

    A contact is known in every spelling in which a send would know it.
    """
    shown = contacts.visible(text)
    if "@" in shown:
        return (ChannelType.EMAIL,)
    if len(shown) >= LEAST and phones.canonical(shown) is not None:
        return (ChannelType.SMS,)
    is_id = _ID.fullmatch(shown) is not None and not _MSGID.fullmatch(shown)
    return (ChannelType.APP, ChannelType.WECHATOA) if is_id else ()


def with_contact(world: World, kind: ChannelType, contact: str) -> list[str]:
    """Return users who have exactly this contact."""
    return sorted(world.audiences.users_of(kind, contact))[:MOST]


def named(world: World, text: str, channel_key: str) -> list[Named]:
    """Return what an access channel has whose name has the text, without regard to case."""
    words = text.casefold()
    found = (each for each in _of_channel(world, channel_key) if words in each.name.casefold())
    return _few(found)


def access_channels(world: World, text: str) -> list[Named]:
    words = text.casefold()
    listed = world.records.of(ACCESS_CHANNELS).all()
    return _few(
        Named("access_channel", channel.key, channel.name, channel.key)
        for channel in listed
        if words in channel.name.casefold() or words == channel.key
    )


def _of_channel(world: World, key: str) -> Iterator[Named]:
    for template in world.templates.list(key, limit=NAMES):
        yield Named("template", str(template.number), template.name, key)
    for entry in world.records.of(STRATEGIES).list(key, limit=NAMES):
        yield Named("strategy", str(entry.number), entry.name, key)
    for family in (Family.SEGMENT, Family.LIST):
        for group in world.records.of(GROUPS[family]).list(key, limit=NAMES):
            kind = f"{group.kind}list" if family is Family.LIST else family.value
            yield Named(kind, str(group.number), group.name, key)


def _few(found: Iterator[Named]) -> list[Named]:
    by_kind: dict[str, list[Named]] = {}
    for each in found:
        of_kind = by_kind.setdefault(each.kind, [])
        if len(of_kind) < MOST:
            of_kind.append(each)
    return [each for of_kind in by_kind.values() for each in of_kind]
