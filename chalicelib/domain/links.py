"""Addresses that short links may stand for."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

MAX_ADDRESS = 2048  # bytes: it becomes a header of the redirect

_HOST = re.compile(r"[^\s\\%<>\"^`{|}\[\]]+")  # what every browser reads as the same host
_MEANT = re.compile(
    r"\A(?:(?:https?|javascript|vbscript|data):|//)|[\\\x00-\x1f\x7f]", re.IGNORECASE
)


def is_meant(value: str) -> bool:
    """Whether a value wants to be an address of the web, or what no link should be.

    Others stay as they are, without a short link: a mere word, such as `xxx` in UMS's own examples, `t.cn/a` in an SMS, a page of a
    mini-program, what opens an app (`weixin://`).
    """
    return _MEANT.search(value) is not None


def refusal(address: str) -> str | None:
    """Why a person cannot be led to this address; None where it is one.

    What would show one host and lead to another (a user name before the host, a backslash) is none. Private hosts are: the redirect is
    followed by people's browsers, in their own networks, and never by us.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in address):
        return "an address has no control characters"
    if not address.lower().startswith(("https://", "http://")):
        return "must start with http:// or https://"
    if len(address.encode()) > MAX_ADDRESS:
        return f"an address has at most {MAX_ADDRESS} bytes"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no address"
    if "@" in parts.netloc:
        return "an address has no user name or password"
    return None if _HOST.fullmatch(host) else "must name a host"
