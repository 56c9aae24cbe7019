"""Logins: how members sign in to the console, and the sessions that they have open."""

from __future__ import annotations

import hashlib
import hmac
import struct
from collections.abc import Mapping
from dataclasses import field

from chalicelib.domain.records import Kind
from chalicelib.domain.values import frozen

SESSION = 12 * 3600  # seconds
MAX_SESSIONS = 10  # of a member. Of more, the oldest ends.
SHORTEST_PASSWORD, LONGEST_PASSWORD = 10, 200  # characters

TOTP_STEP = 30  # seconds (RFC 6238)
TOTP_DIGITS = 6
TOTP_DRIFT = 1  # steps by which a clock may be wrong


@frozen
class Login:
    """The login of a member, by the member's key. `password`: its hash, or empty without one."""

    key: str
    name: str  # empty for a member who signs in by key and secret only
    password: str = field(default="", repr=False)
    must_change: bool = False  # the password is one that an administrator has seen
    totp: bytes = field(default=b"", repr=False)  # the sealed secret, empty: not used
    totp_step: int = 0  # the last step whose code was used
    # hash of a token -> until when (s) the session lasts
    sessions: Mapping[str, int] = field(default_factory=dict, repr=False)
    version: int = 1


LOGINS = Kind[Login](
    "login",
    "login",
    key=lambda login: login.key,
    unique=lambda login: login.name or f"#{login.key}",
    maps=("sessions",),  # a member signs in at several places at the same time
)


def totp_code(secret: bytes, step: int) -> str:
    """Return the code of a time step (RFC 6238, with SHA-1 as all apps have it)."""
    digest = hmac.new(secret, struct.pack(">Q", step), hashlib.sha1).digest()
    offset = digest[-1] & 0x0F
    number = struct.unpack(">I", digest[offset : offset + 4])[0] & 0x7FFFFFFF
    return str(number % 10**TOTP_DIGITS).zfill(TOTP_DIGITS)


def totp_step_of(secret: bytes, code: str, now: int, after: int) -> int | None:
    """Return the time step that a code belongs to, or None for a wrong or used code.

    `now`: ms. `after`: the last step whose code was used.
    """
    current, typed = now // 1000 // TOTP_STEP, code.encode("utf-8", "replace")
    for step in range(current - TOTP_DRIFT, current + TOTP_DRIFT + 1):
        if step > after and hmac.compare_digest(totp_code(secret, step).encode(), typed):
            return step
    return None
