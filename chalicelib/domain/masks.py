"""Contacts as shown to those who may not read them: enough to recognise one's own."""

from __future__ import annotations

import re

from chalicelib.domain import contacts

HIDDEN = "****"
_CONTACT = r".*@.*|.*\d{9}.*|[\d\s+().·/\u2010-\u2015-]{7,}"  # compiled at first use


def is_like_contact(text: str) -> bool:
    """Tell if a text may be a contact, wherever it stands."""
    return re.fullmatch(_CONTACT, contacts.visible(text), re.DOTALL) is not None


def masked(contact: str) -> str:
    """Mask a contact: `138****0000`, `z****@example.com`. A short contact is hidden whole."""
    name, at, domain = contact.rpartition("@")
    if at:
        return f"{name[:1]}{HIDDEN}{at}{domain}"
    return f"{contact[:3]}{HIDDEN}{contact[-4:]}" if len(contact) >= 10 else HIDDEN
