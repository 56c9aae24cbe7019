"""HTTP Basic credentials, checked in a time that tells nothing about which keys exist."""

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
    """Key and secret; two empty texts for what is no Basic header."""
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
    """The access channel that these belong to, whether enabled or not."""
    found = world.settings.access_channel(key) if key else None
    return found if _matches(secret, found.hashes(world.clock.now()) if found else ()) else None


def member(world: World, key: str, secret: str) -> Member | None:
    """The member that these belong to, if they may come in."""
    found = world.records.of(MEMBERS).get(key) if key else None
    is_right = _matches(secret, (found.secret_hash,) if found else ())
    return found if found and is_right and found.enabled else None


def _matches(secret: str, hashes: Sequence[str]) -> bool:
    """Every hash is compared, and one if there is none."""
    given = hashlib.sha256(secret.encode()).hexdigest()
    equal = [hmac.compare_digest(given, wanted) for wanted in hashes or (_NO_HASH,)]
    return any(equal) and bool(hashes)
