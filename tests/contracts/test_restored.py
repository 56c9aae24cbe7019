"""Lost items of a running stage come back from copies of its tables.

The emulator keeps no earlier states of a table. So the copies are made before the damage, and the
command finds them. On AWS it makes them itself.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import config
from chalicelib.domain.audit import AuditEntry
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.members import MEMBERS, Role
from chalicelib.manage import members
from chalicelib.ports import World
from infra import restore
from tests import builders
from tests.contracts.conftest import real_container

STAGE = "testrestored"
AT = datetime(2026, 11, 29, 10, tzinfo=UTC)
AFTER = int(AT.timestamp() * 1000) + 5000
LISTS = GROUPS[Family.LIST]


@pytest.fixture
def session(own_tables: None, aws: Callable[[str], Any]) -> Any:
    return SimpleNamespace(client=aws)


def filled() -> World:
    """A world with users, two lists with members, and an opt-out."""
    world = real_container()
    people = [("ann", "13800138001"), ("bob", "13800138002"), ("eve", "13800138003")]
    users = [builders.a_user(name, text=phone, tags=["vip"]) for name, phone in people]
    assert not world.users.save(users, {})
    for number in (1, 2):
        world.records.of(LISTS).put(Group(Family.LIST, number, "k", f"list {number}", "black"))
        world.audiences.change(f"list#{number:06d}", ["ann", "bob"], [])
    return world


def copied(session: Any) -> None:
    for table in restore.TABLES:
        restore._start_copy(session.client("dynamodb"), config.table_name(STAGE, table), AT)


def restored(session: Any) -> dict[str, int]:
    return restore.restore(session, STAGE, AT, poll=0.1, say=lambda text: None)


def test_what_was_deleted_comes_back_and_what_is_there_stays(session: Any) -> None:
    world = filled()
    copied(session)
    users = world.users.get(["ann", "bob"])
    world.users.delete([users["ann"]])
    lists = world.records.of(LISTS)
    lists.delete(lists.list("k")[0])
    world.audiences.change("list#000001", [], ["ann", "bob"])
    world.audiences.change("list#000002", [], ["bob"])
    changed = builders.a_user("bob", text="13900139000", tags=[], version=users["bob"].version)
    assert not world.users.save([changed], users)
    numbers = restored(session)
    assert numbers["users"] == 1
    world = real_container()
    after = world.users.get(["ann", "bob"])
    assert after["ann"] == users["ann"]
    assert after["bob"].tags == changed.tags
    assert world.audiences.users_of(ChannelType.SMS, "13800138001") == ["ann"]
    assert world.audiences.users_of(ChannelType.SMS, "13800138002") == []
    assert [group.number for group in world.records.of(LISTS).list("k")] == [1, 2]
    assert world.audiences.holds("list#000001", ["ann", "bob"]) == {"ann", "bob"}
    assert world.audiences.holds("list#000002", ["ann", "bob"]) == {"ann"}
    assert world.audiences.holds("tag#all#vip", ["ann", "bob"]) == {"ann"}


def test_who_was_erased_since_then_stays_erased(session: Any) -> None:
    world = filled()
    copied(session)
    world.users.delete([*world.users.get(["eve"]).values()])
    route = "/admin/v1/users/{userid}/erasure"
    world.audit.write(AuditEntry(AFTER, "x", "m", "Ann", "POST", route, {"userid": "eve"}, 200))
    assert restored(session)["users"] == 0
    assert world.users.get(["eve"]) == {}


def test_a_member_that_was_deleted_since_then_stays_away(session: Any) -> None:
    world = filled()
    member, _ = members.add(world, "Ann", Role.ADMINISTRATOR)
    copied(session)
    world.records.of(MEMBERS).delete(member)
    restored(session)
    assert real_container().records.of(MEMBERS).get(member.key) is None
    assert real_container().records.of(MEMBERS).list() == []


def test_a_restore_that_broke_off_is_repeated_and_the_copies_go(
    session: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    world, put = filled(), restore._put
    copied(session)
    world.users.delete([*world.users.get(["ann", "bob"]).values()])

    def breaking(*args: Any) -> int:
        monkeypatch.setattr(restore, "_put", put)
        raise KeyboardInterrupt

    monkeypatch.setattr(restore, "_put", breaking)
    with pytest.raises(KeyboardInterrupt):
        restored(session)
    assert restored(session)["users"] == 2
    assert set(real_container().users.get(["ann", "bob"])) == {"ann", "bob"}
    names = session.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in names if name.startswith(f"openums-{STAGE}-") and "-at-" in name]


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-29T10:00:00"])
def test_a_moment_needs_a_zone(session: Any, moment: str) -> None:
    with pytest.raises(SystemExit):
        restore.main(["--stage", STAGE, "--at", moment], session_of=lambda: session)
