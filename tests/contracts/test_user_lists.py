"""Lists of users for people: in pages, each user once, and by the beginning of their ids."""

from __future__ import annotations

from chalicelib.ports import World
from tests.builders import a_user


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
