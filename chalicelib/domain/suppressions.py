"""Marks on a user's contacts: reported as dead, opted out. All safe to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Suppression, User

_CHINA = re.compile(r"(?:\+|00)?86(1\d{10})", re.ASCII)


def mark_undeliverable(
    user: User, kind: ChannelType, contact: str, suppression: Suppression
) -> User:
    """Reported as dead; the first report stands, and one of a contact that the user has no more says nothing."""
    suppressions = user.undeliverable.get(kind, {})
    if contact in suppressions or (kind, contact) not in user.all_contacts:
        return user
    return replace(
        user, undeliverable={**user.undeliverable, kind: {**suppressions, contact: suppression}}
    )


def mark_deliverable(user: User, kind: ChannelType, contact: str, time: int) -> User:
    """Something arrived there after it was reported as dead."""
    suppressions = user.undeliverable.get(kind, {})
    if contact not in suppressions or suppressions[contact].time > time:
        return user
    kept = {each: suppression for each, suppression in suppressions.items() if each != contact}
    rest = {other: of for other, of in user.undeliverable.items() if other is not kind}
    return replace(user, undeliverable={**rest, **({kind: kept} if kept else {})})


def set_opt_outs(
    user: User, kind: ChannelType, contact: str, said: Mapping[str, Suppression | None]
) -> User:
    """By channel key: since when it is opted out; None: it is not. A contact that the user has no more is left alone."""
    if (kind, contact) not in user.all_contacts:
        return user
    by_contact = user.opt_outs.get(kind, {})
    old = by_contact.get(contact, {})
    merged = {
        **old,
        **{
            key: old.get(key, suppression) if suppression else None
            for key, suppression in said.items()
        },
    }
    new = {key: suppression for key, suppression in merged.items() if suppression is not None}
    if new == old:
        return user
    kept = {
        each: suppressions
        for each, suppressions in {**by_contact, contact: new}.items()
        if suppressions
    }
    rest = {other: of for other, of in user.opt_outs.items() if other is not kind}
    return replace(user, opt_outs={**rest, **({kind: kept} if kept else {})})


def canonical(kind: ChannelType, contact: str) -> str:
    """One spelling of a contact, by which opt-outs are kept: `+86 139…`, `0086139…` and `139…` are one phone."""
    if kind is ChannelType.SMS:
        digits = re.sub(r"[\s()-]", "", contact)
        found = _CHINA.fullmatch(digits)
        return found[1] if found else digits.removeprefix("+")
    return contact.strip().lower() if kind is ChannelType.EMAIL else contact


def spellings(kind: ChannelType, contact: str) -> tuple[str, ...]:
    """How users may have the contact."""
    one = canonical(kind, contact)
    if kind is ChannelType.SMS:
        prefixed = (
            (f"+86{one}", f"86{one}", f"0086{one}")
            if re.fullmatch(r"1\d{10}", one, re.ASCII)
            else (f"+{one}",)
        )
        return tuple(dict.fromkeys((contact, one, *prefixed)))
    return tuple(dict.fromkeys((contact, one)))
