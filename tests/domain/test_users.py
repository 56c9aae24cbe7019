"""Contacts in their scopes."""

from __future__ import annotations

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import Bindings, User, UserChange, apply

APP, SMS = ChannelType.APP, ChannelType.SMS


def test_a_phone_bound_to_the_channel_key_comes_before_all() -> None:
    user = User("u", {SMS: {"all": ("1",), "key": ("2",)}})
    assert user.contacts_on(("jsms", SMS), "key") == ("2",)
    assert user.contacts_on(("jsms", SMS), "other") == ("1",)


def test_registration_ids_are_bound_to_the_code_of_a_delivery_channel() -> None:
    user = User("u", {APP: {"jp": ("r1", "r2"), "all": ("r3",)}})
    assert user.contacts_on(("jp", APP), "key") == ("r1", "r2")
    assert user.contacts_on(("jp2", APP), "key") == ()


def test_set_replaces_add_joins_and_remove_takes_away() -> None:
    user = User("u", {APP: {"jp": ("r1", "r2")}}, {"all": ("old",)})
    change = UserChange(
        "u",
        set=Bindings(tags={"all": ("a", "b")}),
        add=Bindings({APP: {"jp": ("r2", "r3")}}, {"all": ("c",)}),
        remove=Bindings({APP: {"jp": ("r1",)}}, {"all": ("a",)}),
    )
    changed = apply(user, change)
    assert changed.contacts == {APP: {"jp": ("r2", "r3")}}
    assert changed.tags == {"all": ("b", "c")}


def test_what_is_emptied_is_gone() -> None:
    changed = apply(
        User("u", {SMS: {"all": ("1",)}}), UserChange("u", remove=Bindings({SMS: {"all": ("1",)}}))
    )
    assert changed.contacts == {}


def test_a_change_names_every_scope_that_it_touches() -> None:
    change = UserChange(
        "u",
        set=Bindings({APP: {"jp": ("r",)}}),
        add=Bindings(tags={"key": ("t",)}),
        remove=Bindings({SMS: {"all": ("1",)}}),
    )
    assert change.scopes() == {"jp", "key", "all"}
