"""Access channels as operators change them: names, secrets, authorisations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.access_channels import ACCESS_CHANNELS, AccessChannel
from chalicelib.domain.errors import NotFound
from chalicelib.manage import delivery_channels, records
from chalicelib.manage.secrets import digest, new_key, new_secret
from chalicelib.ports import World

LONGEST_GRACE = 30 * 86400  # seconds that an old secret may still work
MAX_OLDER = 10  # secrets that work beside the newest. Of more, those that end first end now.


def add(
    world: World,
    name: str,
    *,
    restricted: bool = False,
    changes_all: bool | None = None,
    rate: int | None = None,
) -> tuple[AccessChannel, str]:
    """Add an access channel. Return its master secret too, of which only the hash is kept."""
    secret = new_secret()
    channel = AccessChannel(
        key=new_key(),
        name=name,
        secret_hashes=(digest(secret),),
        restricted=restricted,
        changes_all=changes_all,
        rate=rate,
    )
    return records.add(world, ACCESS_CHANNELS, channel), secret


def get(world: World, key: str) -> AccessChannel:
    return records.get(world, ACCESS_CHANNELS, key)


def get_at(world: World, key: str, version: int | None) -> AccessChannel:
    """Return an access channel, or raise Stale for another version. None means any version."""
    return records.get_at(world, ACCESS_CHANNELS, key, version)


def page(world: World, after: str = "", limit: int = 0) -> Sequence[AccessChannel]:
    return records.page(world, ACCESS_CHANNELS, after=after, limit=limit)


def change(
    world: World, key: str, version: int | None, changes: Mapping[str, Any]
) -> AccessChannel:
    """Change fields by name. `version` is the one that the change began from, None any."""
    before = records.get_at(world, ACCESS_CHANNELS, key, version)
    return records.update(world, ACCESS_CHANNELS, before, **changes)


def set_rule(
    world: World, key: str, version: int | None, rule: str, settings: Any
) -> AccessChannel:
    """Set what an access channel wants of a rule of sending, by its stem. None: not used."""
    before = records.get_at(world, ACCESS_CHANNELS, key, version)
    rules = {name: kept for name, kept in before.rules.items() if name != rule}
    if settings is not None:
        rules[rule] = settings
    return records.update(world, ACCESS_CHANNELS, before, rules=rules)


def rotate(
    world: World, key: str, version: int | None, grace: int
) -> tuple[AccessChannel, str, int]:
    """Make a new master secret. Return it, and until when (ms) older ones work.

    Older secrets work for `grace` seconds more, or not any more if `grace` is 0.
    """
    before = records.get_at(world, ACCESS_CHANNELS, key, version)
    now = world.clock.now()
    until = now + grace * 1000
    ends = dict.fromkeys(before.secret_hashes, until)
    for hashed, end in before.retiring.items():
        ends[hashed] = min(end, until)
    latest = sorted(((end, hashed) for hashed, end in ends.items() if now < end), reverse=True)
    retiring = {hashed: end for end, hashed in latest[:MAX_OLDER]}
    secret = new_secret()
    channel = records.update(
        world, ACCESS_CHANNELS, before, secret_hashes=(digest(secret),), retiring=retiring
    )
    return channel, secret, until


def authorise(world: World, key: str, code: str, enabled: bool | None) -> None:
    """Authorise a delivery channel and switch it on or off, or withdraw the authorisation (None).

    Raise NotFound for an access channel or a delivery channel that is not there.
    """
    if enabled is not None:
        delivery_channels.get(world, code)
    if not world.records.of(ACCESS_CHANNELS).set_entry(key, "channels", code, enabled):
        raise NotFound(ACCESS_CHANNELS.noun)
