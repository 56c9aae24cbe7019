"""Records of groups and members, and the audit log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.audit import AuditEntry, month_of
from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.domain.errors import Conflict, Stale
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.third_party import (
    LIBRARIES,
    REGISTERED,
    Field,
    Keyword,
    Library,
    Registered,
    Review,
    Sort,
    Title,
    key_of,
)
from chalicelib.domain.third_party import (
    Family as TemplateFamily,
)
from chalicelib.ports import World
from tests.builders import a_channel
from tests.contracts import faults
from tests.contracts.conftest import Container

LISTS, SEGMENTS = GROUPS[Family.LIST], GROUPS[Family.SEGMENT]
NOVEMBER = 1_794_000_000_000  # 2026-11-06


def a_group(world: World, unique: str, name: str = "vip", family: Family = Family.LIST) -> Group:
    return Group(family, world.records.of(GROUPS[family]).next_number(), unique, name, "black")


def test_a_group_is_read_as_it_was_put_changed_and_deleted(
    container: Container, unique: str
) -> None:
    lists, group = container().records.of(LISTS), a_group(container(), unique)
    assert lists.get(group.number) is None
    lists.put(group)
    assert container().records.of(LISTS).get(group.number) == group
    assert container().records.of(SEGMENTS).get(group.number) != group
    after = replace(group, name="Stammkunden", version=2)
    lists.update(group, after)
    assert lists.get(group.number) == after
    for change in (lambda: lists.update(group, after), lambda: lists.delete(group)):
        with pytest.raises(Stale):
            change()
    lists.delete(after)
    assert lists.get(group.number) is None
    assert container().records.of(LISTS).list(unique) == []
    lists.put(a_group(container(), unique, "Stammkunden"))


def test_a_name_is_taken_once_in_a_family_of_an_access_channel(world: World, unique: str) -> None:
    lists = world.records.of(LISTS)
    first, other = a_group(world, unique), a_group(world, unique, "other")
    lists.put(first)
    lists.put(other)
    with pytest.raises(Conflict):
        lists.put(a_group(world, unique))
    with pytest.raises(Conflict):
        lists.update(other, replace(other, name="vip", version=2))
    lists.put(a_group(world, f"{unique}-other"))
    world.records.of(SEGMENTS).put(a_group(world, unique, family=Family.SEGMENT))


def test_groups_are_listed_in_pages_by_family_and_access_channel(world: World, unique: str) -> None:
    lists = world.records.of(LISTS)
    groups = [a_group(world, unique, f"g{n}") for n in range(3)]
    for group in (*groups, a_group(world, f"{unique}-other")):
        lists.put(group)
    world.records.of(GROUPS[Family.TAG]).put(a_group(world, unique, "s", Family.TAG))
    assert list(lists.list(unique)) == groups
    assert list(lists.list(unique, limit=2)) == groups[:2]
    assert list(lists.list(unique, after=groups[1].number, limit=2)) == groups[2:]


def test_a_member_is_read_as_it_was_put_changed_and_deleted(
    container: Container, unique: str
) -> None:
    members = container().records.of(MEMBERS)
    member = Member(unique, "陈", Role.REVIEWER, "hash", roles={"k": Role.OPERATOR})
    assert members.get(unique) is None
    members.put(member)
    assert container().records.of(MEMBERS).get(unique) == member
    with pytest.raises(Conflict):
        members.put(member)
    after = replace(
        member, name="Li", role=Role.READ_ONLY, secret_hash="other", enabled=False, version=2
    )
    members.update(member, after)
    assert members.get(unique) == after
    assert after in container().records.of(MEMBERS).list()
    for change in (lambda: members.update(member, after), lambda: members.delete(member)):
        with pytest.raises(Stale):
            change()
    members.delete(after)
    assert container().records.of(MEMBERS).get(unique) is None


def test_members_are_listed_in_pages(world: World, unique: str) -> None:
    members = world.records.of(MEMBERS)
    for n in range(3):
        members.put(Member(f"{unique}{n}", "m", Role.OPERATOR, "hash"))
    assert [m.key for m in members.list(after=f"{unique}0", limit=1)] == [f"{unique}1"]
    assert [m.key for m in members.list(after=f"{unique}1", limit=5)][:1] == [f"{unique}2"]


def test_a_write_takes_one_request_and_a_list_two(real: World, aws: Any, unique: str) -> None:
    lists, group = real.records.of(LISTS), a_group(real, unique)
    renamed = replace(group, name="Stammkunden", version=2)
    with faults.counted(aws("dynamodb")) as calls:
        lists.put(group)
        lists.update(group, renamed)
        assert lists.list(unique) == [renamed]
        lists.delete(renamed)
    transaction = "TransactWriteItems"
    assert calls == [transaction, transaction, "Query", "BatchGetItem", transaction]


def test_a_field_that_is_emptied_is_empty_when_it_is_read(
    container: Container, unique: str
) -> None:
    channels = container().records.of(DELIVERY_CHANNELS)
    before = a_channel(
        unique, ChannelType.SMS, name=unique, calls_per_second=5, price=0.045, has_templates=True
    )
    channels.put(before)
    assert container().records.of(DELIVERY_CHANNELS).get(unique) == before
    after = replace(before, calls_per_second=None, deliveries_per_day=0, price=None, version=2)
    channels.update(before, after)
    assert container().records.of(DELIVERY_CHANNELS).get(unique) == after


def test_a_third_party_template_is_read_as_it_was_put_and_changed(
    container: Container, unique: str
) -> None:
    for family, kind in REGISTERED.items():
        sort = Sort.SIGNATURE if family is TemplateFamily.SIGNATURE else Sort.NOTICE
        fields = (Field("enum1", "状态", "enum", ("已发货", "已完成")), Field("thing2"))
        before = Registered(unique, "n1", sort, "提醒", "{{thing2.DATA}}", fields, account="f")
        store = container().records.of(kind)
        store.put(before)
        assert container().records.of(kind).get(key_of(unique, "n1")) == before
        after = replace(before, is_invalid=True, review=Review.REFUSED, reason="x", version=2)
        store.update(before, after)
        assert list(container().records.of(kind).list(unique)) == [after]
        with pytest.raises(Stale):
            store.update(before, after)


def test_a_library_is_read_as_it_was_put(container: Container, unique: str) -> None:
    keywords = {"99": (Keyword(1, "物品名称", "名称", "thing"),)}
    before = Library(unique, (Title("99", "付款成功通知", True, "616"),), keywords, 7, "f")
    container().records.of(LIBRARIES).put(before)
    assert container().records.of(LIBRARIES).get(unique) == before


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
