"""The address to which a mail comes back: with the delivery's reference in it (VERP)."""

from __future__ import annotations

from chalicelib.domain.sentences import Sentence
from chalicelib.providers.email import mail

# RFC 5321 4.5.3.1.1: 64 characters before the @, of which `+` and a reference take 41.
_LONGEST = 23
REASON = Sentence(
    "must be an e-mail address with at most {most} characters before the @", most=_LONGEST
)


def is_return_path(contact: str) -> bool:
    address = mail.address(contact)
    if address is None or mail.needs_utf8(address):
        return False
    return len(address.rpartition("@")[0]) <= _LONGEST


def sender(return_path: str, reference: str) -> str:
    """Return the envelope's sender, or an empty text without a return path.

    `bounces@corp.example` becomes `bounces+<reference>@corp.example`, which most mail servers put
    into the mailbox `bounces`.
    """
    if not return_path:
        return ""
    local, _, domain = (mail.address(return_path) or "").rpartition("@")
    return f"{local}+{reference}@{domain}" if reference else f"{local}@{domain}"
