"""Refusals of a whole call because of some of its recipients, which vendors name or do not name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from chalicelib.domain.provider_io import Loss, Outcome

# Vendors write an id between blanks, brackets, quotes or commas.
_WORD = re.compile(r"[A-Za-z0-9_.@+-]+", re.ASCII)


def refused(
    contacts: Sequence[str],
    lost: Outcome,
    names: Collection[str] = (),
) -> Sequence[Outcome]:
    """Return the outcomes of a call of which the vendor surely sent nothing.

    `lost` is the outcome of whoever is named, and of a contact that is alone in the call. The flow
    sends the others again, without them (flow/delivery/refusals.py).
    """
    if len(set(contacts)) == 1:
        return [lost] * len(contacts)
    others = Outcome(code=lost.code, later=True, together=True)
    return [lost if contact in names else others for contact in contacts]


def invalid(code: str, *, undeliverable: bool = False) -> Outcome:
    return Outcome(Loss.INVALID_TARGET, code, undeliverable=undeliverable)


def named(text: object, contacts: Iterable[str]) -> frozenset[str]:
    """Return the contacts that stand as a word of their own in a vendor's text.

    Some vendors write an id in lower case.
    """
    words = {word.strip(".-") for word in _WORD.findall(text)} if isinstance(text, str) else set()
    return frozenset(contact for contact in contacts if not words.isdisjoint(_forms(contact)))


def _forms(contact: str) -> tuple[str, str]:
    return contact, contact.lower()
