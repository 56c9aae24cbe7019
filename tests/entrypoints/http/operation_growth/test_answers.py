"""Answers of Operation Growth's interface: its printed texts and codes, in two languages."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from tests.entrypoints.conftest import KEY, SENDER, Api
from tests.entrypoints.http.operation_growth.contacts import (
    APP_ID,
    BATCH,
    SMS_ID,
    item,
    labels_of,
    put,
)


def test_one_error_is_flat_and_has_the_documented_text(growth: Api) -> None:
    reply = put(growth, item(103629, SMS_ID, 默认联系1="15088888888"))
    assert (reply.status, reply.json) == (
        200,
        {"code": 4107, "msg": "通道信息保存异常![默认联系1] 联系标签不存在"},
    )


def test_several_errors_are_listed_and_what_is_good_is_saved(growth: Api) -> None:
    reply = put(
        growth,
        item(103629, SMS_ID, 默认联系1="15088888888", 默认联系="15099999999"),
        item(1234567, SMS_ID, 默认联系="15088888888"),
    )
    assert reply.json == {
        "code": 4000,
        "msg": "请求有多个错误,请在data中查看错误码列表",
        "data": [
            {"code": 4107, "msg": "通道信息保存异常![默认联系1] 联系标签不存在"},
            {"code": 4107, "msg": "通道信息保存异常![1234567] CUID不存在"},
        ],
    }
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": "15099999999"}}}
    assert "1234567" not in growth.fake.users.stored


@pytest.mark.parametrize(
    ("channel", "contact", "text"),
    [
        (219, "15088888888", "[219] 通道ID不存在"),
        (SMS_ID, "1508888888", "[1508888888] 短信通道值不合法"),
        (SMS_ID, "150888888888", "[150888888888] 短信通道值不合法"),
        (SMS_ID, "+8615088888", "[+8615088888] 短信通道值不合法"),
        (APP_ID, "no id", "[no id] jg_registration_id不合法"),
    ],
)
def test_what_cannot_be_a_contact_there_is_named(
    growth: Api, channel: int, contact: str, text: str
) -> None:
    assert put(growth, item(103629, channel, 默认联系=contact)).json == {
        "code": 4107,
        "msg": f"通道信息保存异常!{text}",
    }
    assert labels_of(growth) == {}


def test_english_is_spoken_where_it_is_preferred(growth: Api) -> None:
    english = put(
        growth, item(103629, 219, 默认联系="1"), Accept_Language="en-GB,en;q=0.9,zh;q=0.5"
    ).json["msg"]
    assert english == "the channel's contact was not saved! [219] this channel id does not exist"
    assert (
        "不存在"
        in put(growth, item(103629, 219, 默认联系="1"), Accept_Language="fr, zh-CN, en").json["msg"]
    )


@pytest.mark.parametrize(
    ("asked", "english"),
    [
        ("zh;q=0.1, en;q=0.9", True),
        ("en;q=0.5, zh", False),
        ("en;q=0, zh;q=0", False),
        ("en;q=0", False),
        ("EN-us", True),
        ("en; q=0.8, zh-Hans; q=0.9", False),
        ("*", False),
        ("en;q=x, zh;q=0.1", False),
        ("en;q=nan, zh;q=0.1", False),
        ("enm", False),
        ("zh, en", False),
        ("en, zh", True),
        ("", False),
        (";", False),
        (",;q=1,en", True),
        ("en_US", True),
    ],
)
def test_what_is_preferred_is_said_by_weight_and_then_by_place(
    growth: Api, asked: str, english: bool
) -> None:
    assert (
        "不存在"
        not in put(growth, item(103629, 219, 默认联系="1"), Accept_Language=asked).json["msg"]
    ) == english


def test_what_is_invalid_is_said_in_the_language_that_is_preferred(growth: Api) -> None:
    for language, text in (
        ("zh", "业务参数无效: [0].cuid 缺失"),
        ("en", "invalid parameter: [0].cuid is required"),
    ):
        reply = put(
            growth, {"channels": item(1, SMS_ID, a="1")["channels"]}, Accept_Language=language
        )
        assert (reply.status, reply.json) == (200, {"code": 40002, "msg": text})
    for language, begins in (
        ("zh", "业务参数无效: body 不是 JSON"),
        ("en", "invalid parameter: body not JSON"),
    ):
        reply = growth("PUT", BATCH, raw=b"[{", auth=SENDER, headers={"Accept-Language": language})
        assert (reply.status, reply.json["code"], reply.json["msg"].startswith(begins)) == (
            200,
            40002,
            True,
        )
    assert growth("PUT", BATCH, {}, auth=SENDER).json == {
        "code": 40002,
        "msg": "业务参数无效: body 须为数组",
    }


def test_a_channel_that_does_not_exist_is_named_once(growth: Api) -> None:
    channels = [{"id": 99, "channelValues": {"默认联系": "1", "公司": "2"}}]
    answer = put(growth, {"cuid": 103629, "channels": channels}).json
    assert answer == {"code": 4107, "msg": "通道信息保存异常![99] 通道ID不存在"}


def test_an_answer_lists_a_thousand_errors(growth: Api) -> None:
    """A batch may have 250,000, and Lambda answers with 6 MB at most."""
    wrong = [
        {"id": SMS_ID, "channelValues": {f"{m} {n}".ljust(200, "标"): "1" for n in range(50)}}
        for m in range(21)
    ]
    answer = put(growth, {"cuid": 103629, "channels": wrong})
    assert (answer.json["code"], len(answer.json["data"])) == (4000, 1000)
    assert len(answer.body) < 500_000


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"cuid": 1},
        "text",
        None,
        item("103629", SMS_ID, a="1"),
        item(0, SMS_ID, a="1"),
        item(True, SMS_ID, a="1"),
        item(1.5, SMS_ID, a="1"),
        item(1, "301", a="1"),
        {**item(1, SMS_ID, a="1"), "x": 1},
        item(1, SMS_ID),
        {"cuid": 1, "channels": []},
        {"cuid": 1, "channels": {"id": 1}},
        item(1, SMS_ID, a={"b": 1}),
        item(1, SMS_ID, a="1" * 1025),
    ],
)
def test_a_body_of_another_shape_is_an_invalid_parameter_and_nothing_is_saved(
    growth: Api, bad: Any
) -> None:
    reply = put(growth, item(103629, SMS_ID, 默认联系="15088888888"), bad)
    assert (reply.status, reply.json["code"]) == (200, 40002)
    assert "[1]" in reply.json["msg"]
    assert labels_of(growth) == {}


def test_unknown_credentials_are_401_in_its_own_shape(growth: Api) -> None:
    reply = put(growth, item(103629, SMS_ID, 默认联系="15088888888"), auth=f"{KEY}:wrong")
    assert (reply.status, set(reply.json)) == (401, {"code", "msg"})
