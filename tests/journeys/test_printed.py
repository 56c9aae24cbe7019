"""The printed examples of UMS and Operation Growth work on a running stack, with its keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from infra.demo.client import Shop
from infra.demo.platforms import USUAL
from tests import printed
from tests.journeys.conftest import change, eventually, finished
from tests.printed import fitted

CODES = {"app123": "app", "oa123": "wechatoa", "mp123": "wechatmp", "life123": "alipay_life"}


@pytest.fixture(scope="module")
def shop(stack: Mapping[str, Any]) -> Shop:
    """Make a shop of all channel types, whose broadcast reaches only its own people."""
    shop = Shop(stack, kinds=tuple(USUAL))
    limits = {"restricted": True, "changes_all": True}
    change(shop, "PATCH", f"access-channels/{shop.key}", limits)
    people = [shop.user(f"user{n}", app=[f"{shop.mark}printed{n}"]) for n in (1, 2)]
    shop.upload([{**user, "tag": {shop.key: [f"tag{n}"]}} for n, user in enumerate(people, 1)])
    return shop


@pytest.fixture(scope="module")
def ids(shop: Shop) -> dict[str, Any]:
    """Return the ids that replace printed numbers in messages."""
    owner = {"channel_key": shop.key, "name": f"printed {shop.mark}"}
    segment = shop.admin.ask("POST", "/admin/v1/segments", owner)["id"]
    shop.admin.ask("POST", f"/admin/v1/segments/{segment}/members", {"add": ["user1"]})
    return {
        "10001": shop.template(app={"title": "{{user}}", "alert": "{{user}} {{url}}"}),
        "1001": shop.strategy({"channels": ["app"]}),
        "1234": shop.admin.ask("POST", "/admin/v1/lists", {**owner, "kind": "black"})["id"],
        "1000": segment,
    }


def posted(shop: Shop, path: str, body: Any) -> str:
    answer = shop.api.ask("POST", path, body)
    assert (answer["code"], answer["msgid"]) == (0, answer["msgno"])
    return str(answer["msgid"])


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v1/sent", printed.TEMPLATE_MESSAGE),
        ("/v1/template/sent", printed.TEMPLATE_MESSAGE),
        ("/v1/sent", printed.ORDINARY_MESSAGE),
    ],
)
def test_messages(shop: Shop, ids: Mapping[str, Any], path: str, text: str) -> None:
    body = fitted(text, ids)
    answer = shop.api.ask("POST", path, body)
    assert answer["sendno"] == "test"
    told = finished(shop, answer["msgid"], submitted=2)
    assert (told["rule_id"], told["priority"]) == (ids["1001"], 2)
    said = [json.dumps(push["content"]) for push in shop.sandbox.inbox(f"{shop.mark}printed1")]
    assert any(
        ("xxx xxx" if text is printed.TEMPLATE_MESSAGE else "Hi,JPush !") in each for each in said
    )


@pytest.mark.parametrize(
    ("text", "people"), [(printed.TAGS, 2), (printed.USERIDS, 2), (printed.SEGMENT, 1)]
)
def test_audiences(shop: Shop, ids: Mapping[str, Any], text: str, people: int) -> None:
    what = {
        "template_id": ids["10001"],
        **json.loads(printed.TEMPLATE_PARA),
        **json.loads(printed.APP_PARA),
    }
    told = finished(
        shop, posted(shop, "/v1/template/sent", {**fitted(text, ids), **what}), submitted=people
    )
    assert told["funnel"]["users"]["planned"] == people


def test_everyone(shop: Shop, ids: Mapping[str, Any]) -> None:
    body = {
        name: value
        for name, value in fitted(printed.TEMPLATE_MESSAGE, ids).items()
        if name != "aud_userid"
    }
    finished(shop, posted(shop, "/v1/template/broadcast", body), submitted=2)


def test_registration_ids_of_all_types_at_once(shop: Shop) -> None:
    contents = {field: elements[:1] for field, elements in printed.CONTENTS.items()}
    told = finished(
        shop,
        posted(shop, "/v1/sent", {**json.loads(printed.REGISTRATION_IDS), **contents}),
        submitted=10,
    )
    assert set(told["funnel"]["channels"]) == set(USUAL)


def test_contents_of_each_type(shop: Shop) -> None:
    """Send all but the first content of each type, which the test before has sent already."""
    sent = {
        name: posted(shop, "/v1/sent", body)
        for name, body in printed.messages()
        if not name.endswith(" 0")
    }
    for name, msgid in sent.items():
        told = eventually(
            lambda msgid=msgid: shop.api.message(msgid),
            lambda answer: answer["status"] == "finished",
        )  # type: ignore[misc]
        assert told["funnel"]["users"]["submitted"] >= 1, (name, told)


@pytest.mark.parametrize("kind", ["wechatwk", "dingtalk_cc", "email", "wechatoa"])
def test_all_contents_of_a_type_in_one_list_arrive(shop: Shop, kind: str) -> None:
    elements = printed.CONTENTS[f"msg_{kind}"]
    contact = shop.contact(kind, 1)
    body = {f"aud_{kind}": [{"data": [contact]}], f"msg_{kind}": elements}
    msgid = posted(shop, "/v1/sent", body)
    told = eventually(
        lambda: shop.api.message(msgid),
        lambda answer: answer["funnel"]["channels"][kind]["delivered"] == len(elements),
    )
    assert told["funnel"]["channels"][kind]["submitted"] == len(elements)
    assert told["balanced"]
    assert len(shop.sandbox.inbox(contact)) == len(elements)


def test_a_push_to_all_documented_platforms_arrives(shop: Shop, ids: Mapping[str, Any]) -> None:
    platforms = ["android", "ios", "quickapp", "web"]
    para = {"platform": platforms}
    body = {"aud_userid": ["user1"], "template_id": ids["10001"], "app_para": para}
    body |= {"template_para": {"user": "u", "url": "https://www.jiguang.cn"}}
    assert finished(shop, posted(shop, "/v1/sent", body), submitted=1)["balanced"]


def test_users(shop: Shop) -> None:
    own = {"1234": shop.key, **{code: shop.code(kind) for code, kind in CODES.items()}}
    for text in (printed.USER_BY_PHONE, printed.USER_BY_APP):
        assert shop.api.ask("POST", "/v1/user/opt", fitted(text, own))["data"] == {
            "success": ["zhangsan"],
            "fail": [],
        }
    known = shop.admin.ask("GET", "/admin/v1/users/zhangsan")["contacts"]
    assert known["sms"][shop.key] == ["18756432567"]
    assert known["app"][shop.code("app")] == ["1104a89792bbb69299a", "191e35f7e0fb16c7d45"]
    many, userid = fitted(printed.USER, own), f"lisi{shop.mark}"
    for entry in (
        {"userid": userid, **many},
        *({"userid": userid, part: many} for part in ("set", "add", "del")),
    ):
        assert shop.api.ask("POST", "/v1/user/opt", [entry])["data"] == {
            "success": [userid],
            "fail": [],
        }
    assert shop.admin.ask("GET", f"/admin/v1/users/{userid}")["contacts"] == {}


def test_users_are_deleted(shop: Shop) -> None:
    userids = json.loads(printed.DELETED_USERS)
    shop.upload([{"userid": userid} for userid in userids])
    assert shop.admin.ask("POST", "/v1/user/delete", userids)["data"] == {
        "success": userids,
        "fail": [],
    }


@pytest.mark.parametrize("kind", ["wechatoa", "wechatmp", "dingtalkcc", "wechatwk"])
def test_tokens(shop: Shop, kind: str) -> None:
    answer = shop.api.ask("GET", f"/v1/token?type={kind}")
    assert answer["token"]
    assert int(answer["expires_in"]) > 0


def test_operation_growth(shop: Shop) -> None:
    """A channel may hold phone numbers and addresses if its type takes any id."""
    kinds = {"210": "wechatoa", "2210": "wechatmp", "219": "dingtalk_cc"}
    shop.upload([{"userid": "10362819"}, {"userid": "103629"}])
    for kind, label in (
        ("wechatoa", "自定义联系"),
        ("wechatmp", "自定义联系1"),
        ("dingtalk_cc", "自定义联系"),
    ):
        shop.admin.ask("POST", f"/admin/v1/channels/{shop.code(kind)}/labels", {"name": label})
    body = fitted(
        printed.CONTACTS, {number: shop.channels[kind]["id"] for number, kind in kinds.items()}
    )
    for path, method, asked in (
        ("user/channel/batch", "PUT", body),
        ("user/attribute", "PUT", printed.ATTRIBUTES),
        ("events/report", "POST", fitted(printed.EVENTS, {"1234": shop.key})),
    ):
        assert shop.api.ask(method, f"/smartop/api/v1/{path}", asked) == {"code": 0, "msg": "ok"}
    told = shop.admin.ask("GET", "/admin/v1/users/10362819")
    own = {
        each["name"]: each["contact"]
        for each in told["labels"]["wechatmp"]
        if each["channel"] == shop.code("wechatmp")
    }
    assert own == {"默认联系": "15099999999", "自定义联系1": "123@qq.com"}
    assert told["attributes"]["city"] == "深圳"
    assert told["events"]["order"]["count"] >= 2
    wrong = [
        {**body[1], "channels": [{**body[1]["channels"][0], "channelValues": {"默认联系1": "1"}}]}
    ]
    assert shop.api.ask("PUT", "/smartop/api/v1/user/channel/batch", wrong) == {
        "code": 4107,
        "msg": "通道信息保存异常![默认联系1] 联系标签不存在",
    }
    answer = shop.api.ask(
        "PUT", "/smartop/api/v1/user/channel/batch", [*wrong, {**body[1], "cuid": 1234567}]
    )
    assert (answer["code"], answer["msg"]) == (4000, "请求有多个错误,请在data中查看错误码列表")
    assert [each["msg"] for each in answer["data"]] == [
        "通道信息保存异常![默认联系1] 联系标签不存在",
        "通道信息保存异常![1234567] CUID不存在",
    ]
