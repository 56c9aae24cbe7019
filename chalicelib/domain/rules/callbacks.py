"""Callbacks as an access channel wants them: addresses, states, and which address a message gets.

The settings stand in `AccessChannel.rules`, with their secrets sealed. Without them, or while they
are switched off, a message has no callbacks and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from chalicelib.domain.values import frozen

STEM = "callbacks"
MAX_ADDRESSES = 5
STATES = tuple(range(9))
TO = "to"  # in the callback of a message: the id of its address


class Auth(StrEnum):
    """The proof of origin that a callback carries."""

    BASIC = "basic"  # channel key and a secret, as UMS sends them
    SIGNATURE = "signature"  # Standard Webhooks, without a secret on the wire
    BOTH = "both"


class Retries(StrEnum):
    UMS = "ums"  # three, 50 seconds apart
    LONG = "long"  # nine, within three days


@frozen
class Address:
    """An address of a receiver. Its secrets are sealed, and written in base64."""

    id: str
    url: str
    auth: Auth = Auth.BASIC
    retries: Retries = Retries.UMS
    paused: bool = False
    secret: str = field(default="", repr=False)  # of Basic
    signing: str = field(default="", repr=False)
    # the signing secret before, which signs beside the new one until a time (ms)
    retiring: str = field(default="", repr=False)
    retiring_until: int = 0


@frozen
class CallbackSettings:
    """The callbacks of an access channel. `default`: the id of an address, empty without one."""

    enabled: bool = False
    states: tuple[int, ...] = STATES
    default: str = ""
    addresses: tuple[Address, ...] = ()

    def address(self, id: str) -> Address | None:
        """Return the address of this id, or the default if the address was deleted meanwhile."""
        by_id = {address.id: address for address in self.addresses}
        return by_id.get(id) or by_id.get(self.default)

    def at(self, url: str) -> Address | None:
        return next((address for address in self.addresses if address.url == url), None)


NONE = CallbackSettings()


def read(rules: Mapping[str, Any]) -> CallbackSettings:
    """Read the settings from the rules of an access channel."""
    raw = rules.get(STEM)
    if raw is None:
        return NONE
    addresses = tuple(
        Address(**{**stored, "auth": Auth(stored["auth"]), "retries": Retries(stored["retries"])})
        for stored in raw["addresses"]
    )
    return CallbackSettings(raw["enabled"], tuple(raw["states"]), raw["default"], addresses)


def written(settings: CallbackSettings) -> dict[str, Any]:
    """Return the settings as `read` takes them."""
    addresses = [dict(vars(address)) for address in settings.addresses]
    return {
        "enabled": settings.enabled,
        "states": list(settings.states),
        "default": settings.default,
        "addresses": addresses,
    }


def chosen(rules: Mapping[str, Any], callback: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return the callback of a message with its address, or None for an unknown address.

    The callback stays as it is where callbacks are not used.
    """
    if STEM not in rules:
        return callback
    settings = read(rules)
    if not settings.enabled or not settings.addresses:
        return callback
    url = callback.get("url")
    address = settings.at(url) if url else settings.address(settings.default)
    return None if address is None else {**callback, TO: address.id}
