"""Changes of access channels. Raises Stale when somebody else was faster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.manage import changes as configure
from chalicelib.ports import World

LONGEST_GRACE = 30 * 86400  # seconds that an old secret may still work
MAX_OLDER = 10  # secrets that work beside the newest; of more, those that would end first end now


def change(
    world: World, key: str, version: int | None, changes: Mapping[str, Any]
) -> AccessChannel:
    """`changes` are fields by name; `version` is the one that the change began from, None: any."""
    return _write(
        world, configure.at_version(configure.access_channel(world, key), version), **changes
    )


def rotate(
    world: World, key: str, version: int | None, grace: int
) -> tuple[AccessChannel, str, int]:
    """A new master secret, shown this once. Older ones work for `grace` seconds more; 0 ends them all. Until when (ms) they do."""
    before = configure.at_version(configure.access_channel(world, key), version)
    now = world.clock.now()
    until = now + grace * 1000
    older = {
        **dict.fromkeys(before.secret_hashes, until),
        **{h: min(t, until) for h, t in before.retiring.items()},
    }
    secret = configure.new_secret()
    latest = sorted(((end, hashed) for hashed, end in older.items() if now < end), reverse=True)[
        :MAX_OLDER
    ]
    retiring = {hashed: end for end, hashed in latest}
    return (
        _write(world, before, secret_hashes=(configure.digest(secret),), retiring=retiring),
        secret,
        until,
    )


def _write(world: World, before: AccessChannel, **changes: Any) -> AccessChannel:
    after = replace(before, **changes, version=before.version + 1)
    try:
        world.settings.update_access_channel(before, after)
    except Stale:
        raise
    except Conflict:
        raise configure.taken("name", "an access channel") from None
    return after
