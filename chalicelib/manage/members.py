"""Members of the management API as administrators change them.

The global keys of a deployment do not count: they are changed with the deployment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.errors import Invalid, NotFound, OwnRights
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.manage import drafts, records
from chalicelib.manage.secrets import digest, new_key, new_token
from chalicelib.ports import World


def add(
    world: World, name: str, role: Role, roles: Mapping[str, Role] | None = None
) -> tuple[Member, str]:
    """Add a member. Return their secret too, of which only the hash is kept."""
    _check_roles(world, roles or {})
    secret = new_token()
    member = Member(f"m{new_key()}", name, role, digest(secret), roles=roles or {})
    return records.add(world, MEMBERS, member), secret


def _check_roles(world: World, roles: Mapping[str, Role]) -> None:
    for key in roles:
        if world.records.of(ACCESS_CHANNELS).get(key) is None:
            raise Invalid(f"roles.{key}", "there is no such access channel")


def get(world: World, key: str) -> Member:
    member = records.get(world, MEMBERS, key)
    if not member.name:  # a global key
        raise NotFound(MEMBERS.noun)
    return member


def page(world: World, after: str = "", limit: int = 0) -> Sequence[Member]:
    return records.page(world, MEMBERS, after=after, limit=limit)


def change(
    world: World, key: str, version: int | None, changes: Mapping[str, Any], by: str
) -> Member:
    """Change name, role, roles or enabled. Raise OwnRights for a member's own rights.

    So somebody is always left who can give rights back.
    """
    before = records.at_version(get(world, key), version)
    if key == by and {"role", "roles", "enabled"} & changes.keys():
        raise OwnRights("access_key")
    _check_roles(world, changes.get("roles", {}))
    return records.update(world, MEMBERS, before, **changes)


def prefer(world: World, key: str, preferences: Mapping[str, str]) -> Member:
    """Set a member's own preferences. A global key has none. Raises NotFound."""
    return records.update(world, MEMBERS, get(world, key), preferences=preferences)


def new_secret(world: World, key: str, version: int | None) -> tuple[Member, str]:
    """Make a new secret. The old one ends at once."""
    before = records.at_version(get(world, key), version)
    secret = new_token()
    return records.update(world, MEMBERS, before, secret_hash=digest(secret)), secret


def delete(world: World, key: str, version: int | None, by: str) -> None:
    member = records.at_version(get(world, key), version)
    if key == by:
        raise OwnRights("access_key")
    records.delete(world, MEMBERS, member)
    drafts.delete_of(world, key)
