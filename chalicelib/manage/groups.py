"""Black- and whitelists, segments and tags as operators change them. Their users are elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain.errors import Invalid
from chalicelib.domain.groups import GROUPS, KINDS, Family, Group
from chalicelib.domain.users import ALL
from chalicelib.manage import access_channels, records
from chalicelib.ports import World


def add(world: World, family: Family, channel_key: str, name: str, kind: str) -> Group:
    if kind not in KINDS[family]:
        raise Invalid("kind", "must be one of {allowed}", allowed=tuple(KINDS[family]))
    owner(world, family, channel_key)
    number = world.records.of(GROUPS[family]).next_number()
    return records.add(world, GROUPS[family], Group(family, number, channel_key, name, kind))


def owner(world: World, family: Family, channel_key: str) -> str:
    """Return the key of the owner, which is an access channel, or `all` for tags.

    Raise NotFound for an access channel that is not there.
    """
    if family is Family.TAG and channel_key == ALL:
        return ALL
    return access_channels.get(world, channel_key).key


def get(world: World, family: Family, number: int) -> Group:
    return records.get(world, GROUPS[family], number)


def page(
    world: World, family: Family, channel_key: str, after: int = 0, limit: int = 0
) -> Sequence[Group]:
    return records.page(world, GROUPS[family], channel_key, after=after, limit=limit)


def rename(world: World, family: Family, number: int, version: int | None, name: str) -> Group:
    before = records.get_at(world, GROUPS[family], number, version)
    return records.update(world, GROUPS[family], before, name=name)


def delete(world: World, family: Family, number: int, version: int | None) -> None:
    group = records.get_at(world, GROUPS[family], number, version)
    records.delete(world, GROUPS[family], group)
