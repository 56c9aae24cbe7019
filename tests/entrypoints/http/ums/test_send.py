from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.errors import Conflict
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, message


def refused(
    api: Api, body: Any, code: int, *mentions: str, status: int = 400, **options: Any
) -> None:
    reply = api.send(body, **options)
    assert (reply.status, reply.code) == (status, code), reply.body
    for word in mentions:
        assert word in reply.json["message"]
    assert not {"messages.create", "queues.send"} & set(api.fake.log)


@pytest.mark.parametrize("path", ["/v1/template/sent", "/v1/sent"])
def test_a_template_message_is_accepted(configured: Api, path: str) -> None:
    body = message(
        option={"sendno": "a-1", "owner": "admin", "priority": 1, "black_id": 5},
        callback={"url": "https://x.cn/c", "params": {"a": 1}},
    )
    answer = configured.send(body, path=path).json
    assert answer == {
        "code": 0,
        "msgid": answer["msgid"],
        "msgno": answer["msgid"],
        "sendno": "a-1",
    }
    stored = configured.world.messages.get(answer["msgid"])
    assert stored is not None
    assert (stored.channel_key, stored.userids, stored.priority, stored.rule_id) == (
        KEY,
        ("user1", "user2"),
        1,
        1,
    )
    assert (stored.sendno, stored.owner, stored.black_id, stored.white_id) == (
        "a-1",
        "admin",
        5,
        None,
    )
    assert stored.callback == {"url": "https://x.cn/c", "params": {"a": 1}}
    assert stored.app_para == {"platform": "all"}


def test_without_a_sendno_none_is_returned(configured: Api) -> None:
    assert "sendno" not in configured.send(message()).json


def test_a_user_that_is_named_twice_is_one_target(configured: Api) -> None:
    msgid = configured.send(message(aud_userid=["b", "a", "b"])).json["msgid"]
    stored = configured.world.messages.get(msgid)
    assert stored is not None
    assert stored.userids == ("b", "a")


@pytest.mark.parametrize(
    ("raw", "mentions"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"{", "line 1"),
        (b'{"a":1} x', "not JSON"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e999}', "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "64 bits"),
        (b'{"a":9223372036854775808}', "64 bits"),
        (b'{"a":1,"a":2}', 'duplicate key "a"'),
        (b"\xff\xfe{}", "UTF-8"),
        (b'{"a":"\\u0000"}', "NUL"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udfff":1}', "surrogate"),
        (b"[" * 100_000, "deep"),
        (b"[" * 33 + b"]" * 33, "deep"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "deep"),
        (b"[]", "body"),
        (b'"text"', "body"),
        (b"null", "body"),
        (b"17", "body"),
        (b"\xef\xbb\xbf{}", "not JSON"),
    ],
)
def test_a_body_that_is_no_json_object_is_refused(
    configured: Api, raw: bytes, mentions: str
) -> None:
    refused(configured, None, 4004, mentions, raw=raw)


def test_32_levels_are_not_too_deep(configured: Api) -> None:
    reply = configured.send(raw=b"[" * 32 + b"]" * 32)
    assert "deep" not in reply.json["message"]


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
        "multipart/form-data",
        "json",
        "*/*",
    ],
)
def test_a_content_type_that_is_not_json_is_refused(configured: Api, kind: str) -> None:
    refused(configured, message(), 4004, "Content-Type", status=415, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "kind",
    [
        "application/json",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/problem+json",
    ],
)
def test_json_content_types_are_accepted(configured: Api, kind: str) -> None:
    assert configured.send(message(), headers={"Content-Type": kind}).code == 0


def test_a_body_of_more_than_six_million_bytes_is_refused(configured: Api) -> None:
    raw = json.dumps(message()).encode()
    refused(configured, None, 4004, "6000000", status=413, raw=raw.ljust(6_000_001))
    assert configured.send(raw=raw.ljust(6_000_000)).code == 0


@pytest.mark.parametrize(
    "userid",
    ["a", "x" * 64, "Az09_@!#$&*+=.|¥￥", "￥" * 64, "3f2504e0-4f89-11d3-9a0c-0305e82c3301"],
)
def test_user_ids_of_the_alphabet(configured: Api, userid: str) -> None:
    assert configured.send(message(aud_userid=[userid])).code == 0


@pytest.mark.parametrize(
    "userid", ["", "x" * 65, "a b", "a/b", "张三", "a\n", "a%23", "é", None, 1, ["a"], {}]
)
def test_other_user_ids_are_refused_with_their_place(configured: Api, userid: Any) -> None:
    refused(configured, message(aud_userid=["ok", userid]), 4004, "aud_userid[1]")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"aud_userid": ...}, "aud_userid"),
        ({"aud_userid": "user1"}, "aud_userid"),
        ({"aud_userid": {"a": 1}}, "aud_userid"),
        ({"aud_userid": None}, "aud_userid"),
        ({"template_id": ...}, "template_id"),
        ({"template_id": "1"}, "template_id"),
        ({"template_id": 1.0}, "template_id"),
        ({"template_id": True}, "template_id"),
        ({"template_id": None}, "template_id"),
        ({"template_id": -1}, "template_id"),
        ({"template_para": []}, "template_para"),
        ({"template_para": "x"}, "template_para"),
        ({"template_para": {}}, "template_para.name"),
        ({"template_para": {"name": None}}, "template_para.name"),
        ({"template_para": {"name": [1]}}, "template_para.name"),
        ({"template_para": {"name": True}}, "template_para.name"),
        ({"app_para": []}, "app_para"),
        ({"app_para": {"platform": "all", "x": 1}}, "app_para.x"),
        ({"app_para": {"platform": "all", "time_to_live": -1}}, "app_para.time_to_live"),
        ({"app_para": {"platform": "all", "time_to_live": 864_001}}, "app_para.time_to_live"),
        ({"app_para": {"platform": "all", "time_to_live": "5"}}, "app_para.time_to_live"),
        ({"app_para": {"platform": "all", "apns_production": 1}}, "app_para.apns_production"),
        ({"rule_id": "1"}, "rule_id"),
        ({"rule_id": -1}, "rule_id"),
        ({"rule_id": []}, "rule_id"),
        ({"rule_id": 1.5}, "rule_id"),
        ({"option": []}, "option"),
        ({"option": {"x": 1}}, "option.x"),
        ({"option": {"sendno": 1}}, "option.sendno"),
        ({"option": {"sendno": "x" * 65}}, "option.sendno"),
        ({"option": {"priority": 0}}, "option.priority"),
        ({"option": {"priority": 4}}, "option.priority"),
        ({"option": {"priority": "1"}}, "option.priority"),
        ({"option": {"black_id": "1"}}, "option.black_id"),
        ({"option": {"white_id": -1}}, "option.white_id"),
        ({"option": {"owner": []}}, "option.owner"),
        ({"callback": "https://x.cn"}, "callback"),
        ({"callback": {"url": "ftp://x"}}, "callback.url"),
        ({"callback": {"url": "x.cn"}}, "callback.url"),
        ({"callback": {"url": "https://x.cn/\n"}}, "callback.url"),
        ({"callback": {"params": []}}, "callback.params"),
        ({"callback": {"params": {"a": "x" * 4096}}}, "callback.params"),
        ({"callback": {"x": 1}}, "callback.x"),
        ({"audience": 1}, "audience"),
        ({"templateid": 1}, "templateid"),
        ({"": 1}, ""),
    ],
)
def test_what_is_missing_wrong_or_unknown_is_named(
    configured: Api, changes: dict[str, Any], field: str
) -> None:
    refused(configured, message(**changes), 4004, field)


@pytest.mark.parametrize(
    "platform", ["all", "android", "ios", "quickapp", "web", "hmos", ["android", "ios"], ["hmos"]]
)
def test_platforms(configured: Api, platform: Any) -> None:
    assert configured.send(message(app_para={"platform": platform})).code == 0


@pytest.mark.parametrize(
    "platform", ["", "windows", "ALL", [], ["all", "x"], [1], 1, {}, "android,ios"]
)
def test_a_wrong_platform(configured: Api, platform: Any) -> None:
    refused(configured, message(app_para={"platform": platform}), 1015085, "app_para.platform")


@pytest.mark.parametrize("app_para", [{}, ..., None, {"platform": None}, {"time_to_live": 5}])
def test_a_template_with_app_content_needs_a_platform(configured: Api, app_para: Any) -> None:
    refused(configured, message(app_para=app_para), 1015084, "app_para.platform")


def test_a_template_that_does_not_exist(configured: Api) -> None:
    for number in (0, 2, 2**63 - 1):
        refused(configured, message(template_id=number), 1015031, "模板ID不存在")


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("x", True),
        ("", False),
        ("https://a.example/", True),
        ("1042", True),
        ("t.cn/a", True),
        ("weixin://dl/x", True),
        (" https://a.example/ ", True),
        ("https://", False),
        ("{{name}}", False),
    ],
)
def test_a_value_that_a_platform_cannot_take_is_refused(
    configured: Api, value: str, good: bool
) -> None:
    """`url` holds an address or, as in UMS's example, any text. `alert` must not be empty."""
    made = {"channel_key": KEY, "name": "link", "contents": {"app": {"alert": "{{url}}"}}}
    number = configured.admin("POST", "templates", made).json["template_id"]
    body = message(template_id=number, template_para={"url": value}, rule_id=0)
    if good:
        assert configured.send(body).code == 0
    else:
        refused(configured, body, 4004, "template_para")


def test_a_send_may_name_the_version_of_its_template(configured: Api) -> None:
    changed = {
        "name": "greeting",
        "contents": {"sms": {"sign_id": 1, "temp_id": 2, "temp_para": {"code": "{{code}}"}}},
    }
    assert (
        configured.admin("PUT", "templates/1", changed, headers={"If-Match": '"1"'}).json["version"]
        == 2
    )
    newest = {"template_para": {"code": "9"}, "app_para": ..., "rule_id": 0}
    for version, more in ((1, {}), (2, newest), (None, newest)):
        option = {} if version is None else {"template_version": version}
        answered = configured.send(message(option=option, **more))
        assert answered.code == 0, answered.json
        shown = configured("GET", f"/v1/messages/{answered.json['msgid']}", auth=SENDER).json[
            "template"
        ]
        assert shown == {"id": 1, "version": version or 2}


def test_a_version_that_a_template_has_not(configured: Api) -> None:
    for version in (0, 3, 1_000_000):
        refused(
            configured,
            message(option={"template_version": version}),
            4004,
            "option.template_version",
        )
    ordinary = {"aud_userid": ["u"], "msg_sms": [{"temp_id": 1}], "option": {"template_version": 1}}
    refused(configured, ordinary, 4004, "template_version", path="/v1/sent")


def test_of_several_faults_the_first_in_the_documented_order_is_answered(configured: Api) -> None:
    switch = f"access-channels/{KEY}/channels/sms1"
    made = {"channel_key": KEY, "name": "push", "steps": [{"channels": ["app"]}]}
    assert configured.admin("POST", "strategies", made).json["rule_id"] == 2
    configured.admin("PUT", switch, {"enabled": False})
    for code, element in ((1015095, {}), (1015007, {"temp_id": 1})):
        refused(configured, {"aud_userid": ["u"], "msg_sms": [element]}, code, path="/v1/sent")
    body = message(
        option={"black_id": 99, "sendno": 1},
        template_id=9,
        rule_id=9,
        app_para=...,
        template_para={},
    )
    for code, mended in (
        (4004, {"option": {"black_id": 99}}),
        (1015046, {"option": {}}),
        (1015031, {"template_id": 1}),
        (1015084, {"app_para": {"platform": "all"}}),
        (1015026, {"rule_id": 1}),
        (1015026, {"rule_id": 2}),
        (1015073, {}),
        (1019001, {"rule_id": 1}),
        (4004, {"template_para": {"name": "Li"}}),
    ):
        refused(configured, body, code)
        body |= mended
        if code == 1015073:
            configured.admin("PUT", switch, {"enabled": True})
    assert configured.send(body).code == 0


def test_another_access_channels_template_does_not_exist(configured: Api) -> None:
    refused(configured, message(), 1015031, auth=OTHER)


def test_a_strategy_that_does_not_exist(configured: Api) -> None:
    refused(configured, message(rule_id=9), 1015026, "rule_id")


def test_black_and_white_list_exclude_each_other(configured: Api) -> None:
    refused(
        configured, message(option={"black_id": 1, "white_id": 1}), 1015097, "black_id", "white_id"
    )
    assert configured.send(message(option={"black_id": 5})).code == 0
    assert configured.send(message(option={"white_id": 9})).code == 0


@pytest.mark.parametrize("path", ["/v1/template/sent", "/v1/sent"])
def test_a_template_message_carries_no_content(configured: Api, path: str) -> None:
    refused(configured, message(msg_sms=[{"temp_id": 1}]), 1015094, "msg_sms", path=path)


def test_an_unknown_path_and_method_are_left_to_the_gateway(api: Api) -> None:
    """Its answers have our shape: infra/template/api.py, checked on the packaged template."""
    assert api("POST", "/v1/nothing", {}).status == 403
    assert api("GET", "/v1/sent").status == 405


def test_who_finds_no_free_id_is_told_to_try_again(
    configured: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*_: object) -> None:
        raise Conflict("a message with this id exists")

    monkeypatch.setattr(configured.fake.messages, "create", taken)
    answered = configured.send(message())
    assert (answered.status, answered.code) == (503, 5000)
