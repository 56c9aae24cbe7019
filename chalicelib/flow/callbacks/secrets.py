"""Secrets of addresses, sealed and written in base64, and the headers that they make."""

from __future__ import annotations

import base64
from collections.abc import Mapping

from chalicelib.domain import keys
from chalicelib.domain.callbacks import signature
from chalicelib.domain.rules.callbacks import Address, Auth
from chalicelib.ports import World


def seal(world: World, channel_key: str, address: str, secret: str) -> str:
    sealed = world.vault.seal(secret.encode(), _context(channel_key, address))
    return base64.b64encode(sealed).decode()


def headers(
    world: World, channel_key: str, address: Address, id: str, body: bytes
) -> Mapping[str, str]:
    """Return the headers that prove the origin of a request, as its address wants them."""
    proofs: dict[str, str] = {}
    if address.auth is not Auth.SIGNATURE:
        credentials = f"{channel_key}:{_open(world, channel_key, address.id, address.secret)}"
        encoded = base64.b64encode(credentials.encode()).decode()
        proofs["authorization"] = f"Basic {encoded}"
    if address.auth is not Auth.BASIC:
        seconds = world.clock.now() // 1000
        proofs["webhook-id"] = id
        proofs["webhook-timestamp"] = str(seconds)
        secrets = _signing(world, channel_key, address)
        proofs["webhook-signature"] = signature(secrets, id, seconds, body)
    return proofs


def _signing(world: World, channel_key: str, address: Address) -> list[str]:
    """Return the signing secrets, the newest first."""
    sealed = [address.signing]
    if address.retiring and world.clock.now() < address.retiring_until:
        sealed.append(address.retiring)
    return [_open(world, channel_key, address.id, text) for text in sealed]


def _open(world: World, channel_key: str, address: str, sealed: str) -> str:
    plain = world.vault.open(base64.b64decode(sealed), _context(channel_key, address))
    return plain.decode()


def _context(channel_key: str, address: str) -> str:
    return keys.join("callback-secret", channel_key, address)
