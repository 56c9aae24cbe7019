"""Contacts and tags of the scope `all`: who may change them, and who is told of it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import TargetLoss
from tests.builders import a_user
from tests.entrypoints.conftest import KEY, OPERATOR, Api
from tests.entrypoints.http.ums.sends import ordinary

PHONE = "13800138000"
SHARED: tuple[dict[str, Any], ...] = (
    {"phone": {"all": "13900139000"}},
    {"add": {"tag": {"all": ["vip"]}}},
    {"del": {"phone": {"all": PHONE}}},
    {"wechatwk": "zhangsan"},
)


def set_up(api: Api, **changes: Any) -> None:
    path, any_version = f"access-channels/{KEY}", {"If-Match": "*"}
    assert api.admin("PATCH", path, changes, headers=any_version).status == 200


def planned(api: Api, userid: str = "ann") -> tuple[TargetLoss | None, Any]:
    """Send to a user. Return why nothing goes out, and the contacts."""
    reply = api.send(ordinary(aud_userid=[userid]), path="/v1/sent")
    plan = api.plan(reply.json["msgid"])
    return plan.targets[0].loss, plan.contacts[0]


@pytest.mark.parametrize("entry", SHARED)
@pytest.mark.parametrize(
    ("restricted", "changes_all", "may"),
    [
        (False, None, True),
        (True, None, False),
        (False, False, False),
        (True, True, True),
    ],
)
def test_an_operator_decides_who_changes_what_is_bound_to_all(
    configured: Api, entry: dict[str, Any], restricted: bool, changes_all: bool | None, may: bool
) -> None:
    configured.fake.users.has(a_user("ann", text=PHONE))
    set_up(configured, restricted=restricted, changes_all=changes_all)
    data = configured.users([{"userid": "ann", **entry}]).json["data"]
    assert data["success"] == (["ann"] if may else [])
    if not may:
        assert "all" in data["fail"][0]["errmsg"]
        assert configured.fake.users.stored["ann"] == replace(
            a_user("ann", text=PHONE), version=configured.fake.users.stored["ann"].version
        )
    assert configured.users([{"userid": "ann", **entry}], auth=OPERATOR).json["data"]["fail"] == []


def test_a_change_of_what_is_bound_to_all_is_one_entry_of_the_audit_log(configured: Api) -> None:
    entries = [
        {"userid": f"u{n}", "phone": {"all": f"139{n:08d}"}, "tag": {KEY: ["x"]}} for n in range(3)
    ]
    configured.fake.audit.stored.clear()
    configured.users([*entries, {"userid": "mine", "phone": {KEY: PHONE}}])
    (entry,) = configured.admin("GET", "audit").json["changes"]
    assert {name: entry[name] for name in ("access_key", "member", "actor", "route", "ids")} == {
        "access_key": KEY,
        "member": "shop",
        "actor": "access_channel",
        "route": "/v1/user/opt",
        "ids": {"users": "3", "scope": "all"},
    }
    assert "139000" not in json.dumps(entry)
    configured.users([{"userid": "mine", "phone": {KEY: PHONE}, "add": {"tag": {KEY: ["y"]}}}])
    assert len(configured.fake.audit.stored) == 1, "its own scope is its own affair"
    configured.users([{"userid": "mine", "attributes": {"city": "Wuhan"}}])
    newest = configured.admin("GET", "audit").json["changes"][0]
    assert newest["ids"] == {"userid": "mine", "scope": "all"}, "attributes belong to all"
    assert len(configured.fake.audit.stored) == 2
    configured.users([{"userid": "u1", "phone": {"all": PHONE}}], auth=OPERATOR)
    actors = [entry["actor"] for entry in configured.admin("GET", "audit").json["changes"]]
    assert sorted(actors) == ["access_channel", "access_channel", "member"]


@pytest.mark.parametrize(
    "entry",
    [
        {"add": {"tag": {KEY: ["mine"]}}},
        {"email": {KEY: "x@example.com"}},
        {"add": {"app": {"app1": ["r1"]}}},
    ],
)
def test_a_restricted_access_channel_does_not_reach_whom_it_has_bound_itself(
    configured: Api, entry: dict[str, Any]
) -> None:
    configured.fake.users.has(a_user("ann", text=PHONE))
    set_up(configured, restricted=True)
    assert planned(configured)[0] is TargetLoss.UNKNOWN_USER
    assert configured.users([{"userid": "ann", **entry}]).json["data"]["success"] == ["ann"]
    assert planned(configured) == (TargetLoss.NO_CONTACT, {})
    own = {"userid": "ann", "phone": {KEY: "13900139000"}}
    assert configured.users([own]).json["data"]["success"] == ["ann"]
    assert planned(configured) == (None, {"sms1": ("13900139000",)}), "a contact of its own"


def test_nor_whom_it_has_made_before_the_contact_came(configured: Api) -> None:
    set_up(configured, restricted=True)
    configured.users([{"userid": "ann", "tag": {KEY: ["mine"]}}])
    configured.users([{"userid": "ann", "phone": {"all": PHONE}}], auth=OPERATOR)
    assert planned(configured) == (TargetLoss.NO_CONTACT, {})


@pytest.mark.parametrize(
    "entry", [{"add": {"tag": {KEY: ["given"]}}}, {"add": {"app": {"app1": ["r1"]}}}]
)
def test_an_operator_makes_a_user_its_own(configured: Api, entry: dict[str, Any]) -> None:
    set_up(configured, restricted=True)
    configured.fake.users.has(a_user("ann", text=PHONE))
    configured.users([{"userid": "ann", "tag": {KEY: ["mine"]}}])
    assert configured.users([{"userid": "ann", **entry}], auth=OPERATOR).status == 200
    assert planned(configured) == (None, {"sms1": (PHONE,)})
    configured.users([{"userid": "ann", "add": {"tag": {KEY: ["more"]}}}])
    assert planned(configured) == (None, {"sms1": (PHONE,)}), "it was its own already"
    assert configured.fake.users.stored["ann"].contacts[ChannelType.SMS] == {"all": (PHONE,)}
