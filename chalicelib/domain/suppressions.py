"""Suppressions of a user's contacts: reported as dead, opted out. All are safe to repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.records import Kind
from chalicelib.domain.users import Suppression, User
from chalicelib.domain.values import frozen


@frozen
class SuppressionList:
    """A note that the deployment suppresses contacts. Without it nobody looks for them."""

    version: int = 1


SUPPRESSION_LIST = Kind[SuppressionList]("suppressions", "suppression list", key=lambda note: "all")

_Of = TypeVar("_Of")
_ByType = Mapping[ChannelType, Mapping[str, _Of]]  # channel type -> contact -> suppressions


def mark_undeliverable(
    user: User, channel_type: ChannelType, contact: str, suppression: Suppression
) -> User:
    """Record that a contact was reported as dead, in every spelling.

    The first report stands until it has lapsed.

    A report of a contact that the user no longer has is ignored.
    """
    dead = user.undeliverable.get(channel_type, {})
    standing = {
        address: mark for address, mark in dead.items() if not mark.has_lapsed(suppression.time)
    }
    spelt = dict.fromkeys(user.spellings(channel_type, contact), suppression)
    marked = {**dead, **spelt, **{a: m for a, m in standing.items() if a in spelt}}
    if marked == dead:
        return user
    return replace(user, undeliverable={**user.undeliverable, channel_type: marked})


def mark_deliverable(user: User, channel_type: ChannelType, contact: str, time: int) -> User:
    """Record that something arrived at a contact at a time after it was reported as dead."""
    dead = user.undeliverable.get(channel_type, {})
    rest = {
        address: suppression
        for address, suppression in dead.items()
        if suppression.time > time or not contacts.same(channel_type, address, contact)
    }
    if rest == dead:
        return user
    return replace(user, undeliverable=_with_type(user.undeliverable, channel_type, rest))


def set_opt_outs(
    user: User,
    channel_type: ChannelType,
    contact: str,
    changes: Mapping[str, Suppression | None],
) -> User:
    """Record opt-outs of a contact by channel key, in every spelling. None: opted in again.

    The first opt-out stands. A contact that the user no longer has is ignored.
    """
    by_contact = user.opt_outs.get(channel_type, {})
    spelt = user.spellings(channel_type, contact)
    if not spelt:
        return user
    old: dict[str, Suppression] = {}
    new: dict[str, Mapping[str, Suppression]] = {}
    for address, opt_outs in by_contact.items():
        if contacts.same(channel_type, address, contact):
            old |= opt_outs
        else:
            new[address] = opt_outs
    if changed := _changed(old, changes):
        new |= dict.fromkeys(spelt, changed)
    if new == by_contact:
        return user
    return replace(user, opt_outs=_with_type(user.opt_outs, channel_type, new))


def _changed(
    old: Mapping[str, Suppression], changes: Mapping[str, Suppression | None]
) -> Mapping[str, Suppression]:
    new = dict(old)
    for channel_key, suppression in changes.items():
        if suppression is None:
            new.pop(channel_key, None)
        else:
            new.setdefault(channel_key, suppression)
    return new


def _with_type(
    by_type: _ByType[_Of], channel_type: ChannelType, of_type: Mapping[str, _Of]
) -> _ByType[_Of]:
    """Replace the contacts of a channel type, which disappears when they are empty."""
    rest = {other: of for other, of in by_type.items() if other is not channel_type}
    return {**rest, channel_type: of_type} if of_type else rest
