"""Contacts: their canonical spelling, and their identity, by channel type.

A request's contacts get their canonical spelling, and are stored and sent so. Two contacts are one
if their identities are equal. Users, opt-outs, suppressions, targets and receipts are matched by
identity, so contacts that were stored in other spellings match, too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from chalicelib.domain import mailboxes, phones
from chalicelib.domain.delivery_channels import ChannelType

LONGEST = 1000  # characters: what is longer is not read, whatever it is
# An id of a vendor is opaque: visible characters of ASCII.
_ID = re.compile(r"[\x21-\x7e]{1,256}")
_LINKED = re.compile(r"(?:[\x21-\x2e\x30-\x7e]+/)?[\x21-\x2e\x30-\x7e]+")
# Characters beside the category Cf that show nothing: Default_Ignorable_Code_Point of Unicode 16,
# and the blank of braille.
_HIDDEN = (  # compiled with the first contact beyond ASCII
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\U000e0100-\U000e01ef]"
)
_HALF_WIDTH = {0xFF01 + n: 0x21 + n for n in range(94)}


def visible(text: str) -> str:
    """Return a text without what nobody sees, in NFC, and with ASCII for its full-width forms."""
    if text.isascii():
        return text.strip()
    shown = "".join(c for c in re.sub(_HIDDEN, "", text) if unicodedata.category(c) != "Cf")
    return unicodedata.normalize("NFC", shown.translate(_HALF_WIDTH)).strip()


def canonical(channel_type: ChannelType, text: str) -> str | None:
    """Return a contact as it is stored and sent, or None if nobody can have it."""
    if len(text) > LONGEST:
        return None
    shown = visible(text)
    if channel_type is ChannelType.SMS:
        return phones.canonical(shown)
    if channel_type is ChannelType.EMAIL:
        return mailboxes.canonical(shown)
    if channel_type is ChannelType.WECHATWK_LINKEDCORP and not _LINKED.fullmatch(shown):
        return None
    return shown if _ID.fullmatch(shown) else None


def spelt(channel_type: ChannelType, text: str) -> str:
    """Return the canonical spelling, or what is visible of a text that nobody can have."""
    return canonical(channel_type, text) or visible(text)


def identity(channel_type: ChannelType, text: str) -> str:
    """Return the same text for every spelling of one contact.

    The case of e-mail addresses and of WeCom's userids does not matter, all others' does.
    """
    contact = spelt(channel_type, text)
    if channel_type is ChannelType.EMAIL:
        return mailboxes.identity(contact)
    if channel_type is ChannelType.WECHATWK:
        # https://developer.work.weixin.qq.com/document/path/90195: unique whatever their case.
        return contact.lower()
    if channel_type is ChannelType.WECHATWK_LINKEDCORP:
        corporation, slash, userid = contact.rpartition("/")
        return f"{corporation}{slash}{userid.lower()}"
    return contact


def same(channel_type: ChannelType, first: str, second: str) -> bool:
    return first == second or identity(channel_type, first) == identity(channel_type, second)


def distinct(channel_type: ChannelType, texts: Iterable[str]) -> tuple[str, ...]:
    """Return the canonical spellings of contacts, each contact once."""
    by_identity: dict[str, str] = {}
    for text in texts:
        by_identity.setdefault(identity(channel_type, text), spelt(channel_type, text))
    return tuple(by_identity.values())


def opt_out_names(channel_type: ChannelType, contact: str) -> tuple[str, ...]:
    """Return the names under which opt-outs of a contact are kept. New ones are under the first.

    The others are those of earlier releases. Most contacts have only one name.
    """
    name = identity(channel_type, contact)
    if channel_type is ChannelType.SMS:
        return (name, *phones.older(name))
    return (name, *mailboxes.older(name)) if channel_type is ChannelType.EMAIL else (name,)


def owner_names(channel_type: ChannelType, contact: str) -> tuple[str, ...]:
    """Return the names under which users of a contact are found. New ones are under the first.

    The others are the spellings in which earlier releases may have stored it.
    """
    names = opt_out_names(channel_type, contact)
    more = phones.prefixed(names[0]) if channel_type is ChannelType.SMS else ()
    return tuple(dict.fromkeys((*names, contact, spelt(channel_type, contact), *more)))
