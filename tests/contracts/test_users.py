"""Users: batch reads, guarded writes, sealed contacts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.aws.tables import table
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Suppression
from chalicelib.ports import World
from tests.builders import a_reachable_user, a_user
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container


def test_a_saved_user_is_read_as_it_was_with_the_next_version(
    container: Container, unique: str
) -> None:
    user = a_user(
        f"ann-{unique}",
        push=["r1", "r2"],
        text="+86-1",
        mail="ann@example.com",
        tags=["vip", "北京"],
    )
    assert container().users.save([user]) == frozenset()
    assert container().users.get([user.userid]) == {user.userid: replace(user, version=1)}


def test_only_users_that_exist_are_found_however_often_they_are_asked_for(
    world: World, unique: str
) -> None:
    world.users.save([a_user(f"{unique}-{n}") for n in range(130)])
    asked = [f"{unique}-{n}" for n in range(230)] * 2
    assert set(world.users.get(asked)) == {f"{unique}-{n}" for n in range(130)}
    assert world.users.get([]) == {}


def test_any_character_may_stand_in_a_user_id(world: World, unique: str) -> None:
    odd = [
        f"{unique}{c}" for c in ("#", "%", "%23", " ", "'", '"', "\\", "/", "é", "😀", "用户", "\n")
    ]
    world.users.save([a_user(userid, tags=[userid]) for userid in odd])
    assert {userid: user.tags["all"] for userid, user in world.users.get(odd).items()} == {
        userid: (userid,) for userid in odd
    }


def test_who_comes_second_is_told_and_changes_nothing(container: Container, unique: str) -> None:
    one, other = container(), container()
    one.users.save([a_user(f"{unique}-{n}", tags=["first"]) for n in range(3)])
    read = one.users.get([f"{unique}-{n}" for n in range(3)])
    other.users.save([replace(read[f"{unique}-1"], tags={"all": ("second",)})])
    assert one.users.save([replace(user, tags={"all": ("third",)}) for user in read.values()]) == {
        f"{unique}-1"
    }
    assert {u: user.tags["all"] for u, user in one.users.get(list(read)).items()} == {
        f"{unique}-0": ("third",),
        f"{unique}-1": ("second",),
        f"{unique}-2": ("third",),
    }


def test_a_new_user_does_not_replace_a_stored_one(world: World, unique: str) -> None:
    world.users.save([a_user(unique, tags=["old"])])
    assert world.users.save([a_user(unique, tags=["new"])]) == {unique}
    assert world.users.get([unique])[unique].tags == {"all": ("old",)}


def test_of_two_versions_of_a_user_in_one_save_the_first_stands_and_the_other_is_a_conflict(
    world: World, unique: str
) -> None:
    users = [a_user(unique, tags=["one"]), a_user(unique, tags=["two"]), a_user(f"{unique}-other")]
    assert world.users.save(users) == {unique}
    assert world.users.get([unique])[unique].tags == {"all": ("one",)}
    assert f"{unique}-other" in world.users.get([f"{unique}-other"])


def test_more_users_than_a_transaction_takes_are_saved(world: World, unique: str) -> None:
    users = [a_reachable_user(f"{unique}-{n:03d}") for n in range(205)]
    assert world.users.save(users) == frozenset()
    assert len(world.users.get([user.userid for user in users])) == 205


def test_users_are_walked_in_order_whoever_walks(world: World, unique: str) -> None:
    ours = {f"{unique}-{n:03d}" for n in range(60)}
    world.users.save([a_user(userid) for userid in sorted(ours)])
    ordered = sorted(ours, key=keys.position)
    assert [
        user.userid for user in world.users.scan(range(keys.BUCKETS), "", 1000, unique)
    ] == ordered
    halves = [
        world.users.scan(range(100), "", 1000, unique),
        world.users.scan(range(100, 256), "", 1000, unique),
    ]
    assert [user.userid for half in halves for user in half] == ordered


def test_without_a_prefix_everybody_is_walked(world: World, unique: str) -> None:
    at = keys.bucket(unique)
    alike = [f"{unique}{n}" for n in range(5000) if keys.bucket(f"{unique}{n}") == at][:3]
    world.users.save([a_user(userid) for userid in alike])
    position = keys.position(unique)  # those before it may be other tests'
    found = [user.userid for user in world.users.scan(range(at, at + 1), position, len(alike))]
    assert found[: len(alike)] == sorted(alike)


@pytest.mark.parametrize("limit", [1, 7, 59, 60])
def test_a_walk_goes_on_after_a_position_and_ends_with_less_than_it_could(
    world: World, unique: str, limit: int
) -> None:
    world.users.save([a_user(f"{unique}-{n:03d}") for n in range(60)])
    found: list[str] = []
    after = ""
    while True:
        some = world.users.scan(range(keys.BUCKETS), after, limit, f"{unique}-")
        found += [user.userid for user in some]
        if len(some) < limit:
            break
        after = keys.position(some[-1].userid)
    assert found == sorted((f"{unique}-{n:03d}" for n in range(60)), key=keys.position)


def test_a_prefix_finds_those_whose_id_begins_with_it(world: World, unique: str) -> None:
    ids = [f"{unique}{rest}" for rest in ("", "a", "ab", "a#", "a\U0001f600", "b", "A", "é")]
    world.users.save([a_user(userid) for userid in ids])

    def begin_with(prefix: str) -> set[str]:
        return {user.userid for user in world.users.scan(range(keys.BUCKETS), "", 100, prefix)}

    assert begin_with(unique) == set(ids)
    assert begin_with(f"{unique}a") == {
        f"{unique}{rest}" for rest in ("a", "ab", "a#", "a\U0001f600")
    }
    assert begin_with(f"{unique}c") == set()
    far = keys.position("~")  # beyond all of them in its bucket
    assert not world.users.scan(range(int(far[:3]), int(far[:3]) + 1), far, 100, f"{unique}a")


def test_a_walk_beyond_the_last_user_finds_nobody(world: World, unique: str) -> None:
    world.users.save([a_user(unique)])
    bucket = keys.bucket(unique)
    assert world.users.scan(range(bucket, bucket + 1), f"{bucket:03d}#\U0010ffff", 10) == []
    assert world.users.scan(range(bucket + 1, keys.BUCKETS), "", 10, unique) == []


def test_users_are_deleted_unless_somebody_changed_them(container: Container, unique: str) -> None:
    world = container()
    world.users.save([a_user(f"{unique}-{n}") for n in range(3)])
    read = world.users.get([f"{unique}-{n}" for n in range(3)])
    world.users.save([replace(read[f"{unique}-1"], tags={"all": ("later",)})], read)
    undeliverable = list(read.values())
    assert world.users.delete([*undeliverable, undeliverable[0]]) == {f"{unique}-1"}
    assert set(container().users.get(list(read))) == {f"{unique}-1"}
    assert f"{unique}-0" in world.users.delete([undeliverable[0]]), (
        "who is not there any more has changed"
    )
    assert world.users.delete([]) == frozenset()


def test_everything_of_a_user_comes_back(container: Container, unique: str) -> None:
    suppression = Suppression("opted", 1_700_000_000_000)
    user = replace(
        a_user(unique, push=["r1"], tags=["vip"]),
        labels={ChannelType.SMS: {"text": {"1": "13800138000", "2": "13900139000"}}},
        undeliverable={ChannelType.APP: {"r1": suppression}},
        opt_outs={ChannelType.SMS: {"13800138000": {"all": suppression, "shop": suppression}}},
        attributes={"age": 30, "city": "北京"},
        events={"order": (3, 1_700_000_000_000)},
    )
    container().users.save([user])
    assert container().users.get([unique])[unique] == replace(user, version=1)


def test_how_many_users_there_are_is_estimated(world: World, unique: str) -> None:
    world.users.save([a_user(f"{unique}-{n}") for n in range(2000)])
    assert world.users.estimate() >= 256


# -- what only AWS does


def test_contacts_cannot_be_read_in_the_table(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.users.save(
        [
            a_user(
                unique,
                push=["registration-marked"],
                text="+86-13900001111",
                mail="marked@example.com",
                tags=["vip"],
            )
        ]
    )
    key = {"bucket": {"N": str(keys.bucket(unique))}, "userid": {"S": unique}}
    raw = repr(aws("dynamodb").get_item(TableName=table("users"), Key=key)["Item"])
    assert not [word for word in ("marked", "1390000", "example.com") if word in raw]


def test_keys_that_come_back_unprocessed_are_asked_for_again(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    real.users.save([a_user(f"{unique}-{n}") for n in range(5)])
    with faults.answered(
        aws("dynamodb"),
        "BatchGetItem",
        *[lambda asked: {"Responses": {}, "UnprocessedKeys": asked["RequestItems"]}] * 2,
    ) as seen:
        assert len(real.users.get([f"{unique}-{n}" for n in range(5)])) == 5
    assert len(seen) == 3


def test_a_hundred_users_are_read_in_one_call_and_saved_in_one_per_hundred_rows(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    users = [a_reachable_user(f"{unique}-{n}") for n in range(100)]
    real.users.save([])
    with faults.counted(aws("dynamodb")) as calls:
        real.users.save(users[:1])
        calls.clear()
        real.users.save(users[1:])
        real.users.get([user.userid for user in users])
    assert calls == [*["TransactWriteItems"] * 4, "BatchGetItem"], (
        "with three contacts each, 25 users fit into a transaction"
    )


def test_new_users_are_found_by_a_cheap_reading_too(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """The first reading misses what was just written, so that those are read consistently."""
    real.users.save([a_user(f"{unique}-{n}") for n in range(3)])
    userids = [f"{unique}-{n}" for n in range(4)]
    nothing = {"Responses": {}, "UnprocessedKeys": {}}
    with faults.answered(aws("dynamodb"), "BatchGetItem", nothing) as seen:
        assert set(real.users.get(userids, fresh=False)) == set(userids[:3])
    consistent = [asked["RequestItems"][table("users")]["ConsistentRead"] for asked in seen]
    assert consistent == [False, True]


def test_throttling_is_waited_out(real: World, aws: Callable[[str], Any], unique: str) -> None:
    real.users.save([a_user(unique)])
    with faults.throttled(aws("dynamodb"), "BatchGetItem", 2) as seen:
        assert unique in real.users.get([unique])
    assert len(seen) == 3


def test_a_save_whose_answer_got_lost_is_no_conflict(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    with faults.lost_answer(aws("dynamodb"), "TransactWriteItems"):
        assert real.users.save([a_user(unique)]) == frozenset()
    assert real_container().users.get([unique])[unique].version == 1
