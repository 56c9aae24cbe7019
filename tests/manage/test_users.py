from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.users import Bindings, User, UserChange, apply
from chalicelib.manage import users
from tests import builders
from tests.fakes.world import FakeWorld

SMS, APP = ChannelType.SMS, ChannelType.APP


def phone(userid: str, number: str) -> UserChange:
    return UserChange(userid, set=Bindings({SMS: {"all": (number,)}}))


def tag(userid: str, *tags: str) -> UserChange:
    return UserChange(userid, add=Bindings(tags={"all": tags}))


def test_users_are_made_and_changed_in_one_reading_and_one_writing() -> None:
    fake = FakeWorld()
    fake.users.has(User("b", {SMS: {"all": ("1",)}}))
    assert (
        users.change(
            fake.ports, [phone("a", "10086"), tag("b", "x"), phone("b", "2"), tag("b", "y")]
        )
        == {}
    )
    assert fake.users.stored["a"].contacts == {SMS: {"all": ("10086",)}}
    assert fake.users.stored["b"].contacts == {SMS: {"all": ("2",)}}
    assert fake.users.stored["b"].tags == {"all": ("x", "y")}
    assert (fake.log.count("users.get"), fake.log.count("users.save")) == (1, 1)


def test_a_repeat_writes_nothing() -> None:
    fake = FakeWorld()
    users.change(fake.ports, [phone("a", "1")])
    before = fake.users.stored["a"]
    users.change(fake.ports, [phone("a", "1")])
    assert fake.users.stored["a"] == before


def test_what_somebody_else_changes_meanwhile_is_kept() -> None:
    fake = FakeWorld()
    fake.users.has(User("a"), User("b"))
    left = [2]

    def meddle(number: int, name: str) -> None:
        if name == "users.save" and left[0]:
            left[0] -= 1
            user = fake.users.stored["a"]
            fake.users.has(
                User(
                    "a",
                    user.contacts,
                    {"all": (*user.tags.get("all", ()), f"theirs{left[0]}")},
                    user.version + 1,
                )
            )

    fake.on_step = meddle
    assert users.change(fake.ports, [tag("a", "ours"), tag("b", "ours")]) == {}
    assert set(fake.users.stored["a"].tags["all"]) == {"ours", "theirs0", "theirs1"}
    assert fake.users.stored["b"].version == 2


def test_who_is_changed_again_and_again_is_reported_and_the_others_are_stored() -> None:
    fake = FakeWorld()

    def meddle(number: int, name: str) -> None:
        if name == "users.save":
            version = fake.users.stored["a"].version if "a" in fake.users.stored else 0
            fake.users.has(User("a", version=version + 1))

    fake.on_step = meddle
    assert users.change(fake.ports, [tag("a", "ours"), tag("b", "ours")]) == {"a": users.BUSY}
    assert fake.users.stored["b"].tags == {"all": ("ours",)}


def test_a_user_never_outgrows_a_page() -> None:
    fake = FakeWorld()
    much = UserChange(
        "a", add=Bindings({APP: {"push": tuple(f"{n}".ljust(256) for n in range(200))}})
    )
    refused = users.change(fake.ports, [much, tag("b", "x")])
    assert list(refused) == ["a"]
    assert list(fake.users.stored) == ["b"]


scopes = st.dictionaries(
    st.sampled_from(["all", "k"]),
    st.lists(st.sampled_from("abc"), max_size=3, unique=True).map(tuple),
    max_size=2,
)
changes = st.builds(
    Bindings, contacts=st.dictionaries(st.sampled_from([SMS, APP]), scopes, max_size=2), tags=scopes
)
user_changes = st.builds(
    UserChange, userid=st.sampled_from(["u", "v"]), set=changes, add=changes, remove=changes
)


@given(st.lists(user_changes, max_size=6))
def test_a_batch_is_the_same_as_its_changes_one_by_one(batch: Sequence[UserChange]) -> None:
    together, apart = FakeWorld(), FakeWorld()
    users.change(together.ports, batch)
    for each in batch:
        users.change(apart.ports, [each])
    assert {u: (s.contacts, s.tags) for u, s in together.users.stored.items()} == {
        u: (s.contacts, s.tags) for u, s in apart.users.stored.items()
    }


@given(user_changes)
def test_folding_leaves_one_contact_where_there_is_one(one: UserChange) -> None:
    folded = users.fold_singles(one)
    assert SMS not in folded.add.contacts
    for bind, added in one.add.contacts.get(SMS, {}).items():
        assert folded.set.contacts[SMS][bind] == added
    assert folded.add.contacts.get(APP) == one.add.contacts.get(APP)
    before, after = (
        apply(User("u"), one).contacts.get(APP),
        apply(User("u"), folded).contacts.get(APP),
    )
    assert before == after


@pytest.mark.parametrize(
    ("kind", "bind", "for_shop", "for_operator"),
    [
        (SMS, "all", True, True),
        (SMS, "shop", True, True),
        (SMS, "other", False, True),
        (SMS, "nobody", False, False),
        (SMS, "push", False, False),
        (APP, "push", True, True),
        (APP, "spare", False, True),
        (APP, "text", False, False),
        (APP, "all", False, False),
        (APP, "nothing", False, False),
    ],
)
def test_who_may_touch_which_scope(
    kind: ChannelType, bind: str, for_shop: bool, for_operator: bool
) -> None:
    fake = FakeWorld()
    for code in ("push", "text"):
        fake.settings.put_channel(builders.a_channel(code))
    fake.settings.put_channel(builders.a_channel("spare", APP))
    fake.settings.put_access_channel(builders.an_access_channel("shop", ["push", "text"]))
    fake.settings.put_access_channel(builders.an_access_channel("other", []))
    for caller, allowed in ((fake.settings.access_channel("shop"), for_shop), (None, for_operator)):
        for part in ("set", "add", "remove"):
            one = UserChange("u", **{part: Bindings({kind: {bind: ("x",)}})})
            if allowed:
                users.check_scopes(fake.ports, caller, one)
            else:
                with pytest.raises(Invalid):
                    users.check_scopes(fake.ports, caller, one)


def test_a_user_who_changes_while_being_deleted_is_deleted_all_the_same() -> None:
    fake = FakeWorld()
    fake.users.has(builders.a_user("ann"), builders.a_user("ben"))
    fake.meanwhile("users.delete", lambda: fake.users.touch("ann"), times=2)
    assert users.delete(fake.ports, ["ann", "ben", "zoe", "ann"]) == {"zoe": users.UNKNOWN}
    assert not fake.users.stored


def test_a_user_who_changes_all_the_time_is_not_deleted() -> None:
    fake = FakeWorld()
    fake.users.has(builders.a_user("ann"))
    fake.meanwhile("users.delete", lambda: fake.users.touch("ann"))
    assert users.delete(fake.ports, ["ann"]) == {"ann": users.BUSY}
    assert "ann" in fake.users.stored
