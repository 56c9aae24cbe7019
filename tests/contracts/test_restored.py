"""Lost items of a running stage come back from copies of its tables.

The emulator keeps no earlier states of a table. So the copies are made before the damage, and the
command finds them. On AWS it makes them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from chalicelib import config
from chalicelib.aws import user_lists
from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.members import MEMBERS, Member, Role
from chalicelib.domain.users import Bindings, User, UserChange
from chalicelib.entrypoints.http.admin import people
from chalicelib.entrypoints.http.console.api import MemberApi
from chalicelib.flow import suppressions
from chalicelib.manage import members, users
from chalicelib.ports import Users, World
from infra import restore
from tests import builders
from tests.contracts.conftest import real_container

STAGE = "testrestored"
AT = datetime.now(UTC).replace(microsecond=0)
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


def stored(session: Any) -> dict[str, list[Any]]:
    """Return all items of the tables, in the order of their texts."""
    scan = session.client("dynamodb").scan
    names = {table: config.table_name(STAGE, table) for table in restore.TABLES}
    return {
        table: sorted(scan(TableName=name)["Items"], key=_text) for table, name in names.items()
    }


def _text(item: dict[str, Any]) -> str:
    return repr(sorted(item.items()))


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


def erase(world: World, userid: str) -> None:
    operator = Member("x", "Ann", Role.ADMINISTRATOR, "")
    MemberApi(world, operator, "en").change("POST", people.ERASURE, userid=userid)


def test_who_was_erased_since_then_stays_erased(session: Any) -> None:
    world = filled()
    copied(session)
    world.records.of(ACCESS_CHANNELS).put(builders.an_access_channel("k"))
    erase(world, "bob")
    lists = world.records.of(LISTS)
    for group in lists.list("k"):
        lists.delete(group)
    world.users.delete([*world.users.get(["ann"]).values()])
    assert restored(session)["users"] == 1
    assert set(world.users.get(["ann", "bob", "eve"])) == {"ann", "eve"}
    assert not any("bob" in _text(item) for item in stored(session)["audiences"])


def test_who_is_being_erased_when_the_function_ends_stays_erased(session: Any) -> None:
    world = filled()
    copied(session)
    with pytest.raises(Killed):
        erase(replace(world, users=_Dying(world.users)), "eve")
    assert restored(session)["users"] == 0
    assert world.users.get(["eve"]) == {}


class _Dying:
    """The stored users of a function that ends as soon as some are deleted."""

    def __init__(self, users: Users) -> None:
        self._users = users

    def __getattr__(self, name: str) -> Any:
        return getattr(self._users, name)

    def delete(self, users: Sequence[User]) -> frozenset[str]:
        self._users.delete(users)
        raise Killed


def test_who_opted_out_since_then_is_named_and_stays_away_until_uploaded(session: Any) -> None:
    world, said = filled(), list[str]()
    copied(session)
    now = int(AT.timestamp() * 1000) + 5000
    out = {"out": True, "time": now, "code": "test"}
    suppressions.set_opt_out(world, ChannelType.SMS, "13800138001", ["k"], **out)
    suppressions.set_opt_out(world, ChannelType.SMS, "13800138002", ["k"], **out | {"out": False})
    world.users.delete([*world.users.get(["ann", "bob"]).values()])
    assert restore.restore(session, STAGE, AT, poll=0.1, say=said.append)["users"] == 1
    assert said[0].startswith("ann has opted out since then")
    assert set(world.users.get(["ann", "bob"])) == {"bob"}
    assert world.audiences.holds("tag#all#vip", ["ann"]) == frozenset()
    bound = Bindings({ChannelType.SMS: {"all": ("13800138001",)}})
    assert not users.change(world, [UserChange("ann", set=bound)])
    assert "k" in world.users.get(["ann"])["ann"].opt_outs[ChannelType.SMS]["13800138001"]


def test_who_opted_out_before_then_and_was_told_of_since_then_stays_away(session: Any) -> None:
    """Providers tell replies and complaints late, with the time at which people wrote them."""
    world, time = filled(), int(AT.timestamp() * 1000) - 3_600_000
    out = {"out": True, "time": time, "code": "reply"}
    suppressions.set_opt_out(world, ChannelType.SMS, "13800138002", ["k"], **out)
    copied(session)
    for phone in ("13800138001", "13800138002"):
        suppressions.set_opt_out(world, ChannelType.SMS, phone, ["k"], **out)
    world.users.delete([*world.users.get(["ann", "bob", "eve"]).values()])
    assert restored(session)["users"] == 2
    there = world.users.get(["ann", "bob", "eve"])
    assert set(there) == {"bob", "eve"}
    assert "k" in there["bob"].opt_outs[ChannelType.SMS]["13800138002"]


class Acting:
    """A client of DynamoDB beside which something happens before the first write to a table."""

    def __init__(self, client: Any, table: str, act: Callable[[], None]) -> None:
        self._client, self._table, self._act = client, table, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        if request["TableName"] == self._table:
            self._table = ""
            self._act()
        return self._client.put_item(**request)


@pytest.mark.parametrize("table", ["audiences", "users"])
@pytest.mark.parametrize("is_uploaded", [False, True])
def test_who_opts_out_while_others_are_put_back_stays_away_until_uploaded(
    session: Any, table: str, is_uploaded: bool
) -> None:
    world = filled()
    copied(session)
    world.users.delete([*world.users.get(["ann", "bob"]).values()])

    def opt_out() -> None:
        out = {"out": True, "time": world.clock.now(), "code": "one_click"}
        suppressions.set_opt_out(world, ChannelType.SMS, "13800138001", ["k"], **out)
        if is_uploaded:
            bound = Bindings({ChannelType.SMS: {"all": ("13800138001",)}})
            assert not users.change(world, [UserChange("ann", set=bound)])

    acting = Acting(session.client("dynamodb"), config.table_name(STAGE, table), opt_out)
    restored(SimpleNamespace(client=lambda _: acting))
    there = world.users.get(["ann", "bob"])
    assert set(there) == ({"ann", "bob"} if is_uploaded else {"bob"})
    assert not is_uploaded or "k" in there["ann"].opt_outs[ChannelType.SMS]["13800138001"]


def test_a_member_that_was_deleted_since_then_stays_away(session: Any) -> None:
    world = filled()
    member, _ = members.add(world, "Ann", Role.ADMINISTRATOR)
    copied(session)
    world.records.of(MEMBERS).delete(member)
    restored(session)
    assert real_container().records.of(MEMBERS).get(member.key) is None
    assert real_container().records.of(MEMBERS).list() == []


class Killed(BaseException):
    """Ends a run as a lost connection or ctrl-C does."""


class Dying:
    """A client of DynamoDB whose process ends after a number of writes."""

    def __init__(self, client: Any, writes: int) -> None:
        self._client, self._left = client, writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def put_item(self, **request: Any) -> Any:
        answer = self._client.put_item(**request)
        self._left -= 1
        if not self._left:
            raise Killed
        return answer


def ends_after_a_write(session: Any) -> bool:
    """Restore until the first write is made. Tell if there was one."""
    dying = Dying(session.client("dynamodb"), writes=1)
    try:
        restored(SimpleNamespace(client=lambda _: dying))
    except Killed:
        return True
    return False


def test_a_restore_that_breaks_off_after_each_write_ends_as_one_that_does_not(session: Any) -> None:
    world = filled()
    copied(session)
    before = stored(session)
    world.users.delete([*world.users.get(["ann", "bob", "eve"]).values()])
    for group in world.records.of(LISTS).list("k"):
        world.records.of(LISTS).delete(group)
        world.audiences.change(f"list#{group.number:06d}", [], ["ann", "bob"])
    lost = sum(map(len, before.values())) - sum(map(len, stored(session).values()))
    assert lost > 15
    for _ in range(lost):
        assert ends_after_a_write(session)
    assert stored(session) == before
    assert not ends_after_a_write(session)
    names = session.client("dynamodb").list_tables()["TableNames"]
    assert not [name for name in names if name.startswith(f"openums-{STAGE}-") and "-at-" in name]


def test_a_user_is_there_only_when_all_rows_that_lead_to_it_are(session: Any) -> None:
    world = filled()
    copied(session)
    world.users.delete([*world.users.get(["ann"]).values()])
    while not world.users.get(["ann"]):
        assert ends_after_a_write(session)
    assert world.audiences.users_of(ChannelType.SMS, "13800138001") == ["ann"]
    assert world.audiences.holds("tag#all#vip", ["ann"]) == {"ann"}


def test_each_copy_is_scanned_once(session: Any) -> None:
    filled()
    copied(session)
    scanned: list[str] = []
    client = session.client("dynamodb")
    note = lambda params, **_: scanned.append(params["TableName"])  # noqa: E731
    client.meta.events.register("provide-client-params.dynamodb.Scan", note)
    restored(session)
    client.meta.events.unregister("provide-client-params.dynamodb.Scan", note)
    names = [config.table_name(STAGE, table) for table in restore.TABLES]
    assert sorted(scanned) == sorted(restore.copy_of(name, AT) for name in names)


def test_a_user_of_before_the_index_of_ids_comes_back_into_it(session: Any) -> None:
    world = filled()
    table = config.table_name(STAGE, "users")
    session.client("dynamodb").update_item(
        TableName=table, Key=restore._key_of("ann"), UpdateExpression="REMOVE part"
    )
    copied(session)
    world.users.delete([*world.users.get(["ann"]).values()])
    restored(session)
    assert user_lists.beginning_with("a", "", 10) == ["ann"]


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-29T10:00:00"])
def test_a_moment_needs_a_zone(session: Any, moment: str) -> None:
    with pytest.raises(SystemExit):
        restore.main(["--stage", STAGE, "--at", moment], session_of=lambda: session)
