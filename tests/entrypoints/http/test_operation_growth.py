"""Operation Growth's interface: its printed bodies, texts and codes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, ChannelType
from chalicelib.domain.users import User
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api, Reply, message

BATCH = "/smartop/api/v1/user/channel/batch"
APP_ID, SMS_ID = 300, 301
REGISTRATION = "191e35f7e155cce08ba"


@pytest.fixture
def growth(configured: Api) -> Api:
    """App and SMS with the numbers of the label guide, each with another label, and two users."""
    for code, number, more in (("app1", APP_ID, "Work Phone"), ("sms1", SMS_ID, "工作电话")):
        channel = configured.fake.records.of(DELIVERY_CHANNELS).stored[code]
        configured.fake.records.of(DELIVERY_CHANNELS).stored[code] = replace(
            channel, number=number, labels={**channel.labels, "2": more}
        )
    configured.fake.users.has(User("10362819"), User("103629"))
    return configured


def put(api: Api, *items: Any, auth: str = SENDER, **headers: str) -> Reply:
    return api(
        "PUT",
        BATCH,
        list(items),
        auth=auth,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def item(cuid: Any, channel: Any, **labels: Any) -> dict[str, Any]:
    return {"cuid": cuid, "channels": [{"id": channel, "channelValues": labels}]}


def labels_of(api: Api, cuid: int = 103629) -> Any:
    return api.fake.users.stored[str(cuid)].labels


def test_contacts_are_set_under_labels_for_several_users_channels_and_labels(growth: Api) -> None:
    both = {"默认联系": "13700000000", "工作电话": "18800000000"}
    devices = {"默认联系": REGISTRATION, "Work Phone": "191e35f7e155cce07ba"}
    first = {
        "cuid": 10362819,
        "channels": [
            {"id": SMS_ID, "channelValues": both},
            {"id": APP_ID, "channelValues": devices},
        ],
    }
    reply = put(growth, first, item(103629, SMS_ID, 默认联系="15088888888"))
    assert (reply.status, reply.json) == (200, {"code": 0, "msg": "ok"})
    assert labels_of(growth, 10362819) == {
        ChannelType.SMS: {"sms1": {"1": "13700000000", "2": "18800000000"}},
        ChannelType.APP: {"app1": {"1": REGISTRATION, "2": "191e35f7e155cce07ba"}},
    }
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": "15088888888"}}}


def test_the_english_name_of_the_first_label_is_known(growth: Api) -> None:
    assert put(growth, item(103629, SMS_ID, **{"Default Contact": "15088888888"})).json["code"] == 0
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": "15088888888"}}}


def test_it_stays_the_same_label_when_another_one_is_the_default(growth: Api) -> None:
    channel = growth.fake.records.of(DELIVERY_CHANNELS).stored["sms1"]
    for first, names in (("默认联系", ("Default Contact", "默认联系")), ("Home", ("Home",))):
        growth.fake.records.of(DELIVERY_CHANNELS).stored["sms1"] = replace(
            channel, labels={**channel.labels, "1": first}, default_label="2"
        )
        for n, name in enumerate(names):
            assert put(growth, item(103629, SMS_ID, **{name: f"1508888888{n}"})).json["code"] == 0
            assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"1": f"1508888888{n}"}}}
    assert (
        put(growth, item(103629, SMS_ID, **{"Default Contact": "15088888888"})).json["code"] == 4107
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
        ("zh", "业务参数无效: body 不合法 (not JSON"),
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
        "msg": "业务参数无效: body 必须是数组",
    }


def test_an_interface_is_no_way_around_a_smaller_limit(growth: Api) -> None:
    assert (
        growth.admin(
            "PATCH", f"access-channels/{KEY}", {"rate": 2}, headers={"If-Match": "*"}
        ).status
        == 200
    )
    codes = [
        put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] for _ in range(3)
    ]
    assert codes == [0, 0, 1015030]


def test_an_answer_lists_a_thousand_errors(growth: Api) -> None:
    """A batch may have 250,000, and Lambda answers with 6 MB at most."""
    wrong = [
        {"id": SMS_ID, "channelValues": {f"{n:02}".ljust(200, "标"): "1" for n in range(50)}}
    ] * 21
    answer = put(growth, {"cuid": 103629, "channels": wrong})
    assert (answer.json["code"], len(answer.json["data"])) == (4000, 1000)
    assert len(answer.body) < 500_000


def test_each_interface_takes_100_requests_a_second(growth: Api) -> None:
    """The first request of a second is not counted at once, and in this test the second lasts."""
    codes = [
        put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] for _ in range(101)
    ]
    assert (codes[:100], codes[100]) == ([0] * 100, 1015030)
    refused = put(growth, item(103629, SMS_ID, 默认联系="15088888888"))
    assert (
        refused.status,
        refused.headers["X-Rate-Limit-Limit"],
        refused.headers["Retry-After"],
    ) == (429, "100", "1")
    assert (
        growth(
            "PUT",
            "/smartop/api/v1/user/attribute",
            {"cuid": 103629, "data": {"city": "深圳"}},
            auth=SENDER,
        ).json["code"]
        == 0
    )
    growth.fake.clock.advance(1)
    assert put(growth, item(103629, SMS_ID, 默认联系="15088888888")).json["code"] == 0


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


def test_a_channel_of_others_does_not_exist(growth: Api) -> None:
    assert (
        put(growth, item(103629, SMS_ID, 默认联系="15088888888"), auth=OTHER).json["code"] == 4107
    )


def test_an_empty_contact_takes_away_what_is_there(growth: Api) -> None:
    put(growth, item(103629, SMS_ID, 默认联系="15088888888", 工作电话="15099999999"))
    assert put(growth, item(103629, SMS_ID, 默认联系="")).json["code"] == 0
    assert labels_of(growth) == {ChannelType.SMS: {"sms1": {"2": "15099999999"}}}


def test_unknown_credentials_are_401_in_its_own_shape(growth: Api) -> None:
    reply = put(growth, item(103629, SMS_ID, 默认联系="15088888888"), auth=f"{KEY}:wrong")
    assert (reply.status, set(reply.json)) == (401, {"code", "msg"})


def test_attributes_are_kept_and_taken_away(growth: Api) -> None:
    path = "/smartop/api/v1/user/attribute"
    data = {
        "level": 3,
        "is_vip": 1,
        "born": "1990-01-01 00:00:00",
        "城市": "深圳",
        "tags": ["a", "b"],
    }
    assert growth("PUT", path, {"cuid": 555, "data": data}, auth=SENDER).json == {
        "code": 0,
        "msg": "ok",
    }
    assert (
        growth("PUT", path, {"cuid": 555, "data": {"level": 4, "is_vip": None}}, auth=SENDER).json[
            "code"
        ]
        == 0
    )
    assert growth.fake.users.stored["555"].attributes == {
        "level": 4,
        "born": "1990-01-01 00:00:00",
        "城市": "深圳",
        "tags": ["a", "b"],
    }
    many = {f"a{n}": n for n in range(101)}
    for bad in (
        {"cuid": 1},
        {"cuid": 1, "data": {}},
        {"cuid": 1, "data": many},
        {"cuid": 1, "data": {"a b": 1}},
        {"cuid": 1, "data": {"a": {}}},
    ):
        assert growth("PUT", path, bad, auth=SENDER).json["code"] == 40002


def test_events_are_counted_once_however_often_they_are_reported(growth: Api) -> None:
    path = "/smartop/api/v1/events/report"
    event = {
        "cuid": 555,
        "eventName": "order",
        "itime": 1700000000000,
        "randomId": "r1",
        "properties": {"price": 3.5, "paid": "true"},
    }
    body = {"appKey": KEY, "data": [event, {**event, "randomId": "r2", "itime": 1700000001000}]}
    for _ in range(2):
        assert growth("POST", path, body, auth=SENDER).json == {"code": 0, "msg": "ok"}
    assert growth.fake.users.stored["555"].events == {"order": (2, 1700000001000)}
    for bad in (
        {**body, "appKey": "other"},
        {**body, "data": []},
        {**body, "data": [event] * 101},
        {"data": [event]},
    ):
        assert growth("POST", path, bad, auth=SENDER).json["code"] == 40002
    for change in (
        {"eventName": ""},
        {"itime": "now"},
        {"randomId": [1]},
        {"properties": [1]},
        {"cuid": None},
    ):
        assert (
            growth("POST", path, {"appKey": KEY, "data": [{**event, **change}]}, auth=SENDER).json[
                "code"
            ]
            == 40002
        )


def test_a_user_has_200_kinds_of_events(growth: Api) -> None:
    def report(numbers: range) -> int:
        data = [{"cuid": 555, "eventName": f"e{n}", "itime": 1} for n in numbers]
        return int(
            growth(
                "POST", "/smartop/api/v1/events/report", {"appKey": KEY, "data": data}, auth=SENDER
            ).json["code"]
        )

    assert [
        report(range(100)),
        report(range(100, 200)),
        report(range(200, 201)),
        report(range(1)),
    ] == [0, 0, 4107, 0]
    assert len(growth.fake.users.stored["555"].events) == 200


def test_a_message_goes_to_the_contact_under_the_label_that_it_names(growth: Api) -> None:
    put(growth, item(103629, SMS_ID, 默认联系="15088888888", 工作电话="15099999999"))
    for option, contact in (
        ({}, "15088888888"),
        ({"label": "工作电话"}, "15099999999"),
        ({"label": "nowhere"}, "15088888888"),
    ):
        reply = growth.send(message(aud_userid=["103629"], option=option))
        (page,) = [
            page for page in growth.fake.ledger.partitions if page.msgid == reply.json["msgid"]
        ]
        plan = growth.fake.ledger.partitions[page]["plan"].value
        assert plan.contacts[0]["sms1"] == (contact,)
