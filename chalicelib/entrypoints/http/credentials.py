"""HTTP Basic credentials. The time of a check does not reveal which keys exist."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Sequence

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import MEMBERS, Member
from chalicelib.ports import World

_KEY = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_NO_HASH = "0" * 64
_MAX_HEADER = 1024


def basic(header: str | None) -> tuple[str, str]:
    """Return key and secret, or two empty texts if it is not a Basic header."""
    scheme, _, encoded = (header or "")[:_MAX_HEADER].strip().partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        key, _, secret = (
            base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        )
    except ValueError:
        return "", ""
    return (key, secret) if _KEY.fullmatch(key) else ("", "")


def access_channel(world: World, key: str, secret: str) -> AccessChannel | None:
    """Return the access channel with these credentials, whether enabled or not."""
    channel = world.settings.access_channel(key) if key else None
    hashes = channel.hashes(world.clock.now()) if channel else ()
    return channel if _matches(secret, hashes) else None


def member(world: World, key: str, secret: str) -> Member | None:
    """Return the enabled member with these credentials."""
    member = world.records.of(MEMBERS).get(key) if key else None
    is_right = _matches(secret, (member.secret_hash,) if member else ())
    return member if member and is_right and member.enabled else None


def is_known(world: World, key: str) -> bool:
    """Tell if a key is that of an access channel or a member. Both reads are cached by now."""
    return bool(world.settings.access_channel(key) or world.records.of(MEMBERS).get(key))


def _matches(secret: str, hashes: Sequence[str]) -> bool:
    """Compare every hash, and a dummy if there are none, so that the time stays the same."""
    hashed = hashlib.sha256(secret.encode()).hexdigest()
    equal = [hmac.compare_digest(hashed, known) for known in hashes or (_NO_HASH,)]
    return any(equal) and bool(hashes)
