from __future__ import annotations

import base64
from dataclasses import replace

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from tests.entrypoints.conftest import (
    ADMIN,
    ADMIN_SECRET,
    KEY,
    OPERATOR,
    OTHER_SECRET,
    SECRET,
    SENDER,
    Api,
    message,
    sha256,
)

WRONG = [
    None,
    "",
    ":",
    KEY,
    f"{KEY}:",
    f"{KEY}:{SECRET}x",
    f"{KEY}:{OTHER_SECRET}",
    f"nobody:{SECRET}",
    f":{SECRET}",
    f"{KEY}:{sha256(SECRET)}",
    f"{'k' * 65}:{SECRET}",
    f"k y:{SECRET}",
    f"{KEY}\0:{SECRET}",
    "密钥:密码",
    f"{KEY.upper()}:{SECRET}",
]


@pytest.mark.parametrize("auth", [*WRONG, OPERATOR])
def test_a_send_without_the_secret_of_an_access_channel_is_refused_and_stores_nothing(
    configured: Api, auth: str | None
) -> None:
    reply = configured.send(message(), auth=auth)
    assert (reply.status, reply.code) == (401, 4005)
    assert reply.headers["WWW-Authenticate"].startswith("Basic")
    assert "messages.create" not in configured.fake.log


@pytest.mark.parametrize("auth", [*WRONG, SENDER, f"{ADMIN}:{SECRET}", f"{ADMIN}:"])
def test_management_needs_the_global_access_key(api: Api, auth: str | None) -> None:
    reply = api.admin("GET", "channels", auth=auth)
    assert reply.status == 401
    assert reply.headers["WWW-Authenticate"].startswith("Basic")
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert {"type", "title", "status", "detail", "errors"} == set(reply.json)


@pytest.mark.parametrize(
    "header",
    [
        "Bearer abc",
        "Basic",
        "Basic !!!",
        "Basic a===",
        "basic " + "A" * 5000,
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
    ],
)
def test_a_header_that_is_no_basic_one_is_refused(api: Api, header: str) -> None:
    reply = api.send(message(), auth=None, headers={"Authorization": header})
    assert (reply.status, reply.code) == (401, 4005)


def test_the_scheme_may_be_written_in_any_case(configured: Api) -> None:
    encoded = base64.b64encode(SENDER.encode()).decode()
    assert (
        configured.send(message(), auth=None, headers={"Authorization": f"bAsIc {encoded}"}).code
        == 0
    )


def test_a_closed_access_channel_may_not_send(configured: Api) -> None:
    stored = configured.fake.records.of(ACCESS_CHANNELS).stored
    stored[KEY] = replace(stored[KEY], enabled=False)
    reply = configured.send(message())
    assert (reply.status, reply.code) == (400, 1015005)
    assert configured.send(message(), auth=f"{KEY}:wrong").code == 4005


def test_an_older_secret_is_good_while_its_hash_is_kept(configured: Api) -> None:
    stored = configured.fake.records.of(ACCESS_CHANNELS).stored
    stored[KEY] = replace(stored[KEY], secret_hashes=(sha256("new"), sha256(SECRET)))
    assert configured.send(message()).code == 0
    assert configured.send(message(), auth=f"{KEY}:new").code == 0


def test_users_may_be_changed_with_either_kind_of_key(api: Api) -> None:
    for good in (SENDER, OPERATOR):
        assert api.users([{"userid": "u"}], auth=good).json["code"] == 0
    for auth in (None, f"{ADMIN}:{SECRET}", f"{KEY}:{ADMIN_SECRET}"):
        assert api.users([{"userid": "u"}], auth=auth).code == 4005
