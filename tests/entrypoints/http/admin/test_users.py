"""Users, tags and members, as operators find and change them."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.masks import masked
from chalicelib.domain.members import Member, Role
from chalicelib.domain.users import Suppression, User
from chalicelib.entrypoints.http.admin import users
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.problems import problem_details
from tests.builders import a_user
from tests.entrypoints.conftest import JSMS, KEY, SENDER, Api
from tests.entrypoints.http.admin.management import pages


def test_a_user_is_shown_with_everything(configured: Api) -> None:
    configured.fake.users.has(
        replace(
            a_user("ann", tags=["vip"]),
            contacts={
                ChannelType.SMS: {"all": ("13800138000",), KEY: ("13900139000",)},
                ChannelType.APP: {"app1": ("r1", "r2")},
            },
            labels={ChannelType.SMS: {"sms1": {"1": "13700137000"}, "gone": {"1": "x"}}},
            undeliverable={ChannelType.APP: {"r2": Suppression("invalid", 5)}},
            opt_outs={ChannelType.SMS: {"13800138000": {"all": Suppression("T", 7)}}},
            attributes={"city": "北京", "ages": [1, 2]},
            events={"order": (3, 9)},
        )
    )
    assert configured.admin("GET", "users/ann").json == {
        "userid": "ann",
        "contacts": {
            "sms": {"all": ["13800138000"], KEY: ["13900139000"]},
            "app": {"app1": ["r1", "r2"]},
        },
        "labels": {
            "sms": [
                {"channel": "sms1", "label": "1", "name": "默认联系", "contact": "13700137000"},
                {"channel": "gone", "label": "1", "name": "", "contact": "x"},
            ]
        },
        "tags": {"all": ["vip"]},
        "gone": [{"type": "app", "contact": "r2", "code": "invalid", "time": 5}],
        "refusals": [
            {"type": "sms", "contact": "13800138000", "scope": "all", "code": "T", "time": 7}
        ],
        "attributes": {"city": "北京", "ages": [1, 2]},
        "events": {"order": {"count": 3, "last": 9}},
    }


def test_a_user_is_added_changed_and_deleted(configured: Api) -> None:
    made = configured.admin(
        "POST", "users", {"userid": "ann", "phone": {"all": "13800138000"}, "app": {"app1": ["r1"]}}
    )
    assert (made.status, made.json["contacts"]) == (
        200,
        {"app": {"app1": ["r1"]}, "sms": {"all": ["13800138000"]}},
    )
    changed = configured.admin(
        "POST",
        "users",
        {
            "userid": "ann",
            "add": {"app": {"app1": ["r2"]}, "tag": {KEY: ["vip"]}},
            "del": {"phone": {"all": "13800138000"}},
        },
    )
    assert (changed.json["contacts"], changed.json["tags"]) == (
        {"app": {"app1": ["r1", "r2"]}},
        {KEY: ["vip"]},
    )
    assert configured.admin("DELETE", "users/ann").status == 204
    assert configured.admin("GET", "users/ann").status == 404
    assert configured.admin("DELETE", "users/ann").status == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "userid"),
        ({"userid": "a b"}, "userid"),
        ({"userid": "ann", "phone": {"all": "x"}}, "phone.all"),
        ({"userid": "ann", "phone": {"nobody": "13800138000"}}, "set.phone.nobody"),
        ({"userid": "ann", "app": {"sms1": ["r1"]}}, "set.app.sms1"),
        (
            {
                "userid": "ann",
                "tag": {"all": [f"{n:03d}" + "x" * 37 for n in range(100)]},
                "set": {"tag": {KEY: ["y"]}},
                "name": "x",
            },
            "name",
        ),
    ],
)
def test_what_is_wrong_with_a_user_is_named(configured: Api, body: Any, field: str) -> None:
    reply = configured.admin("POST", "users", body)
    assert reply.status == 400
    assert field in [each["field"] for each in reply.json["errors"]]
    assert not configured.fake.users.stored


def test_a_user_whom_others_change_all_the_time_is_a_conflict(configured: Api) -> None:
    configured.fake.users.has(a_user("ann"))

    def disturb(number: int, name: str) -> None:
        if name in ("users.save", "users.delete"):
            ann = configured.fake.users.stored["ann"]
            configured.fake.users.stored["ann"] = replace(ann, version=ann.version + 1)

    configured.fake.on_step = disturb
    assert (
        configured.admin("POST", "users", {"userid": "ann", "phone": {"all": "13800138000"}}).status
        == 409
    )
    assert configured.admin("DELETE", "users/ann").status == 409


def test_users_are_found_by_a_contact_of_any_scope(configured: Api) -> None:
    configured.fake.users.has(
        a_user("ann", text="13800138000"),
        a_user("bob", mail="13800138000@b.c"),
        User("cy", labels={ChannelType.SMS: {"sms1": {"1": "13800138000"}}}),
    )

    def search(type: str, contact: str) -> list[str]:
        body = {"type": type, "contact": contact}
        answer = configured.admin("POST", "users/search", body).json
        assert answer["more"] is False
        return [user["userid"] for user in answer["users"]]

    assert search("sms", "13800138000") == ["ann", "cy"]
    assert search("email", "13800138000") == []
    assert search("email", "13800138000@b.c") == ["bob"]


def test_users_are_listed_in_pages_and_by_prefix(configured: Api) -> None:
    configured.fake.users.has(*(a_user(f"{letter}{n}") for letter in "ab" for n in range(7)))
    for path, ids in (
        ("users?limit=5", {f"{letter}{n}" for letter in "ab" for n in range(7)}),
        ("users?limit=3&prefix=a", {f"a{n}" for n in range(7)}),
    ):
        configured.fake.clock.advance(1)  # a member searches five times a second
        listed = pages(configured, path, "users")
        found = [user["userid"] for page in listed for user in page]
        assert sorted(found) == sorted(ids)
        assert len(listed) == 3
    configured.fake.clock.advance(1)
    assert [len(page) for page in pages(configured, "users?limit=7", "users")] == [7, 7]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=x", "limit"),
        ("prefix=a%20b", "prefix"),
        ("prefix=", "prefix"),
        ("contact=1", "contact"),
        ("cursor=%21", "cursor"),
        ("cursor=_w", "cursor"),
        ("cursor=" + "A" * 513, "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"a\0b").decode(), "cursor"),
        ("cursor=" + base64.urlsafe_b64encode(b"x" * 201).decode(), "cursor"),
    ],
)
def test_what_is_wrong_with_a_query_is_named(configured: Api, query: str, field: str) -> None:
    reply = configured.admin("GET", f"users?{query}")
    assert reply.status == 400
    assert field in [each["field"] for each in reply.json["errors"]], reply.json


@pytest.mark.parametrize("kind", ["segments", "lists"])
def test_members_join_are_listed_found_and_leave(configured: Api, kind: str) -> None:
    path = f"{kind}/7/members"
    ids = [f"u{n}" for n in range(1000)]
    assert configured.admin("POST", path, {"add": [*ids[:999], "u0"]}).json == {
        "added": 999,
        "removed": 0,
    }
    assert configured.admin("POST", path, {"add": [*ids, "one more"]}).status == 400
    assert configured.admin("POST", path, {"add": ["u999"], "remove": ["u0", "nobody"]}).json == {
        "added": 1,
        "removed": 2,
    }
    listed = [
        userid for page in pages(configured, f"{path}?limit=100", "userids") for userid in page
    ]
    assert listed == sorted(ids[1:], key=keys.position)
    assert configured.admin("GET", f"{path}/u1").json == {"userid": "u1"}
    for missing in (
        f"{path}/u0",
        f"{kind}/8/members/u1",
        f"{kind}/x/members/u1",
        f"{path}/{'x' * 65}",
    ):
        assert configured.admin("GET", missing).status == 404
    assert configured.admin("GET", f"{kind}/8/members").json == {"userids": [], "cursor": None}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"add": []},
        {"add": ["a"], "remove": ["a"]},
        {"add": ["a b"]},
        {"add": "a"},
        {"members": ["a"]},
        {"add": [f"u{n}" for n in range(1001)]},
        [],
    ],
)
def test_what_is_wrong_with_members_is_refused(configured: Api, body: Any) -> None:
    assert configured.admin("POST", "segments/7/members", body).status == 400
    assert not configured.fake.audiences.members


def test_who_is_deleted_by_somebody_else_meanwhile_is_not_found(configured: Api) -> None:
    configured.fake.users.has(a_user("ann"))
    readings = []

    def somebody_else(number: int, name: str) -> None:
        readings.append(number) if name == "users.get" else None
        if len(readings) == 2:
            configured.fake.users.stored.pop("ann", None)

    configured.fake.on_step = somebody_else
    assert configured.admin("DELETE", "users/ann").status == 404


def test_a_member_who_may_only_read_sees_no_contact(configured: Api) -> None:
    user = replace(
        a_user("ann", text="13800138000", mail="ann@example.com", push=["registration1"]),
        labels={ChannelType.SMS: {"sms1": {"1": "13700137000"}}},
        undeliverable={ChannelType.APP: {"registration1": Suppression("x", 1)}},
        opt_outs={ChannelType.SMS: {"13800138000": {"all": Suppression("x", 1)}}},
    )
    configured.fake.users.has(user)
    context = RequestContext(
        configured.world,
        None,
        None,
        Contract(Auth.ACCESS, problem_details, 1, ("GET",)),
        Member("m", "m", Role.READ_ONLY, ""),
    )
    shown = users.shown(context, user)
    assert shown["contacts"] == {
        "app": {"push": ["reg****ion1"]},
        "sms": {"all": ["138****8000"]},
        "email": {"all": ["a****@example.com"]},
    }
    assert shown["labels"]["sms"][0]["contact"] == "137****7000"
    assert "registration1" not in str(shown)
    assert "13800138000" in str(
        users.shown(replace(context, member=Member("m", "m", Role.OPERATOR, "")), user)
    )


@pytest.mark.parametrize("contact", ["", "1", "123456789", "x@", "@x", "+8613800138000"])
def test_a_mask_tells_seven_characters_at_most(contact: str) -> None:
    assert masked(contact) in ("****", "x****@", "****@x", "+86****8000")


def test_who_is_no_administrator_sees_nobody(configured: Api) -> None:
    for path in (
        "users",
        "users/ann",
        "user-tags",
        "segments/1/members",
        "lists/1/members/a",
        f"messages?channel_key={KEY}",
        "imports",
    ):
        assert configured.admin("GET", path, auth=SENDER).status == 401
    assert JSMS["type"] == "sms"
