"""Suppressions of a user's contacts: reported as dead, opted out. All are safe to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Suppression, User

_CHINA = re.compile(r"(?:\+|00)?86(1\d{10})", re.ASCII)

_Of = TypeVar("_Of")
_ByType = Mapping[ChannelType, Mapping[str, _Of]]  # channel type -> contact -> suppressions


def mark_undeliverable(
    user: User, channel_type: ChannelType, contact: str, suppression: Suppression
) -> User:
    """Record that a contact was reported as dead. The first report stands until it has lapsed.

    A report of a contact that the user no longer has is ignored.
    """
    dead = user.undeliverable.get(channel_type, {})
    stands = contact in dead and not dead[contact].has_lapsed(suppression.time)
    if stands or (channel_type, contact) not in user.all_contacts:
        return user
    dead = {**dead, contact: suppression}
    return replace(user, undeliverable={**user.undeliverable, channel_type: dead})


def mark_deliverable(user: User, channel_type: ChannelType, contact: str, time: int) -> User:
    """Record that something arrived at a contact at a time after it was reported as dead."""
    dead = user.undeliverable.get(channel_type, {})
    if contact not in dead or dead[contact].time > time:
        return user
    rest = {address: suppression for address, suppression in dead.items() if address != contact}
    return replace(user, undeliverable=_with_type(user.undeliverable, channel_type, rest))


def set_opt_outs(
    user: User,
    channel_type: ChannelType,
    contact: str,
    changes: Mapping[str, Suppression | None],
) -> User:
    """Record opt-outs of a contact by channel key. None: opted in again.

    The first opt-out stands. A contact that the user no longer has is ignored.
    """
    if (channel_type, contact) not in user.all_contacts:
        return user
    by_contact = user.opt_outs.get(channel_type, {})
    old = by_contact.get(contact, {})
    new = dict(old)
    for channel_key, suppression in changes.items():
        if suppression is None:
            new.pop(channel_key, None)
        else:
            new.setdefault(channel_key, suppression)
    if new == old:
        return user
    kept = {address: outs for address, outs in {**by_contact, contact: new}.items() if outs}
    return replace(user, opt_outs=_with_type(user.opt_outs, channel_type, kept))


def _with_type(
    by_type: _ByType[_Of], channel_type: ChannelType, contacts: Mapping[str, _Of]
) -> _ByType[_Of]:
    """Replace the contacts of a channel type, which disappears when they are empty."""
    rest = {other: of for other, of in by_type.items() if other is not channel_type}
    return {**rest, channel_type: contacts} if contacts else rest


def canonical(channel_type: ChannelType, contact: str) -> str:
    """Return the one spelling of a contact, by which opt-outs are kept.

    `+86 139…`, `0086139…` and `139…` are one phone.
    """
    if channel_type is ChannelType.SMS:
        digits = re.sub(r"[\s()-]", "", contact)
        in_china = _CHINA.fullmatch(digits)
        return in_china[1] if in_china else digits.removeprefix("+")
    return contact.strip().lower() if channel_type is ChannelType.EMAIL else contact


def spellings(channel_type: ChannelType, contact: str) -> tuple[str, ...]:
    """Return the spellings in which users may have the contact."""
    plain = canonical(channel_type, contact)
    if channel_type is not ChannelType.SMS:
        return tuple(dict.fromkeys((contact, plain)))
    is_chinese_mobile = re.fullmatch(r"1\d{10}", plain, re.ASCII) is not None
    prefixes = ("+86", "86", "0086") if is_chinese_mobile else ("+",)
    return tuple(dict.fromkeys((contact, plain, *(prefix + plain for prefix in prefixes))))
