"""E-mail addresses: the spelling that a server takes, and the one that tells mailboxes apart."""

from __future__ import annotations

import re
import unicodedata

# A server gets an address as it is, so characters that end a command or a list are refused. An
# address beyond ASCII needs a server with SMTPUTF8 (RFC 6531).
_LOCAL = re.compile(r"[^\x00-\x20\x7f\"(),:;<>@\[\\\]]+")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
LONGEST_LOCAL = 64  # bytes (RFC 5321 4.5.3.1.1)
LONGEST = 254  # bytes of an address (RFC 5321 4.5.3.1.3, RFC 3696 erratum 1690)
# Begins an encoded word (RFC 2047), which a header would decode.
_ENCODED = "=?"


def canonical(text: str) -> str | None:
    """Return an address with its domain by IDNA 2008 in lower case, or None for a bad one.

    The case of the local part is kept, because a server may read it.
    """
    if len(text) > LONGEST:
        return None
    local, _, domain = text.rpartition("@")
    domain = _ascii(domain)
    is_well_formed = _LOCAL.fullmatch(local) and local.isprintable() and _DOMAIN.fullmatch(domain)
    if not is_well_formed or len(local.encode("utf-8", "replace")) > LONGEST_LOCAL:
        return None
    whole = f"{local}@{domain}"
    if len(whole.encode()) > LONGEST or whole.startswith("."):
        return None
    return None if any(part in whole for part in ("..", ".@", _ENCODED)) else whole


def _ascii(domain: str) -> str:
    """Return a domain by UTS 46 and IDNA 2008, or an empty text for a bad one."""
    if domain.isascii():
        return domain.lower()
    # Comes with requests. Python's own codec turns straße.example into strasse.example.
    import idna

    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except UnicodeError:
        return ""


def identity(address: str) -> str:
    """Return the name of a mailbox. Servers tell no mailboxes apart by case alone."""
    return unicodedata.normalize("NFC", address.lower())


def older(identity: str) -> tuple[str, ...]:
    """Return the spelling by which releases before 2026-12 kept opt-outs, if it is another one."""
    local, _, domain = identity.rpartition("@")
    if "xn--" not in domain:
        return ()
    import idna

    try:
        return (f"{local}@{idna.decode(domain)}",)
    except UnicodeError:
        return ()
