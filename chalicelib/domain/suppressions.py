"""Marks on a user's contacts: reported as dead, opted out. All safe to repeat."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Mark, User

_CHINA = re.compile(r"(?:\+|00)?86(1\d{10})", re.ASCII)


def gone(user: User, kind: ChannelType, contact: str, mark: Mark) -> User:
    """Reported as dead; the first report stands, and one of a contact that the user has no more says nothing."""
    marks = user.gone.get(kind, {})
    if contact in marks or (kind, contact) not in user.all_contacts:
        return user
    return replace(user, gone={**user.gone, kind: {**marks, contact: mark}})


def alive(user: User, kind: ChannelType, contact: str, time: int) -> User:
    """Something arrived there after it was reported as dead."""
    marks = user.gone.get(kind, {})
    if contact not in marks or marks[contact].time > time:
        return user
    kept = {each: mark for each, mark in marks.items() if each != contact}
    rest = {other: of for other, of in user.gone.items() if other is not kind}
    return replace(user, gone={**rest, **({kind: kept} if kept else {})})


def opted(user: User, kind: ChannelType, contact: str, said: Mapping[str, Mark | None]) -> User:
    """By channel key: since when it is opted out; None: it is not. A contact that the user has no more is left alone."""
    if (kind, contact) not in user.all_contacts:
        return user
    by_contact = user.refusals.get(kind, {})
    old = by_contact.get(contact, {})
    merged = {**old, **{key: old.get(key, mark) if mark else None for key, mark in said.items()}}
    new = {key: mark for key, mark in merged.items() if mark is not None}
    if new == old:
        return user
    kept = {each: marks for each, marks in {**by_contact, contact: new}.items() if marks}
    rest = {other: of for other, of in user.refusals.items() if other is not kind}
    return replace(user, refusals={**rest, **({kind: kept} if kept else {})})


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
