"""Deleting users over UMS."""

from __future__ import annotations

from typing import Any

import pytest

from tests.builders import a_user
from tests.entrypoints.conftest import OPERATOR, SENDER, Api


def test_users_are_deleted_one_by_one(api: Api) -> None:
    api.fake.users.has(a_user("ann"), a_user("ben"))
    api.fake.users.has(a_user("7"))
    userids = ["ann", "zoe", "b b", 7, 8, -1, 1.5, True, None, ["x"], "ann"]
    answer = api("POST", "/v1/user/delete", userids, auth=OPERATOR).json
    assert answer["data"]["success"] == ["ann", "7"]
    assert [(each["userid"], each["errcode"]) for each in answer["data"]["fail"]] == [
        ("b b", "4004"),
        ("-1", "4004"),
        ("1.5", "4004"),
        ("true", "4004"),
        ("", "4004"),
        ('["x"]', "4004"),
        ("zoe", "1019023"),
        ("8", "1019023"),
    ]
    assert set(api.fake.users.stored) == {"ben"}


@pytest.mark.parametrize("body", [{}, [], ["x"] * 1001, "x"])
@pytest.mark.parametrize("path", ["/v1/user/delete", "/v1/user/opt"])
def test_a_refused_request_has_empty_data_as_typed_clients_expect(
    api: Api, path: str, body: Any
) -> None:
    reply = api("POST", path, body, auth=OPERATOR)
    assert (reply.status, reply.code, reply.json["data"]) == (400, 4004, "")


def test_a_channel_key_cannot_delete_users(api: Api) -> None:
    reply = api("POST", "/v1/user/delete", ["ann"], auth=SENDER)
    assert (reply.status, reply.code) == (401, 4005)
