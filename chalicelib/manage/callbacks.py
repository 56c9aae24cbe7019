"""Callbacks of an access channel as operators change them: addresses, states, replays.

The settings are part of the access channel's record, so its version is theirs.
"""

from __future__ import annotations

import base64
import secrets as random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.callbacks import SIGNING_PREFIX, Batch, BatchState
from chalicelib.domain.errors import DefaultAddress, Invalid, NotFound, Taken
from chalicelib.domain.rules import callbacks
from chalicelib.domain.rules.callbacks import MAX_ADDRESSES, Address, Auth, CallbackSettings
from chalicelib.domain.values import frozen
from chalicelib.flow.callbacks import probe, replay, secrets
from chalicelib.manage import access_channels
from chalicelib.ports import World


@frozen
class Configured:
    """The callbacks of an access channel, and its version."""

    settings: CallbackSettings
    version: int


def get(world: World, key: str) -> Configured:
    channel = access_channels.get(world, key)
    return Configured(callbacks.read(channel.rules), channel.version)


def change(world: World, key: str, version: int | None, changes: Mapping[str, Any]) -> Configured:
    """Change `enabled`, `states` or `default`. Raise NotFound for an unknown default."""
    before, settings = _at(world, key, version)
    if "default" in changes:
        _known(settings, changes["default"])
    return _store(world, before, replace(settings, **changes))


def add(
    world: World, key: str, version: int | None, fields: Mapping[str, Any]
) -> tuple[Configured, Address, str]:
    """Add an address. Return its signing secret too, which is shown only once.

    The first address becomes the default.
    """
    before, settings = _at(world, key, version)
    if len(settings.addresses) >= MAX_ADDRESSES:
        reason = "an access channel has at most {most} addresses"
        raise Invalid("url", reason, most=MAX_ADDRESSES)
    signing = _new_signing_secret()
    id = random.token_hex(4)
    blank = Address(id, "", signing=secrets.seal(world, key, id, signing))
    address = _changed(world, key, settings, blank, fields)
    settings = replace(
        settings, default=settings.default or id, addresses=(*settings.addresses, address)
    )
    return _store(world, before, settings), address, signing


def change_address(
    world: World, key: str, version: int | None, id: str, changes: Mapping[str, Any]
) -> Configured:
    """Change an address, pause it, or resume it, which delivers what was held meanwhile."""
    before, settings = _at(world, key, version)
    address = _changed(world, key, settings, _known(settings, id), changes)
    configured = _store(world, before, _with(settings, address))
    if changes.get("paused") is False:  # also of one that is not paused: a repeat does no harm
        replay.release(world, key, id)
    return configured


def rotate(
    world: World, key: str, version: int | None, id: str, grace: int
) -> tuple[Configured, str]:
    """Make a new signing secret. The old one signs beside it for `grace` seconds more."""
    before, settings = _at(world, key, version)
    address, signing = _known(settings, id), _new_signing_secret()
    address = replace(
        address,
        signing=secrets.seal(world, key, id, signing),
        retiring=address.signing if grace else "",
        retiring_until=world.clock.now() + grace * 1000,
    )
    return _store(world, before, _with(settings, address)), signing


def delete(world: World, key: str, version: int | None, id: str) -> Configured:
    """Delete an address. What a pause of it has held goes to the default.

    Raise DefaultAddress for the default one.
    """
    before, settings = _at(world, key, version)
    address = _known(settings, id)
    if id == settings.default:
        raise DefaultAddress("id")
    kept = tuple(one for one in settings.addresses if one.id != id)
    configured = _store(world, before, replace(settings, addresses=kept))
    if address.paused:
        replay.release(world, key, id)
    return configured


def test(world: World, key: str, id: str) -> str:
    """Start a test of an address, and return the id of its result."""
    _known(get(world, key).settings, id)
    return probe.ask(world, key, id)


def page(
    world: World, key: str, since: str, until: str, limit: int, *, newest_first: bool = False
) -> Sequence[Batch]:
    """Return batches in the order of time, without their bodies."""
    access_channels.get(world, key)
    return world.callbacks.list(key, since, until, limit, newest_first=newest_first)


def batch(world: World, key: str, id: str) -> Batch:
    """Return a batch with its body."""
    stored = world.callbacks.get(key, id)
    if stored is None:
        raise NotFound("batch")
    return stored


def start_replay(
    world: World, key: str, since: int, until: int, states: Sequence[BatchState], address: str
) -> None:
    """Start to deliver the batches of a time range (ms) again."""
    settings = get(world, key).settings
    if address:
        _known(settings, address)
    if until <= since:
        raise Invalid("until", "must be after since")
    replay.begin(world, key, since, until, tuple(states), address)


def _at(world: World, key: str, version: int | None) -> tuple[AccessChannel, CallbackSettings]:
    before = access_channels.get_at(world, key, version)
    return before, callbacks.read(before.rules)


def _store(world: World, before: AccessChannel, settings: CallbackSettings) -> Configured:
    stored = callbacks.written(settings)
    after = access_channels.set_rule(world, before.key, before.version, callbacks.STEM, stored)
    return Configured(settings, after.version)


def _known(settings: CallbackSettings, id: str) -> Address:
    address = next((one for one in settings.addresses if one.id == id), None)
    if address is None:
        raise NotFound("callback address")
    return address


def _with(settings: CallbackSettings, address: Address) -> CallbackSettings:
    addresses = tuple(address if one.id == address.id else one for one in settings.addresses)
    return replace(settings, addresses=addresses)


def _changed(
    world: World,
    key: str,
    settings: CallbackSettings,
    before: Address,
    fields: Mapping[str, Any],
) -> Address:
    """Return an address with other fields, which are checked together."""
    values = dict(fields)
    if "secret" in values:
        secret = values.pop("secret")
        values["secret"] = secrets.seal(world, key, before.id, secret) if secret else ""
    address: Address = replace(before, **values)
    if address.url != before.url:
        reason = world.receivers.refusal(address.url)
        if reason is not None:
            raise Invalid("url", reason)
        if settings.at(address.url):
            raise Taken("url", what="a callback address of this access channel")
    if address.auth is not Auth.SIGNATURE and not address.secret:
        raise Invalid("secret", "is required for auth {auth}", auth=address.auth.value)
    return address


def _new_signing_secret() -> str:
    return SIGNING_PREFIX + base64.b64encode(random.token_bytes(32)).decode()
