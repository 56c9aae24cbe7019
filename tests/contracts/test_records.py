"""Groups, members and the log of changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.audit import AuditEntry, month_of
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Member, Role
from chalicelib.ports import World
from tests.contracts.conftest import Container

NOVEMBER = 1_794_000_000_000  # 2026-11-06


def a_group(world: World, unique: str, name: str = "vip", family: Family = Family.LIST) -> Group:
    return Group(family, world.settings.next_number(family.value), unique, name, "black")


def test_a_group_is_read_as_it_was_put_changed_and_deleted(
    container: Container, unique: str
) -> None:
    world = container()
    group = a_group(world, unique)
    assert world.groups.get(Family.LIST, group.number) is None
    world.groups.put(group)
    assert container().groups.get(Family.LIST, group.number) == group
    assert container().groups.get(Family.SEGMENT, group.number) != group
    after = replace(group, name="Stammkunden", version=2)
    world.groups.update(group, after)
    assert world.groups.get(Family.LIST, group.number) == after
    for change in (lambda: world.groups.update(group, after), lambda: world.groups.delete(after)):
        with pytest.raises(Stale):
            change()
    world.groups.delete(replace(after, version=3))
    assert world.groups.get(Family.LIST, group.number) is None
    assert container().groups.list(Family.LIST, unique) == []
    world.groups.put(a_group(world, unique, "Stammkunden"))


def test_a_name_is_taken_once_in_a_family_of_an_access_channel(world: World, unique: str) -> None:
    first, other = a_group(world, unique), a_group(world, unique, "other")
    world.groups.put(first)
    world.groups.put(other)
    with pytest.raises(Conflict):
        world.groups.put(a_group(world, unique))
    with pytest.raises(Conflict):
        world.groups.update(other, replace(other, name="vip", version=2))
    world.groups.put(a_group(world, f"{unique}-other"))
    world.groups.put(a_group(world, unique, family=Family.SEGMENT))


def test_groups_are_listed_in_pages_by_family_and_access_channel(world: World, unique: str) -> None:
    groups = [a_group(world, unique, f"g{n}") for n in range(3)]
    for group in (
        *groups,
        a_group(world, f"{unique}-other"),
        a_group(world, unique, "s", Family.TAG),
    ):
        world.groups.put(group)
    assert list(world.groups.list(Family.LIST, unique)) == groups
    assert list(world.groups.list(Family.LIST, unique, 0, 2)) == groups[:2]
    assert list(world.groups.list(Family.LIST, unique, groups[1].number, 2)) == groups[2:]


def test_a_member_is_read_as_it_was_put_changed_and_deleted(
    container: Container, unique: str
) -> None:
    world = container()
    member = Member(unique, "陈", Role.REVIEWER, "hash")
    assert world.members.get(unique) is None
    world.members.put(member)
    assert container().members.get(unique) == member
    with pytest.raises(Conflict):
        world.members.put(member)
    after = replace(
        member, name="Li", role=Role.READ_ONLY, secret_hash="other", enabled=False, version=2
    )
    world.members.update(after)
    assert world.members.get(unique) == after
    assert after in container().members.list()
    for change in (lambda: world.members.update(after), lambda: world.members.delete(after)):
        with pytest.raises(Stale):
            change()
    world.members.delete(replace(after, version=3))
    assert container().members.get(unique) is None


def test_members_are_listed_in_pages(world: World, unique: str) -> None:
    for n in range(3):
        world.members.put(Member(f"{unique}{n}", "m", Role.OPERATOR, "hash"))
    assert [m.key for m in world.members.list(f"{unique}0", 1)] == [f"{unique}1"]
    assert [m.key for m in world.members.list(f"{unique}1", 5)][:1] == [f"{unique}2"]


def test_changes_are_listed_by_month_the_newest_first(container: Container, unique: str) -> None:
    world = container()
    changes = [
        AuditEntry(
            NOVEMBER + n, unique, "key", "陈", "PUT", "/admin/v1/lists/{id}", {"id": str(n)}, 200
        )
        for n in range(3)
    ]
    for change in (
        *changes,
        changes[0],
        replace(changes[0], status=500),
        replace(changes[0], time=NOVEMBER + 40 * 86_400_000),
    ):
        world.audit.write(change)
    assert month_of(NOVEMBER) == "2026-11"
    mine = [c for c in container().audit.list("2026-11") if c.suffix == unique]
    assert mine == changes[::-1], "the same again is the same, and the first stands"
    before = [c for c in world.audit.list("2026-11", changes[2].id) if c.suffix == unique]
    assert before == changes[1::-1]
    assert len(world.audit.list("2026-11", "", 1)) == 1
    assert world.audit.list("2025-01") == []
