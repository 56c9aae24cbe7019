"""Keys and their parts.

User ids and tags may hold almost any character, so a separator in a part is escaped.
"""

from __future__ import annotations

import base64
import hashlib
import struct

SEPARATOR = "#"
_ESCAPES = {"%": "%25", SEPARATOR: "%23"}
BUCKETS = 256


def join(*parts: str | int) -> str:
    """Join parts to a key, which `split` takes apart. Padded numbers make keys sort by them."""
    return SEPARATOR.join(_escape(part) for part in parts)


def split(key: str) -> tuple[str, ...]:
    return tuple(
        part.replace("%23", SEPARATOR).replace("%25", "%") for part in key.split(SEPARATOR)
    )


def _escape(part: str | int) -> str:
    if isinstance(part, int):
        return f"{part:06d}"
    return part.replace("%", "%25").replace(SEPARATOR, "%23")


def bucket(userid: str) -> int:
    """Return the bucket of a user: a hash, so that buckets are of one size."""
    return hashlib.sha256(userid.encode()).digest()[0]


def position(userid: str) -> str:
    """Return the position of a user in the order of scans, as text that sorts like it."""
    return f"{bucket(userid):03d}#{userid}"


_ALPHABET = "0123456789abcdefghijklmnopqrstuv"  # base32hex, lower case: sorts as the bytes do


def message_id(now: int, random: bytes) -> str:
    """Return 16 characters of [0-9a-v] that sort by time.

    They hold 48 bits of milliseconds and 32 random bits, the first four bytes of `random`.
    """
    raw = struct.pack(">Q", now)[2:] + random[:4]
    return base64.b32hexencode(raw).decode().lower()


def message_id_bytes(msgid: str) -> bytes:
    """Return the 10 bytes of a message id. Raise ValueError for anything else."""
    if len(msgid) != 16 or any(c not in _ALPHABET for c in msgid):
        raise ValueError("not a message id")
    return base64.b32hexdecode(msgid.upper())


def message_time(msgid: str) -> int:
    """Return the time (ms) at which the message was accepted."""
    return int.from_bytes(message_id_bytes(msgid)[:6], "big")
