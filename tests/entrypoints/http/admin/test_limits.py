"""Every limit of the management API, on both sides."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.entrypoints.conftest import JPUSH, KEY, Api
from tests.entrypoints.http.admin.limits import Limit, asking
from tests.entrypoints.http.admin.limits_of_channels import CHANNELS
from tests.entrypoints.http.admin.limits_of_messages import MESSAGES
from tests.entrypoints.http.admin.limits_of_users import USERS
from tests.entrypoints.http.admin.management import problem


def a_page(path: str, most: int) -> Limit:
    return Limit(f"a page of {path}", asking(lambda n: f"{path}limit={n}"), 1, most, "limit")


PAGES = [
    *(
        a_page(path, 500)
        for path in (
            "access-channels?",
            "channels?",
            f"templates?channel_key={KEY}&",
            "templates/1/versions?",
            f"strategies?channel_key={KEY}&",
            f"lists?channel_key={KEY}&",
            f"segments?channel_key={KEY}&",
            "tags?channel_key=all&",
            "members?",
            "audit?",
        )
    ),
    *(
        a_page(path, 100)
        for path in (
            "users?",
            "user-tags?",
            "user-tags/all/vip/users?",
            "segments/7/members?",
            "lists/7/members?",
            f"messages?channel_key={KEY}&",
            "imports?",
        )
    ),
]
LIMITS = [*CHANNELS, *MESSAGES, *USERS, *PAGES]
WECHAT = {
    "name": "WeChat",
    "code": "wx1",
    "type": "wechatoa",
    "platform": "wechatoa_component",
    "credentials": {
        "app_id": "wx1",
        "component_app_id": "wxc",
        "component_app_secret": "s",
        "callback_token": "token",
        "encoding_aes_key": "a" * 43,
    },
}


@pytest.fixture
def ready(configured: Api) -> Api:
    assert configured.admin("POST", "channels", WECHAT).status == 201
    return configured


@pytest.mark.parametrize("limit", LIMITS, ids=lambda limit: limit.what)
def test_a_limit_has_two_sides(ready: Api, limit: Limit) -> None:
    anyhow = {"If-Match": "*"}
    for n in (limit.least - 1, limit.most + 1) if limit.least else (limit.most + 1,):
        method, path, body = limit.asks(n)
        problem(ready, method, path, body, field=limit.field, headers=anyhow)
    for n in (limit.most, limit.least):
        if n is not None:
            method, path, body = limit.asks(n)
            reply = ready.admin(method, path, body, headers=anyhow)
            assert reply.status < 300, (n, reply.body)


@pytest.mark.parametrize("code", ["aZ09", "0", "Z"])
def test_a_code_of_letters_and_digits(configured: Api, code: str) -> None:
    assert (
        configured.admin("POST", "channels", {**JPUSH, "code": code, "name": "new"}).status == 201
    )


@pytest.mark.parametrize("code", ["a b", "a-b", "a_b", "代码", "é", "a\n", "１", "ALL "])
def test_a_code_of_anything_else_is_refused(configured: Api, code: str) -> None:
    problem(configured, "POST", "channels", {**JPUSH, "code": code, "name": "new"}, field="code")
    problem(configured, "GET", f"channels/{quote(code)}", status=404)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("access-channels", {"name": "shop"}),
        ("channels", {**JPUSH, "code": "new"}),
        ("channels/sms1/labels", {"name": "默认联系"}),
        ("lists", {"channel_key": KEY, "name": "list 7", "kind": "white"}),
        ("segments", {"channel_key": KEY, "name": "segment 7"}),
    ],
)
def test_a_name_is_there_once_and_blanks_around_it_do_not_count(
    configured: Api, path: str, body: Any
) -> None:
    for name in (body["name"], f"  {body['name']} "):
        problem(configured, "POST", path, {**body, "name": name}, status=409, field="name")
    assert configured.admin("POST", path, {**body, "name": f"{body['name']}!"}).status == 201
