from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.users import User
from tests.entrypoints.conftest import KEY, OPERATOR, OTHER_KEY, Api

APP, SMS, EMAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL


def changed(api: Api, *entries: Any, **options: Any) -> list[str]:
    reply = api.users(list(entries), **options)
    assert (reply.status, reply.json["code"], reply.json["message"]) == (200, 0, "success")
    assert reply.json["data"]["fail"] == []
    return list(reply.json["data"]["success"])


def failure(api: Api, entry: Any, **options: Any) -> dict[str, str]:
    data = api.users([entry, {"userid": "bystander"}], **options).json["data"]
    assert data["success"] == ["bystander"]
    assert len(data["fail"]) == 1
    assert set(data["fail"][0]) == {"userid", "errcode", "errmsg"}
    return dict(data["fail"][0])


def stored(api: Api, userid: str = "u") -> User:
    return api.fake.users.stored[userid]


def test_set_add_and_del_in_this_order(configured: Api) -> None:
    changed(
        configured,
        {
            "userid": "u",
            "set": {
                "tag": {"all": ["a", "b"]},
                "app": {"app1": ["r1", "r2"]},
                "phone": {KEY: "10086"},
            },
        },
    )
    changed(
        configured,
        {
            "userid": "u",
            "del": {"tag": {"all": ["a"]}},
            "add": {"tag": {"all": ["c"]}, "app": {"app1": ["r2", "r3"]}},
        },
    )
    user = stored(configured)
    assert user.tags == {"all": ("b", "c")}
    assert user.contacts == {APP: {"app1": ("r1", "r2", "r3")}, SMS: {KEY: ("10086",)}}


def test_what_stands_at_the_top_is_set(configured: Api) -> None:
    changed(
        configured,
        {
            "userid": "u",
            "phone": {"all": " +8618756432567 "},
            "email": {"all": "li@example.com"},
            "set": {"app": {"app1": ["r"]}},
        },
    )
    assert stored(configured).contacts == {
        APP: {"app1": ("r",)},
        SMS: {"all": ("18756432567",)},
        EMAIL: {"all": ("li@example.com",)},
    }


def test_adding_a_phone_replaces_it_since_there_is_one(configured: Api) -> None:
    changed(
        configured,
        {"userid": "u", "phone": {"all": "10086"}},
        {"userid": "u", "add": {"phone": {"all": "10010"}}},
    )
    assert stored(configured).contacts == {SMS: {"all": ("10010",)}}


def test_both_ways_to_write_a_name(configured: Api) -> None:
    changed(
        configured,
        {
            "userid": "a",
            "set": {"dingtalkcc": "d1", "wechatwk": "w1", "wechatwk_linkedcorp": ["C/u"]},
        },
        {"userid": "b", "set": {"dingtalk_cc": "d2"}},
        {
            "userid": "c",
            "set": {
                "dingtalkcc": {"all": "d1"},
                "wechatwk": {"all": "w1"},
                "wechatwk_linkedcorp": {"all": ["C/u"]},
            },
        },
    )
    assert stored(configured, "c").contacts == stored(configured, "a").contacts
    assert stored(configured, "a").contacts == {
        ChannelType.DINGTALK_CC: {"all": ("d1",)},
        ChannelType.WECHATWK: {"all": ("w1",)},
        ChannelType.WECHATWK_LINKEDCORP: {"all": ("C/u",)},
    }
    assert stored(configured, "b").contacts == {ChannelType.DINGTALK_CC: {"all": ("d2",)}}


def test_a_member_of_the_own_corporation_needs_no_corp_id(configured: Api) -> None:
    changed(configured, {"userid": "u", "set": {"wechatwk_linkedcorp": ["C/u", "zhangsan"]}})
    assert stored(configured).contacts == {
        ChannelType.WECHATWK_LINKEDCORP: {"all": ("C/u", "zhangsan")}
    }


def test_one_user_named_twice_is_changed_in_order_and_named_once(configured: Api) -> None:
    first, second = (
        {"userid": "u", "phone": {"all": "10086"}},
        {"userid": "u", "phone": {"all": "10010"}},
    )
    assert changed(configured, first, second) == ["u"]
    assert stored(configured).contacts == {SMS: {"all": ("10010",)}}


def test_a_bad_entry_does_not_stop_the_others(configured: Api) -> None:
    entries = [
        {"userid": "a"},
        {"userid": "b b"},
        "c",
        None,
        {"x": 1},
        {"userid": "d", "phone": {"all": "x"}},
        {"userid": "e"},
    ]
    data = configured.users(entries).json["data"]
    assert data["success"] == ["a", "e"]
    assert [f["userid"] for f in data["fail"]] == ["b b", "c", "", "", "d"]
    assert [f["errcode"] for f in data["fail"]] == ["4004"] * 5
    assert data["fail"][4]["errmsg"].startswith("[5].phone.all")


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ({"phone": "10086"}, "phone"),
        ({"phone": {"all": 10086.5}}, "phone.all"),
        ({"phone": {"all": -10086}}, "phone.all"),
        ({"phone": {"all": ["10086"]}}, "phone.all"),
        ({"phone": {"all": "1234"}}, "phone.all"),
        ({"phone": {"all": "1" * 21}}, "phone.all"),
        ({"phone": {"all": "1a2345"}}, "phone.all"),
        ({"phone": {"all": "+"}}, "phone.all"),
        ({"phone": {"all": ""}}, "phone.all"),
        ({"email": {"all": "li"}}, "email.all"),
        ({"email": {"all": "a@b@c"}}, "email.all"),
        ({"email": {"all": "a b@c.cn"}}, "email.all"),
        ({"email": {"all": "a@" + "b" * 253}}, "email.all"),
        ({"email": {"all": "a@b\r\nBcc:x@y"}}, "email.all"),
        ({"app": {"app1": "r"}}, "app.app1"),
        ({"app": {"app1": [""]}}, "app.app1[0]"),
        ({"app": {"app1": ["x" * 257]}}, "app.app1[0]"),
        ({"app": {"app1": ["a b"]}}, "app.app1[0]"),
        ({"app": {"app1": ["r"] * 101}}, "app.app1"),
        ({"app": ["r"]}, "app"),
        ({"tag": {"all": "a"}}, "tag.all"),
        ({"tag": {"all": ["x" * 41]}}, "tag.all[0]"),
        ({"tag": {"all": ["中" * 14]}}, "tag.all[0]"),
        ({"tag": {"all": ["a,b"]}}, "tag.all[0]"),
        ({"dingtalkcc": {KEY: "x"}}, "dingtalk"),
        ({"wechatwk_linkedcorp": ["/u"]}, "wechatwk_linkedcorp[0]"),
        ({"wechatwk_linkedcorp": ["C/"]}, "wechatwk_linkedcorp[0]"),
        ({"wechatwk_linkedcorp": ["C/u/v"]}, "wechatwk_linkedcorp[0]"),
        ({"wechatoa": {"oa": ["x"]}}, "wechatoa.oa"),
        ({"fax": {"all": "1"}}, "fax"),
        ({"phone": {"a b": "10086"}}, "phone"),
        ({"phone": {"": "10086"}}, "phone"),
        ({"phone": {"k" * 65: "10086"}}, "phone"),
    ],
)
def test_what_is_wrong_is_named_wherever_it_stands(
    configured: Api, part: dict[str, Any], field: str
) -> None:
    for where in ("", "set", "add", "del"):
        entry = {"userid": "u", **({where: part} if where else part)}
        failed = failure(configured, entry)
        assert (failed["userid"], failed["errcode"]) == ("u", "4004")
        assert failed["errmsg"].startswith(f"[0].{where}.{field}" if where else f"[0].{field}"), (
            failed
        )
    assert "u" not in configured.fake.users.stored


@pytest.mark.parametrize(
    "part",
    [
        {"phone": {OTHER_KEY: "10086"}},
        {"email": {OTHER_KEY: "a@b.cn"}},
        {"tag": {OTHER_KEY: ["a"]}},
        {"app": {"app2": ["r"]}},
        {"app": {"nothing": ["r"]}},
        {"app": {"all": ["r"]}},
        {"app": {KEY: ["r"]}},
        {"wechatoa": {"app1": "r"}},
        {"phone": {"app1": "10086"}},
        {"app": {"sms1": ["r"]}},
    ],
)
def test_a_channel_key_may_touch_all_itself_and_its_codes_only(
    configured: Api, part: dict[str, Any]
) -> None:
    for where in ("set", "add", "del"):
        assert failure(configured, {"userid": "u", where: part})["errcode"] == "1019021"


def test_the_global_key_may_touch_every_scope_that_exists(configured: Api) -> None:
    part = {"phone": {OTHER_KEY: "10086"}, "tag": {KEY: ["a"]}, "app": {"app1": ["r"]}}
    changed(configured, {"userid": "u", "set": part}, auth=OPERATOR)
    for wrong in (
        {"phone": {"nobody": "10086"}},
        {"app": {"nothing": ["r"]}},
        {"wechatoa": {"app1": "r"}},
    ):
        assert (
            failure(configured, {"userid": "v", "set": wrong}, auth=OPERATOR)["errcode"]
            == "1019021"
        )


def test_one_user_may_come_alone_as_a_guide_of_ums_prints_it(configured: Api) -> None:
    data = configured.users(
        {
            "userid": "zhangsan",
            "set": {"app": {"app1": ["1104a89792bbb69299a", "191e35f7e0fb16c7d45"]}},
        }
    ).json["data"]
    assert data == {"success": ["zhangsan"], "fail": []}


@pytest.mark.parametrize("body", [{}, {"user": "u"}, [], "x", None, 1])
def test_the_body_is_a_list_of_users(api: Api, body: Any) -> None:
    reply = api.users(body)
    assert (reply.status, reply.code) == (400, 4004)


def test_a_user_with_too_many_contacts_is_not_stored(configured: Api) -> None:
    entries = [
        {"userid": "u", "add": {"app": {"app1": [f"{n}-{m}".ljust(256, "x") for m in range(100)]}}}
        for n in range(2)
    ]
    data = configured.users(entries).json["data"]
    assert (data["success"], data["fail"][0]["userid"], data["fail"][0]["errcode"]) == (
        [],
        "u",
        "4004",
    )
    assert "u" not in configured.fake.users.stored
