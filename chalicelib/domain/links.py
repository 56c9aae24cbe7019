"""Addresses that short links may stand for."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import quote, urlsplit, urlunsplit

from chalicelib.domain.sentences import Sentence

MAX_ADDRESS = 2048  # bytes: it becomes a header of the redirect
MAX_HOST = 254  # characters

_SAFE = "!$%&'()*+,/:;=?@[]~"  # what an address may hold beside letters and digits

_HOST = re.compile(r"[^\s\\%<>\"^`{|}\[\]]+")  # a host that every browser reads the same
_MEANT = re.compile(
    r"\A(?:(?:https?|javascript|vbscript|data):|//)|[\\\x00-\x1f\x7f]", re.IGNORECASE
)


def is_meant(value: str) -> bool:
    """Return whether a value is meant as an address of the web, or looks like a harmful link.

    Other values stay as they are, without a short link. Examples are a mere word (`xxx` in UMS's
    own examples) and `t.cn/a` in an SMS. Further examples are a page of a mini-program, and the
    address of an app (`weixin://`).
    """
    return _MEANT.search(value) is not None


def uri(address: str) -> str:
    """Return an address as browsers ask for it: Chinese and blanks encoded (RFC 3987, 3.1).

    An address that cannot be one stays as it is.
    """
    if (address.isascii() and " " not in address) or not address.isprintable():
        return address
    try:
        parts = urlsplit(address)
        host = parts.netloc.encode("idna").decode() if len(parts.netloc) < MAX_HOST else ""
    except ValueError:
        return address
    path, query = (quote(part, safe=_SAFE) for part in (parts.path, parts.query))
    return urlunsplit((parts.scheme, host, path, query, ""))


def refusal(address: str) -> Sentence | None:
    """Return the reason against leading a person to this address, or None.

    An address that shows one host and leads to another is refused: a user name before the host, or
    a backslash. Private hosts are allowed. People's browsers follow the redirect in their own
    networks. This deployment never does.
    """
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in address):
        return Sentence("an address has no control characters")
    if not address.lower().startswith(("https://", "http://")):
        return Sentence("must start with http:// or https://")
    if len(address.encode()) > MAX_ADDRESS:
        return Sentence("an address has at most {most} bytes", most=MAX_ADDRESS)
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return Sentence("is no address")
    if "@" in parts.netloc:
        return Sentence("an address has no user name or password")
    return None if _HOST.fullmatch(host) else Sentence("must name a host")
