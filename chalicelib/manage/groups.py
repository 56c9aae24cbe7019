"""Headers of groups, members of the management API, and the log of changes."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Conflict, Invalid, NotFound, OwnRights, Stale
from chalicelib.domain.groups import KINDS, Family, Group
from chalicelib.domain.members import Member, Role
from chalicelib.domain.users import ALL
from chalicelib.manage import changes as configure
from chalicelib.ports import World


def add_group(world: World, family: Family, channel_key: str, name: str, kind: str) -> Group:
    if kind not in KINDS[family]:
        raise Invalid("kind", "must be one of " + ", ".join(KINDS[family]))
    owner(world, family, channel_key)
    group = Group(family, world.settings.next_number(family.value), channel_key, name, kind)
    try:
        world.groups.put(group)
    except Conflict:
        raise configure.taken("name", f"a {family}") from None
    return group


def owner(world: World, family: Family, channel_key: str) -> str:
    """Tags may be of `all`; raises NotFound for an access channel that is not there."""
    return (
        ALL
        if family is Family.TAG and channel_key == ALL
        else configure.access_channel(world, channel_key).key
    )


def group(world: World, family: Family, number: int) -> Group:
    found = world.groups.get(family, number)
    if found is None:
        raise NotFound(f"{family}")
    return found


def rename_group(
    world: World, family: Family, number: int, version: int | None, name: str
) -> Group:
    before = configure.at_version(group(world, family, number), version)
    after = replace(before, name=name, version=before.version + 1)
    try:
        world.groups.update(before, after)
    except Stale:
        raise
    except Conflict:
        raise configure.taken("name", f"a {family}") from None
    return after


def delete_group(world: World, family: Family, number: int, version: int | None) -> None:
    before = configure.at_version(group(world, family, number), version)
    world.groups.delete(replace(before, version=before.version + 1))


def add_member(world: World, name: str, role: Role) -> tuple[Member, str]:
    """The new member and their secret, of which only the hash is kept."""
    secret = secrets.token_urlsafe(24)
    member = Member(f"m{configure.new_secret()}", name, role, configure.digest(secret))
    world.members.put(member)
    return member, secret


def member(world: World, key: str) -> Member:
    """The global keys of a deployment are none: they are changed with the deployment."""
    found = world.members.get(key)
    if found is None or not found.name:
        raise NotFound("member")
    return found


def change_member(
    world: World, key: str, version: int | None, changes: Mapping[str, Any], by: str
) -> Member:
    """`changes`: name, role, enabled. Nobody takes their own rights away, so that somebody can give them back."""
    before = configure.at_version(member(world, key), version)
    if key == by and {"role", "enabled"} & {*changes}:
        raise OwnRights("access_key")
    after = replace(before, **changes, version=before.version + 1)
    world.members.update(after)
    return after


def new_member_secret(world: World, key: str, version: int | None) -> tuple[Member, str]:
    """The old one ends at once."""
    before = configure.at_version(member(world, key), version)
    secret = secrets.token_urlsafe(24)
    after = replace(before, secret_hash=configure.digest(secret), version=before.version + 1)
    world.members.update(after)
    return after, secret


def delete_member(world: World, key: str, version: int | None, by: str) -> None:
    before = configure.at_version(member(world, key), version)
    if key == by:
        raise OwnRights("access_key")
    world.members.delete(replace(before, version=before.version + 1))
