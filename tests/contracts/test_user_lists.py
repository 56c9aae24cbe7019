"""Lists of users for people: in pages, each user once, and by the beginning of their ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.aws import user_lists
from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.ports import World
from tests.builders import a_user
from tests.contracts import faults


def test_every_user_is_listed_once_in_pages(world: World, unique: str) -> None:
    ids = {f"{unique}-{n}" for n in range(30)}
    assert not world.users.save([a_user(userid, text="13800000000") for userid in ids])
    listed, after = list[str](), ""
    while page := world.users.listed(after, 7):
        listed += [user.userid for user in page]
        after = listed[-1]
    assert len(set(listed)) == len(listed)
    assert ids <= set(listed)


def test_users_are_found_by_the_beginning_of_their_ids_in_order(world: World, unique: str) -> None:
    ids = sorted(f"{unique}{name}" for name in ("a", "a1", "a2", "ab", "b", "￥", "a#1"))
    others = [f"x{unique}a", unique[:-1] or "y"]
    assert not world.users.save([a_user(userid, text="1380000") for userid in (*ids, *others)])
    beginning = [user.userid for user in world.users.listed("", 100, unique)]
    assert beginning == ids
    with_a = [userid for userid in ids if userid.startswith(f"{unique}a")]
    first = [user.userid for user in world.users.listed("", 3, f"{unique}a")]
    rest = [user.userid for user in world.users.listed(first[-1], 100, f"{unique}a")]
    assert (first, first + rest) == (with_a[:3], with_a)
    assert world.users.listed("", 10, f"{unique}nobody") == []
    gone = world.users.get([ids[0]])[ids[0]]
    assert not world.users.delete([gone])
    assert [user.userid for user in world.users.listed("", 100, unique)] == ids[1:]


def without_parts(aws: Callable[[str], Any]) -> None:
    """Leave users as a release stored them that had no list by the beginning of ids."""
    for item in aws("dynamodb").scan(TableName=table("users"))["Items"]:
        key = {name: item[name] for name in ("bucket", "userid")}
        aws("dynamodb").update_item(
            TableName=table("users"), Key=key, UpdateExpression="REMOVE part"
        )


def filled(aws: Callable[[str], Any], limit: int) -> int:
    added, after = user_lists.fill_parts(aws("dynamodb"), table("users"), limit=limit)
    calls = 1
    while after:
        some, after = user_lists.fill_parts(aws("dynamodb"), table("users"), after, limit)
        added, calls = added + some, calls + 1
        assert some <= limit
        assert calls < 20
    return added


@pytest.mark.usefixtures("own_tables")
def test_users_of_older_releases_come_into_the_list_in_bounded_steps(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    ids = sorted(f"{unique}-{n}" for n in range(9))
    users = [a_user(userid, text="13800000000") for userid in ids]
    assert not real.users.save(users[:7])
    without_parts(aws)
    assert not real.users.save(users[7:])
    assert [user.userid for user in real.users.listed("", 100, unique)] == ids[7:]
    assert filled(aws, 3) == 7
    assert [user.userid for user in real.users.listed("", 100, unique)] == ids
    assert filled(aws, 100) == 0
    stored = real.users.get(ids)
    assert not real.users.save(list(stored.values()), stored)


@pytest.mark.usefixtures("own_tables")
def test_a_user_who_is_deleted_meanwhile_is_not_brought_back(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    assert not real.users.save([a_user(unique, text="13800000000")])
    without_parts(aws)
    (user,) = real.users.get([unique]).values()

    def delete() -> None:
        assert not real.users.delete([user])

    with faults.meanwhile(aws("dynamodb"), "UpdateItem", delete):
        assert user_lists.fill_parts(aws("dynamodb"), table("users"))[0] == 0
    assert aws("dynamodb").scan(TableName=table("users"))["Items"] == []


def test_a_page_is_full_although_the_index_still_names_users_who_are_gone(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """A page that is short is the last one, so it must not be short before the end."""
    ids = sorted(f"{unique}-{n}" for n in range(8))
    assert not real.users.save([a_user(userid, text="13800000000") for userid in ids])
    stored = real.users.get(ids)

    def delete() -> None:
        assert not real.users.delete([stored[userid] for userid in ids[:5]])

    with faults.meanwhile(aws("dynamodb"), "BatchGetItem", delete):
        assert [user.userid for user in real.users.listed("", 2, unique)] == ids[5:7]


def test_no_list_of_users_ends_where_an_answer_is_cut(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    ids = sorted((f"{unique}-{n}" for n in range(5)), key=keys.position)
    assert not real.users.save([a_user(userid, text="13800000000") for userid in ids])
    with faults.short_pages(aws("dynamodb"), "Query", "Scan"):
        assert [user.userid for user in real.users.listed("", 4, unique)] == sorted(ids)[:4]
        for limit in (3, 5):
            scanned = real.users.scan(range(keys.BUCKETS), "", limit, unique)
            assert [user.userid for user in scanned] == ids[:limit]
        assert len(real.users.listed("", 5)) == 5
