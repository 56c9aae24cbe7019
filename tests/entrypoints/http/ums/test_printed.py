"""The bodies that UMS and Operation Growth print are accepted as printed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import ChunkId
from infra.demo.platforms import USUAL
from tests import printed
from tests.entrypoints.conftest import KEY, OPERATOR, SENDER, Api
from tests.printed import fitted

CODES = {"app": "app123", "wechatoa": "oa123", "wechatmp": "mp123", "alipay_life": "life123"}
OWN = {"1234": KEY}
EVERY = {"app": {"alert": "{{user}}"}, "sms": {"temp_id": 1, "temp_para": {"url": "{{url}}"}}}


@pytest.fixture
def deployed(configured: Api) -> Api:
    """Delivery channels of all types under the printed codes, users, a template and a strategy."""
    known = configured.fake.settings.channel("sms1")
    assert known is not None
    for number, (kind, platform) in enumerate(USUAL.items(), 10):
        code = CODES.get(kind, f"{kind.replace('_', '')}9")
        channel = replace(
            known, code=code, name=kind, number=number, type=ChannelType(kind), platform=platform
        )
        configured.fake.settings.put_channel(
            replace(channel, labels={"1": "默认联系", "2": "自定义联系", "3": "自定义联系1"})
        )
        assert (
            configured.admin(
                "PUT", f"access-channels/{KEY}/channels/{code}", {"enabled": True}
            ).status
            == 200
        )
    for n, contents in enumerate((EVERY, {"app": EVERY["app"] | {"title": "{{url}}"}}), 2):
        made = {"channel_key": KEY, "name": f"t{n}", "contents": contents}
        assert configured.admin("POST", "templates", made).json["template_id"] == n
    assert (
        configured.admin(
            "POST",
            "strategies",
            {"channel_key": KEY, "name": "app", "steps": [{"channels": ["app"]}]},
        ).json["rule_id"]
        == 2
    )
    return configured


def accepted(
    api: Api, body: Any, path: str = "/v1/sent", auth: str = SENDER, method: str = "POST"
) -> Any:
    reply = api(method, path, body, auth=auth)
    assert (reply.status, reply.json["code"]) == (200, 0), reply.body
    return reply.json


@pytest.mark.parametrize("path", ["/v1/sent", "/v1/template/sent"])
def test_messages(deployed: Api, path: str) -> None:
    body = fitted(printed.TEMPLATE_MESSAGE, {"10001": 3, "1001": 2})
    assert accepted(deployed, body, path)["sendno"] == "test"


@pytest.mark.parametrize("whom", [printed.TAGS, printed.USERIDS, printed.SEGMENT])
def test_audiences(deployed: Api, whom: str) -> None:
    parts = {
        **json.loads(whom),
        **json.loads(printed.TEMPLATE_PARA),
        **json.loads(printed.APP_PARA),
    }
    accepted(deployed, {**parts, "template_id": 2}, "/v1/template/sent")
    accepted(deployed, {**json.loads(whom), "msg_sms": printed.CONTENTS["msg_sms"][:1]})


def test_registration_ids_of_all_types_at_once(deployed: Api) -> None:
    contents = {field: elements[:1] for field, elements in printed.CONTENTS.items()}
    accepted(deployed, {**json.loads(printed.REGISTRATION_IDS), **contents})


@pytest.mark.parametrize(("name", "body"), printed.messages())
def test_contents_of_each_type(deployed: Api, name: str, body: dict[str, Any]) -> None:
    accepted(deployed, body)


@pytest.mark.parametrize(
    ("field", "kind", "elements"),
    [
        ("msg_wechatwk", "wechatwk", 6),
        ("msg_wechatwk", "wechatwk_linkedcorp", 6),
        ("msg_email", "email", 2),
        ("msg_wechatoa", "wechatoa", 2),
        ("msg_dingtalk_cc", "dingtalk_cc", 2),
    ],
)
def test_all_contents_of_a_type_in_one_list_are_sent(
    deployed: Api, field: str, kind: str, elements: int
) -> None:
    audience = f"aud_{kind}"
    body = {
        audience: json.loads(printed.REGISTRATION_IDS)[audience],
        field: printed.CONTENTS[field],
    }
    message = deployed.world.messages.get(accepted(deployed, body)["msgid"])
    assert message is not None
    assert len(message.contents) == len(message.channels) == elements
    plan = deployed.world.ledger.plan(ChunkId(message.msgid, 0))
    assert plan is not None
    assert sum(plan.targets[0].contacts.values()) == elements


def test_an_element_that_nobody_of_the_audience_can_get_is_refused(deployed: Api) -> None:
    """Linked corporations have no template cards."""
    audience = json.loads(printed.REGISTRATION_IDS)
    card = {"card_type": "text_notice", "main_title": {"title": "News"}}
    elements = [
        printed.CONTENTS["msg_wechatwk"][0],
        {"msgtype": "template_card", "template_card": card},
    ]
    body = {
        "msg_wechatwk": elements,
        "aud_wechatwk_linkedcorp": audience["aud_wechatwk_linkedcorp"],
    }
    reply = deployed.send(body, path="/v1/sent")
    assert (reply.status, reply.code) == (400, 4004)
    assert "msg_wechatwk[1].msgtype" in reply.json["message"]


def test_users(deployed: Api) -> None:
    assert accepted(deployed, fitted(printed.USER_BY_PHONE, OWN), "/v1/user/opt")["data"][
        "success"
    ] == ["zhangsan"]
    assert accepted(deployed, json.loads(printed.USER_BY_APP), "/v1/user/opt")["data"][
        "success"
    ] == ["zhangsan"]
    many = fitted(printed.USER, OWN)
    for auth in (SENDER, OPERATOR):
        for body in (
            {"userid": "lisi", **many},
            *({"userid": "lisi", part: many} for part in ("set", "add", "del")),
        ):
            assert accepted(deployed, [body], "/v1/user/opt", auth)["data"] == {
                "success": ["lisi"],
                "fail": [],
            }
        assert deployed.fake.users.stored["lisi"].contacts == {}
    accepted(
        deployed,
        [{"userid": userid} for userid in json.loads(printed.DELETED_USERS)],
        "/v1/user/opt",
    )
    deleted = accepted(deployed, json.loads(printed.DELETED_USERS), "/v1/user/delete", OPERATOR)
    assert deleted["data"] == {"success": ["userid1", "userid2"], "fail": []}


def test_operation_growth(deployed: Api) -> None:
    accepted(deployed, [{"userid": "10362819"}, {"userid": "103629"}], "/v1/user/opt")
    body = fitted(printed.CONTACTS, {"210": 11, "2210": 12, "219": 16})
    for path, method, asked in (
        ("user/channel/batch", "PUT", body),
        ("user/attribute", "PUT", printed.ATTRIBUTES),
        ("events/report", "POST", fitted(printed.EVENTS, OWN)),
    ):
        assert accepted(deployed, asked, f"/smartop/api/v1/{path}", method=method) == {
            "code": 0,
            "msg": "ok",
        }
