"""Fields of a send, refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.ums.template_sends import refused


@pytest.mark.parametrize(
    "userid",
    [
        "a",
        0,
        7,
        2**63 - 1,
        "x" * 64,
        "Az09_@!#$&*+=.|¥￥",
        "￥" * 64,
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    ],
)
def test_user_ids_of_the_alphabet(configured: Api, userid: str) -> None:
    assert configured.send(message(aud_userid=[userid])).code == 0


@pytest.mark.parametrize(
    "userid",
    ["", "x" * 65, "a b", "a/b", "张三", "a\n", "a%23", "é", None, -1, 1.5, True, ["a"], {}],
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
        ({"template_para": {"name": {}}}, "template_para.name"),
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
        ({"option": {"priority": -1}}, "option.priority"),
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
    "platform", ["windows", "ALL", ["all", "x"], [""], [1], 1, {}, False, "android,ios"]
)
def test_a_wrong_platform(configured: Api, platform: Any) -> None:
    refused(configured, message(app_para={"platform": platform}), 1015085, "app_para.platform")


@pytest.mark.parametrize(
    "app_para",
    [{}, ..., None, {"platform": None}, {"time_to_live": 5}, {"platform": ""}, {"platform": []}],
)
def test_a_template_with_app_content_needs_a_platform(configured: Api, app_para: Any) -> None:
    refused(configured, message(app_para=app_para), 1015084, "app_para.platform")


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
