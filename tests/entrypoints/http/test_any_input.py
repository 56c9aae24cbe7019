"""Every input gets an answer that does not blame the server."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.entrypoints.conftest import CONTENTS, JPUSH, JSMS, KEY, OPERATOR, SENDER, Api, message
from tests.profiles import examples

CONDITION = {
    "operator": "and",
    "terms": [{"channel": "app", "missing": "delivered", "within": 300}],
}
GOOD: dict[str, tuple[str, str, Any]] = {
    "send": (
        "/v1/template/sent",
        SENDER,
        message(
            option={"sendno": "a", "priority": 1, "black_id": 5},
            callback={"url": "https://a.cn", "params": {}},
        ),
    ),
    "ordinary": (
        "/v1/sent",
        SENDER,
        {
            "aud_tag": ["a"],
            "option": {"owner": "o"},
            "rule_id": 0,
            "msg_sms": [{"temp_id": 1, "temp_para": {"a": "b"}}],
            "msg_app": [
                {
                    "platform": "android",
                    "notification": {"android": {"alert": "a"}},
                    "options": {"time_to_live": 5},
                },
                {"platform": ["ios"], "notification": {"alert": "b", "ios": {"extras": {}}}},
            ],
        },
    ),
    "raw": (
        "/v1/sent",
        SENDER,
        {
            "aud_sms": [{"instance": "sms", "data": ["10086"]}],
            "aud_app": [{"data": ["r"]}],
            "msg_sms": [{"temp_id": 1}],
            "msg_app": [{"platform": "all", "notification": {"alert": "a"}}],
        },
    ),
    "broadcast": ("/v1/broadcast", SENDER, {"msg_sms": [{"temp_id": 1}]}),
    "template to all": ("/v1/template/broadcast", SENDER, message(aud_userid=..., rule_id=...)),
    "upload": (
        "/v1/material/upload",
        SENDER,
        {"name": "a.pdf", "type": "attachment", "time_to_live": 1},
    ),
    "delete": ("/v1/user/delete", OPERATOR, ["u"]),
    "users": (
        "/v1/user/opt",
        SENDER,
        [
            {
                "userid": "u",
                "phone": {"all": "10086"},
                "set": {"app": {"app1": ["r"]}},
                "add": {"tag": {"all": ["t"]}},
            }
        ],
    ),
    "access": ("/admin/v1/access-channels", OPERATOR, {"name": "n"}),
    "jpush": (
        "/admin/v1/channels",
        OPERATOR,
        {**JPUSH, "code": "new", "name": "new", "options": {"base_url": "https://a.cn"}},
    ),
    "jsms": (
        "/admin/v1/channels",
        OPERATOR,
        {**JSMS, "code": "new", "name": "new", "on_uncertain": "resend", "receipts": "poll"},
    ),
    "smtp": (
        "/admin/v1/channels",
        OPERATOR,
        {
            "name": "m",
            "code": "m",
            "type": "email",
            "platform": "smtp",
            "credentials": {"username": "u", "password": "p"},
            "options": {
                "server": "mail.example.com",
                "port": 465,
                "encryption": "tls",
                "sender": "a@example.com",
                "sender_name": "A",
            },
        },
    ),
    "template": (
        "/admin/v1/templates",
        OPERATOR,
        {
            "channel_key": KEY,
            "name": "t",
            "links": ["name"],
            "contents": {**CONTENTS, "email": {"subject": "s", "text": "{{name}}"}},
        },
    ),
    "strategy": (
        "/admin/v1/strategies",
        OPERATOR,
        {
            "channel_key": KEY,
            "name": "s",
            "steps": [{"channels": ["app"]}, {"channels": ["sms"], "condition": CONDITION}],
        },
    ),
    "label": ("/admin/v1/channels/app1/labels", OPERATOR, {"name": "Work"}),
    "secret": (f"/admin/v1/access-channels/{KEY}/secret", OPERATOR, {"grace": 5}),
    "preview": (
        "/admin/v1/templates/1/preview",
        OPERATOR,
        {"template_para": {"name": "x"}, "version": 1},
    ),
    "list": ("/admin/v1/lists", OPERATOR, {"channel_key": KEY, "name": "l", "kind": "black"}),
    "tag": ("/admin/v1/tags", OPERATOR, {"channel_key": "all", "name": "vip"}),
    "events": (
        "/smartop/api/v1/events/report",
        SENDER,
        {
            "appKey": KEY,
            "data": [
                {
                    "cuid": 1,
                    "eventName": "e",
                    "itime": 1,
                    "randomId": "r",
                    "properties": {"a": [1], "b": "x"},
                }
            ],
        },
    ),
    "member": ("/admin/v1/members", OPERATOR, {"name": "m", "role": "reviewer"}),
}
GROWTH: dict[str, Any] = {
    "channel/batch": [
        {"cuid": 1, "channels": [{"id": 1, "channelValues": {"默认联系": "x" * 20}}]}
    ],
    "attribute": {"cuid": 1, "data": {"level": 3, "tags": ["a"], "gone": None}},
}
CHANGED: dict[str, tuple[str, str, Any]] = {
    "access": (
        "PATCH",
        f"/admin/v1/access-channels/{KEY}",
        {"name": "n", "enabled": True, "restricted": False, "rate": 5},
    ),
    "channel": (
        "PATCH",
        "/admin/v1/channels/app1",
        {
            "name": "n",
            "credentials": JPUSH["credentials"],
            "options": {"base_url": "https://a.cn"},
            "on_uncertain": "resend",
            "receipts": "poll",
            "calls_per_second": 5,
            "deliveries_per_day": 7,
        },
    ),
    "label": ("PUT", "/admin/v1/channels/app1/labels/1", {"name": "Main"}),
    "default": ("PUT", "/admin/v1/channels/app1/default-label", {"label": "1"}),
    "template": (
        "PUT",
        "/admin/v1/templates/1",
        {"name": "t", "contents": CONTENTS, "links": ["name"]},
    ),
    "strategy": (
        "PUT",
        "/admin/v1/strategies/1",
        {
            "name": "s",
            "steps": [{"channels": ["app"]}, {"channels": ["sms"], "condition": CONDITION}],
        },
    ),
}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters(), max_size=20),
    st.sampled_from(
        [
            "",
            "\x00",
            "\ud800",
            "all",
            "app",
            "sms",
            "{{name}}",
            "{{x}}",
            "{{",
            "http://",
            "x" * 5000,
            10**400,
            2**63,
            -1,
            1e308,
            KEY,
            "app1",
        ]
    ),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [path, *(each for name, part in inner for each in places(part, (*path, name)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


@st.composite
def near_misses(draw: Any) -> tuple[str, Any]:
    """A good body with something else, or something more, in one place."""
    name = draw(st.sampled_from(sorted(GOOD)))
    body = GOOD[name][2]
    path = draw(st.sampled_from(places(body)))
    new = draw(values)
    if draw(st.booleans()):
        old = body
        for part in path:
            old = old[part]
        if isinstance(old, dict):
            new = {**old, draw(st.text(max_size=8)): new}
        elif isinstance(old, list):
            new = [*old, new]
    return name, changed(body, path, new)


def check(api: Api, reply: Any) -> None:
    """Ask in a second of its own, so that the rate limit does not answer."""
    api.fake.clock.advance(1)
    assert 200 <= reply.status < 500, reply.body
    assert reply.status != 429
    body = reply.json
    if reply.status >= 400:
        assert set(body) in (
            {"code", "message"},
            {"code", "msg"},
            {"type", "title", "status", "detail", "errors"},
        )


@examples(300)
@given(case=near_misses())
def test_no_json_body_is_our_fault(configured: Api, case: tuple[str, Any]) -> None:
    path, auth, _ = GOOD[case[0]]
    check(configured, configured("POST", path, auth=auth, raw=json.dumps(case[1]).encode()))


NASTY: list[Any] = [
    None,
    True,
    0,
    -1,
    1.5,
    2**62,
    "",
    "x",
    "\n",
    "x" * 300,
    "{{name}}",
    "{{a b}}",
    [],
    [[]],
    [None],
    ["x"],
    {},
    {"a": 1},
    {"x": {"y": [1]}},
    {"": ""},
]


@pytest.mark.parametrize("name", sorted(GOOD))
def test_no_place_of_a_body_takes_a_value_that_is_our_fault(configured: Api, name: str) -> None:
    path, auth, body = GOOD[name]
    for place in places(body):
        for value in NASTY:
            check(configured, configured("POST", path, changed(body, place, value), auth=auth))


@pytest.mark.parametrize("name", sorted(CHANGED))
def test_no_place_of_a_change_takes_a_value_that_is_our_fault(configured: Api, name: str) -> None:
    method, path, body = CHANGED[name]
    anyhow = {"If-Match": "*"}
    for place in places(body):
        for value in NASTY:
            check(
                configured,
                configured(
                    method, path, changed(body, place, value), auth=OPERATOR, headers=anyhow
                ),
            )
    assert configured(method, path, body, auth=OPERATOR, headers=anyhow).status == 200


@pytest.mark.parametrize("name", sorted(GROWTH))
def test_no_place_of_a_body_of_operation_growth_takes_a_value_that_is_our_fault(
    configured: Api, name: str
) -> None:
    for place in places(GROWTH[name]):
        for value in NASTY:
            body = changed(GROWTH[name], place, value)
            check(configured, configured("PUT", f"/smartop/api/v1/user/{name}", body, auth=SENDER))


@given(
    name=st.sampled_from(sorted(GOOD)),
    raw=st.binary(max_size=200)
    | st.text(max_size=100).map(lambda t: t.encode("utf-8", "surrogatepass")),
)
def test_no_bytes_are_our_fault(configured: Api, name: str, raw: bytes) -> None:
    path, auth, _ = GOOD[name]
    check(configured, configured("POST", path, auth=auth, raw=raw))


PATHS = [
    ("POST", "/v1/retract/{}", SENDER),
    ("GET", "/v1/token?type={}", SENDER),
    ("GET", "/v1/messages/{}", SENDER),
    ("GET", "/v1/messages/{}/targets/a", SENDER),
    ("GET", "/admin/v1/access-channels/{}", OPERATOR),
    ("GET", "/admin/v1/channels/{}", OPERATOR),
    ("GET", "/admin/v1/templates/{}", OPERATOR),
    ("GET", "/admin/v1/templates?channel_key={}", OPERATOR),
    ("GET", "/admin/v1/strategies?channel_key={}", OPERATOR),
    ("DELETE", "/admin/v1/access-channels/{}/channels/app1", OPERATOR),
    ("DELETE", f"/admin/v1/access-channels/{KEY}/channels/{{}}", OPERATOR),
    ("GET", "/l/{}", None),
    ("POST", "/receipts/app1/{}", None),
    ("GET", "/u/{}", None),
    ("POST", "/u/{}", None),
    ("GET", "/o/{}", None),
    ("POST", "/v1/app/callback/app1/{}", None),
    ("POST", "/receipts/{}/x", None),
    ("GET", "/receipts/{}/x", None),
    ("DELETE", "/admin/v1/channels/{}", OPERATOR),
    ("DELETE", "/admin/v1/channels/app1/labels/{}", OPERATOR),
    ("GET", "/admin/v1/checks/{}", OPERATOR),
    ("GET", "/admin/v1/templates/1/versions/{}", OPERATOR),
    ("GET", "/admin/v1/strategies/{}", OPERATOR),
    ("GET", "/admin/v1/lists/{}", OPERATOR),
    ("DELETE", "/admin/v1/members/{}", OPERATOR),
    ("GET", "/admin/v1/audit?month={}", OPERATOR),
    ("GET", "/admin/v1/audit?cursor={}", OPERATOR),
    ("GET", "/admin/v1/channels?limit={}", OPERATOR),
    ("GET", f"/admin/v1/strategies?channel_key={KEY}&cursor={{}}", OPERATOR),
    ("GET", "/admin/v1/tags?channel_key={}", OPERATOR),
]


@examples(200)
@given(
    place=st.sampled_from(PATHS),
    part=st.text(min_size=1, max_size=50) | st.binary(min_size=1, max_size=30),
)
def test_no_path_is_our_fault(
    configured: Api, place: tuple[str, str, str | None], part: str | bytes
) -> None:
    method, path, auth = place
    reply = configured(method, path.format(quote(part, safe="")), auth=auth)
    assert 200 <= reply.status < 500, reply.body


PIECES = st.sampled_from(
    [
        b"--b",
        b"\r\n",
        b"--b\r\n",
        b"--b--",
        b'Content-Disposition: form-data; name="file"; filename="a"',
        b"\r\n\r\n",
        b"x",
        b"\x00\xff",
        b"Content-Disposition: form-data; name=time_to_live",
        b"24",
        b";",
        b"=",
        b'"',
        b"--",
    ]
)


@examples(200)
@given(
    pieces=st.lists(PIECES | st.binary(max_size=20), max_size=25),
    boundary=st.sampled_from(["b", '"b"', "", "b;b", "\xe9"]),
)
def test_no_form_is_our_fault(configured: Api, pieces: list[bytes], boundary: str) -> None:
    kind = f"multipart/form-data; boundary={boundary}"
    check(
        configured,
        configured(
            "POST",
            "/v1/material",
            raw=b"".join(pieces),
            auth=SENDER,
            headers={"Content-Type": kind},
        ),
    )


@given(key=st.text(st.characters(codec="latin-1"), max_size=300))
def test_no_idempotency_key_is_our_fault(configured: Api, key: str) -> None:
    check(configured, configured.send(message(), headers={"Idempotency-Key": key}))


@given(header=st.text(st.characters(codec="latin-1"), max_size=60))
def test_no_credentials_are_our_fault(configured: Api, header: str) -> None:
    assert configured.send(message(), auth=None, headers={"Authorization": header}).status == 401


@pytest.mark.parametrize("name", sorted(GOOD))
def test_the_bodies_that_are_varied_are_good_ones(configured: Api, name: str) -> None:
    path, auth, body = GOOD[name]
    assert configured("POST", path, body, auth=auth).status in (200, 201), configured(
        "POST", path, body, auth=auth
    ).body
