"""Sets of users: of a tag, a segment, a list, a contact. Partitions scan them in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from chalicelib.aws.audiences import GROUP
from chalicelib.domain import audiences, keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from chalicelib.ports import World
from tests.builders import a_user
from tests.contracts import faults
from tests.contracts.audiences import EVERYWHERE
from tests.contracts.conftest import Container


def all_of(
    world: World, sets: Sequence[str], buckets: range = EVERYWHERE, limit: int = 100
) -> list[str]:
    """Page by page, as a walker goes."""
    found: list[str] = []
    after = ""
    while True:
        some = world.audiences.scan(sets, buckets, after, limit)
        found += some
        if len(some) < limit:
            return found
        after = keys.position(some[-1])


def in_order(userids: Sequence[str]) -> list[str]:
    return sorted(userids, key=keys.position)


def change(world: World, user: User, **changes: Any) -> User:
    """Saved as whoever read it first would."""
    before = world.users.get([user.userid])
    world.users.save([replace(before.get(user.userid, user), **changes)], before)
    return world.users.get([user.userid])[user.userid]


@pytest.mark.parametrize("limit", [1, 99, 1000, 5000])
def test_members_come_once_and_in_order_whatever_a_page_holds(
    world: World, number: int, limit: int
) -> None:
    count = 60 if limit == 1 else 2500
    members = [f"u{n}" for n in range(count)]
    world.audiences.change(audiences.segment(number), members)
    assert all_of(world, [audiences.segment(number)], limit=limit) == in_order(members)


def test_the_union_of_sets_has_everybody_once(world: World, number: int, unique: str) -> None:
    segment, listing = audiences.segment(number), audiences.listing(number)
    world.audiences.change(segment, [f"{unique}-{n}" for n in range(60)])
    world.audiences.change(listing, [f"{unique}-{n}" for n in range(40, 100)])
    world.users.save([a_user(f"{unique}-{n}", tags=[unique]) for n in range(90, 120)])
    sets = [segment, listing, audiences.tag("all", unique), segment, audiences.segment(number + 1)]
    for limit in (1, 7, 120, 121):
        assert all_of(world, sets, limit=limit) == in_order([f"{unique}-{n}" for n in range(120)])
    assert all_of(world, []) == []


@pytest.mark.parametrize("partitions", [1, 2, 3, 8, 100, 256])
def test_partitions_share_the_buckets_and_meet_everybody_once(
    world: World, number: int, partitions: int
) -> None:
    members = [f"u{n}" for n in range(600)]
    world.audiences.change(audiences.segment(number), members)
    audience = audiences.Audience(
        audiences.AudienceKind.SETS, (audiences.segment(number),), partitions
    )
    found = [
        all_of(world, audience.sets, audience.buckets(partition), 50)
        for partition in range(partitions)
    ]
    assert [userid for each in found for userid in each] == in_order(members)
    for partition, mine in enumerate(found):
        assert {audience.partition_of(userid) for userid in mine} <= {partition}


def test_a_walk_goes_on_across_the_borders_of_buckets_and_groups(world: World, number: int) -> None:
    by_bucket: dict[int, str] = {}
    for n in range(20_000):
        by_bucket.setdefault(keys.bucket(f"u{n}"), f"u{n}")
    edges = [
        bucket for group in range(0, keys.BUCKETS, GROUP) for bucket in (group, group + GROUP - 1)
    ]
    members = [by_bucket[bucket] for bucket in edges]
    name = audiences.segment(number)
    world.audiences.change(name, members)
    assert all_of(world, [name], limit=1) == members
    for place, bucket in enumerate(edges):
        assert world.audiences.scan([name], range(bucket, keys.BUCKETS), "", 100) == members[place:]
        assert world.audiences.scan([name], range(bucket + 1), "", 100) == members[: place + 1]
        assert (
            world.audiences.scan([name], EVERYWHERE, keys.position(members[place]), 100)
            == members[place + 1 :]
        )
        assert world.audiences.scan([name], EVERYWHERE, f"{bucket:03d}", 100) == members[place:]


def test_who_joins_or_leaves_meanwhile_is_met_once_or_not_at_all(world: World, number: int) -> None:
    name = audiences.segment(number)
    members = in_order([f"u{n}" for n in range(50)])
    world.audiences.change(name, members[::2])
    first = world.audiences.scan([name], EVERYWHERE, "", 10)
    world.audiences.change(name, members[1::2], [*first[:5], members[-2]])
    rest = world.audiences.scan([name], EVERYWHERE, keys.position(first[-1]), 100)
    assert not set(first) & set(rest)
    assert rest == [
        userid for userid in members[members.index(first[-1]) + 1 :] if userid != members[-2]
    ]


def test_a_set_says_who_is_in_it(world: World, number: int, unique: str) -> None:
    name = audiences.listing(number)
    members = [f"{unique}-{n}" for n in range(250)]
    world.audiences.change(name, members)
    asked = [*members, *members, "nobody", f"{unique}-"]
    assert world.audiences.holds(name, asked) == set(members)
    assert world.audiences.holds(name, []) == frozenset()
    assert world.audiences.holds(audiences.segment(number), members) == frozenset()
    world.audiences.change(name, [], members[:100])
    assert world.audiences.holds(name, members) == set(members[100:])


def test_joining_twice_and_leaving_twice_change_nothing_more(world: World, number: int) -> None:
    name = audiences.segment(number)
    for _ in range(2):
        world.audiences.change(name, ["a", "b", "a"])
        assert all_of(world, [name]) == in_order(["a", "b"])
    for _ in range(2):
        world.audiences.change(name, [], ["a", "nobody"])
        assert all_of(world, [name]) == ["b"]
    world.audiences.change(name, ["c"], ["b"])
    assert all_of(world, [name]) == ["c"]


def test_any_character_may_stand_in_a_member_and_in_a_tag(
    world: World, number: int, unique: str
) -> None:
    odd = [
        f"{unique}{c}"
        for c in ("#", "%", "%23", " ", "'", '"', "\\", "/", "é", "\U0001f600", "用户")
    ]
    world.audiences.change(audiences.segment(number), odd)
    assert all_of(world, [audiences.segment(number)], limit=3) == in_order(odd)
    world.users.save([a_user(unique, tags=odd)])
    for each in odd:
        assert all_of(world, [audiences.tag("all", each)]) == [unique]


def test_a_tag_has_whom_the_users_say(world: World, unique: str) -> None:
    one, other = audiences.tag("all", f"{unique}1"), audiences.tag("shop", f"{unique}1")
    ann = change(
        world,
        a_user(f"ann-{unique}"),
        tags={"all": (f"{unique}1", f"{unique}2"), "shop": (f"{unique}1",)},
    )
    change(world, a_user(f"bob-{unique}"), tags={"all": (f"{unique}1",)})
    assert set(all_of(world, [one])) == {ann.userid, f"bob-{unique}"}
    assert all_of(world, [other]) == [ann.userid]
    change(world, ann, tags={"shop": (f"{unique}1",)})
    assert all_of(world, [one]) == [f"bob-{unique}"]
    assert all_of(world, [other]) == [ann.userid]
    assert all_of(world, [audiences.tag("all", f"{unique}2")]) == []
    world.users.delete(list(world.users.get([ann.userid]).values()))
    assert all_of(world, [other]) == []


def test_a_contact_leads_to_its_users_on_whatever_scope_or_label(world: World, unique: str) -> None:
    phone, other = f"1{unique}", f"2{unique}"
    ann = change(
        world,
        a_user(f"ann-{unique}"),
        contacts={ChannelType.SMS: {"all": (phone,), "shop": (phone, other)}},
    )
    bob = change(world, a_user(f"bob-{unique}"), labels={ChannelType.SMS: {"text": {"7": phone}}})
    assert sorted(world.audiences.users_of(ChannelType.SMS, phone)) == [ann.userid, bob.userid]
    assert world.audiences.users_of(ChannelType.SMS, other) == [ann.userid]
    assert world.audiences.users_of(ChannelType.EMAIL, phone) == []
    ann = change(world, ann, contacts={ChannelType.SMS: {"shop": (phone,)}})
    assert sorted(world.audiences.users_of(ChannelType.SMS, phone)) == [ann.userid, bob.userid], (
        "it stands in one scope still"
    )
    assert world.audiences.users_of(ChannelType.SMS, other) == []
    change(world, bob, labels={})
    world.users.delete(list(world.users.get([ann.userid]).values()))
    assert world.audiences.users_of(ChannelType.SMS, phone) == []


@pytest.mark.parametrize("count", [98, 99, 100, 101, 250])
def test_a_user_with_more_tags_than_a_transaction_takes_is_in_all_of_them(
    world: World, unique: str, count: int
) -> None:
    tags = tuple(f"{unique}-{n}" for n in range(count))

    def standing() -> list[str]:
        return [tag for tag in tags if world.audiences.holds(audiences.tag("all", tag), [unique])]

    user = change(world, a_user(unique, text=f"1{unique}"), tags={"all": tags})
    assert standing() == list(tags)
    kept = tags[: count // 3]
    user = change(world, user, tags={"all": kept}, contacts={})
    assert standing() == list(kept)
    assert all_of(world, [audiences.tag("all", tag) for tag in tags[:9]]) == [unique]
    assert world.audiences.users_of(ChannelType.SMS, f"1{unique}") == []
    assert world.users.delete([user]) == frozenset()
    assert standing() == []


def test_a_user_of_many_tags_whose_worker_ends_may_stand_in_a_set_too_many_and_never_in_one_too_few(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    """Whoever walks a tag's set looks at the user, too (flow/audience.py)."""
    tags = [f"{unique}-{n:03d}" for n in range(150)]
    user = change(real, a_user(unique, tags=tags))
    error = {
        "__type": "com.amazonaws.dynamodb.v20120810#AccessDeniedException",
        "message": "the worker ends here",
    }
    with (
        faults.answered(aws("dynamodb"), "BatchWriteItem", error, status=400),
        pytest.raises(ClientError),
    ):
        real.users.save([replace(user, tags={})], {unique: user})
    assert real.users.get([unique])[unique].tags == {}
    standing = [tag for tag in tags if real.audiences.holds(audiences.tag("all", tag), [unique])]
    assert 0 < len(standing) < len(tags)


def test_who_was_too_late_leaves_the_sets_alone(world: World, unique: str) -> None:
    ann = change(world, a_user(unique), tags={"all": (f"{unique}1",)})
    before = world.users.get([unique])
    change(world, ann, tags={"all": (f"{unique}2",)})
    assert world.users.save([replace(ann, tags={"all": (f"{unique}3",)})], before) == {unique}
    assert world.users.delete([ann]) == {unique}
    there = [n for n in (1, 2, 3) if all_of(world, [audiences.tag("all", f"{unique}{n}")])]
    assert there == [2]


def test_one_who_was_too_late_does_not_keep_the_others_from_their_sets(
    world: World, unique: str
) -> None:
    ids = [f"{unique}-{n}" for n in range(5)]
    world.users.save([a_user(userid) for userid in ids])
    before = world.users.get(ids)
    change(world, before[ids[2]], tags={"all": ("other",)})
    tagged = [replace(user, tags={"all": (unique,)}) for user in before.values()]
    assert world.users.save(tagged, before) == {ids[2]}
    assert all_of(world, [audiences.tag("all", unique)]) == in_order(
        [userid for userid in ids if userid != ids[2]]
    )


def test_the_tags_of_a_scope_are_listed(container: Container, unique: str) -> None:
    world = container()
    names = [f"{unique}{n:03d}" for n in range(60)]
    world.users.save(
        [a_user(f"{unique}-{n % 7}-{n}", tags=[name, "common"]) for n, name in enumerate(names)]
    )
    change(world, a_user(f"{unique}-x"), tags={unique: ("北京", "#1", "a%")})
    found: list[str] = []
    after = unique
    while some := [
        tag for tag in container().audiences.tags("all", after, 25) if tag.startswith(unique)
    ]:
        found += some
        after = some[-1]
    assert found == names
    assert sorted(world.audiences.tags(unique, "", 100)) == ["#1", "a%", "北京"]
    assert world.audiences.tags(f"{unique}-nobody", "", 100) == []


def test_how_many_are_in_sets_is_estimated(world: World, number: int) -> None:
    one, other = audiences.segment(number), audiences.listing(number)
    world.audiences.change(one, [f"u{n}" for n in range(4000)])
    assert 2800 < world.audiences.estimate([one]) < 5200
    assert world.audiences.estimate([other]) == 0
    assert world.audiences.estimate([]) == 0
    world.audiences.change(other, [f"u{n}" for n in range(4000)])
    assert 5600 < world.audiences.estimate([one, other]) < 10_400
