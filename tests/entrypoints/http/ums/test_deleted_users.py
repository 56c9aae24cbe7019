"""Deleting users over UMS."""

from __future__ import annotations

from tests.builders import a_user
from tests.entrypoints.conftest import OPERATOR, SENDER, Api


def test_users_are_deleted_one_by_one(api: Api) -> None:
    api.fake.users.has(a_user("ann"), a_user("ben"))
    answer = api("POST", "/v1/user/delete", ["ann", "zoe", "b b", 1, "ann"], auth=OPERATOR).json
    assert answer["data"]["success"] == ["ann"]
    assert [(each["userid"], each["errcode"]) for each in answer["data"]["fail"]] == [
        ("b b", "4004"),
        ("", "4004"),
        ("zoe", "1019023"),
    ]
    assert set(api.fake.users.stored) == {"ben"}


def test_a_channel_key_cannot_delete_users(api: Api) -> None:
    reply = api("POST", "/v1/user/delete", ["ann"], auth=SENDER)
    assert (reply.status, reply.code) == (401, 4005)
