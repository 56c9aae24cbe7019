"""Every limit of the management API, on both sides."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.entrypoints.conftest import CONTENTS, JPUSH, JSMS, KEY, Api
from tests.entrypoints.http.admin.management import problem

FIRST = {"channels": ["app"]}
THEN = {"channels": ["sms"], "condition": {"missing": "delivered", "within": 300}}
KINDS = [
    "app",
    "sms",
    "email",
    "wechatoa",
    "wechatmp",
    "alipay_life",
    "dingtalk_cc",
    "wechatwk",
    "wechatwk_linkedcorp",
]
TERM = {"channel": "app", "missing": "delivered", "within": 1}


class Limit(NamedTuple):
    """A request with a number of things, allowed from `least` to `most`. `field`: of a refusal."""

    what: str
    asks: Callable[[int], tuple[str, str, Any]]
    least: int | None
    most: int
    field: str


def x(n: int) -> str:
    return "x" * n


def posting(path: str, body: Callable[[int], Any]) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: ("POST", path, body(n))


def changing(
    path: str, body: Callable[[int], Any], method: str = "PATCH"
) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: (method, path, body(n))


def asking(path: Callable[[int], str]) -> Callable[[int], tuple[str, str, Any]]:
    return lambda n: ("GET", path(n), None)


def a_template(**changes: Any) -> Any:
    return {"channel_key": KEY, "name": "t", "contents": CONTENTS, **changes}


def a_strategy(**changes: Any) -> Any:
    return {"channel_key": KEY, "name": "s", "steps": [FIRST, THEN], **changes}


def of_bytes(n: int) -> Any:
    """Contents of so many bytes, as they are counted: Chinese has three for a character."""
    empty = len(json.dumps({"app": {"alert": ""}}).encode())
    text = "字" * ((n - empty) // 3)
    return {"app": {"alert": text + x(n - empty - 3 * len(text))}}


def steps_of(n: int) -> Any:
    return [
        {"channels": [kind], "condition": {"missing": "delivered", "within": 1}} if at else FIRST
        for at, kind in enumerate(KINDS[:n])
    ]


def with_terms(n: int) -> Any:
    return [FIRST, {"channels": ["sms"], "condition": {"operator": "or", "terms": [TERM] * n}}]


def with_options(options: Callable[[int], Any]) -> Callable[[int], Any]:
    return lambda n: {**JSMS, "code": f"c{n}", "name": f"n{n}", "options": options(n)}


def mails(n: int) -> Any:
    """A delivery channel whose options have so many bytes, most of them a certificate."""
    options = {
        "server": "mail.example.com",
        "encryption": "tls",
        "sender": "a@b.co",
        "ca": "BEGIN CERTIFICATE",
    }
    rest = n - len(json.dumps(options).encode())
    options["ca"] += "字" * (rest // 3) + x(rest % 3)
    return {
        "name": f"n{n}",
        "code": f"c{n}",
        "type": "email",
        "platform": "smtp",
        "credentials": {},
        "options": options,
    }


def in_bulk(n: int) -> list[str]:
    return [f"u{each}" for each in range(n)]


def a_page(path: str, most: int) -> Limit:
    return Limit(f"a page of {path}", asking(lambda n: f"{path}limit={n}"), 1, most, "limit")


LIMITS = [
    Limit(
        "name of an access channel",
        posting("access-channels", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of an access channel",
        changing(f"access-channels/{KEY}", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "rate of an access channel",
        posting("access-channels", lambda n: {"name": f"n{n}", "rate": n}),
        1,
        100_000,
        "rate",
    ),
    Limit(
        "grace of a secret",
        posting(f"access-channels/{KEY}/secret", lambda n: {"grace": n}),
        0,
        2_592_000,
        "grace",
    ),
    Limit(
        "name of a delivery channel",
        posting("channels", lambda n: {**JPUSH, "code": f"c{n}", "name": "字" * n}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a delivery channel",
        changing("channels/app1", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "code of a delivery channel",
        posting("channels", lambda n: {**JPUSH, "code": x(n), "name": f"n{n}"}),
        1,
        32,
        "code",
    ),
    Limit(
        "calls of a delivery channel",
        posting(
            "channels", lambda n: {**JPUSH, "code": f"c{n}", "name": f"n{n}", "calls_per_second": n}
        ),
        0,
        100_000,
        "calls_per_second",
    ),
    Limit(
        "deliveries of a day",
        posting(
            "channels",
            lambda n: {**JPUSH, "code": f"c{n}", "name": f"n{n}", "deliveries_per_day": n},
        ),
        0,
        10**12,
        "deliveries_per_day",
    ),
    Limit(
        "calls in its options",
        posting("channels", with_options(lambda n: {"calls_per_second": n / 100})),
        None,
        1_000_000,
        "options.calls_per_second",
    ),
    Limit("bytes of its options", posting("channels", mails), None, 80_000, "options"),
    Limit(
        "words that opt out",
        posting("channels", with_options(lambda n: {"unsubscribe_words": ["STOP"] * n})),
        None,
        50,
        "options.unsubscribe_words",
    ),
    Limit(
        "length of such a word",
        posting("channels", with_options(lambda n: {"subscribe_words": [x(n)]})),
        1,
        20,
        "options.subscribe_words",
    ),
    Limit(
        "address of an authorisation",
        posting("channels/wx1/authorisation", lambda n: {"redirect_uri": "https://" + x(n - 8)}),
        9,
        1024,
        "redirect_uri",
    ),
    Limit(
        "name of a contact label",
        posting("channels/sms1/labels", lambda n: {"name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a contact label",
        changing("channels/sms1/labels/1", lambda n: {"name": x(n)}, "PUT"),
        1,
        30,
        "name",
    ),
    Limit(
        "name of a template", posting("templates", lambda n: a_template(name=x(n))), 1, 30, "name"
    ),
    Limit(
        "bytes of a template's contents",
        posting("templates", lambda n: a_template(contents=of_bytes(n))),
        None,
        100_000,
        "contents",
    ),
    Limit(
        "alternatives of a channel type",
        posting("templates", lambda n: a_template(contents={"app": [CONTENTS["app"]] * n})),
        1,
        10,
        "contents.app",
    ),
    Limit(
        "name of a variable",
        posting("templates", lambda n: a_template(contents={"app": {"alert": "{{" + x(n) + "}}"}})),
        1,
        64,
        "contents.app",
    ),
    Limit(
        "links of a template",
        posting("templates", lambda n: a_template(links=["name"] * n)),
        0,
        100,
        "links",
    ),
    Limit(
        "name of a strategy", posting("strategies", lambda n: a_strategy(name=x(n))), 1, 30, "name"
    ),
    Limit(
        "steps of a strategy",
        posting(
            "strategies",
            lambda n: a_strategy(steps=steps_of(n) if n < 10 else [*steps_of(9), FIRST]),
        ),
        None,
        9,
        "steps",
    ),  # the fewest: test_admin.py
    Limit(
        "terms of a condition",
        posting("strategies", lambda n: a_strategy(steps=with_terms(n))),
        1,
        20,
        "steps[1].condition.terms",
    ),
    Limit(
        "seconds of a condition",
        posting(
            "strategies",
            lambda n: a_strategy(
                steps=[FIRST, {**THEN, "condition": {"missing": "clicked", "within": n}}]
            ),
        ),
        1,
        604_800,
        "steps[1].condition",
    ),
    Limit(
        "name of a list",
        posting("lists", lambda n: {"channel_key": KEY, "name": x(n), "kind": "black"}),
        1,
        30,
        "name",
    ),
    Limit(
        "new name of a list", changing("lists/7", lambda n: {"name": x(n)}, "PUT"), 1, 30, "name"
    ),
    Limit(
        "name of a segment",
        posting("segments", lambda n: {"channel_key": KEY, "name": x(n)}),
        1,
        30,
        "name",
    ),
    Limit(
        "bytes of a tag",
        posting("tags", lambda n: {"channel_key": "all", "name": "字" * (n // 3) + x(n % 3)}),
        1,
        40,
        "name",
    ),
    Limit(
        "users that join a segment",
        posting("segments/7/members", lambda n: {"add": in_bulk(n), "remove": ["x"]}),
        0,
        1000,
        "add",
    ),
    Limit(
        "users that leave a list",
        posting("lists/7/members", lambda n: {"add": ["x"], "remove": in_bulk(n)}),
        0,
        1000,
        "remove",
    ),
    Limit(
        "user id of a member",
        posting("lists/7/members", lambda n: {"add": [x(n)]}),
        1,
        64,
        "add[0]",
    ),
    Limit("user id", posting("users", lambda n: {"userid": x(n)}), 1, 64, "userid"),
    Limit(
        "values of a scope",
        posting(
            "users", lambda n: {"userid": "u", "tag": {"all": [f"t{each}" for each in range(n)]}}
        ),
        None,
        100,
        "tag.all",
    ),
    Limit(
        "registration id",
        posting("users", lambda n: {"userid": "u", "app": {"app1": [x(n)]}}),
        1,
        256,
        "app.app1[0]",
    ),
    Limit("prefix of user ids", asking(lambda n: "users?prefix=" + x(n)), 1, 64, "prefix"),
    Limit(
        "contact that is looked for",
        asking(lambda n: "users?type=app&contact=" + x(n)),
        1,
        256,
        "contact",
    ),
    Limit("scope of tags", asking(lambda n: "user-tags?scope=" + x(n)), 1, 64, "scope"),
    Limit(
        "name of a member",
        posting("members", lambda n: {"name": x(n), "role": "operator"}),
        1,
        30,
        "name",
    ),
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
