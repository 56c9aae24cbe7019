"""Bodies of UMS's clients, which differ from its printed ones.

Public clients are duxphp/go-jums and cavlabs/jiguang-sdk-go. Libraries of most languages write
null for fields that nobody has set.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests import printed
from tests.entrypoints.conftest import Api, message
from tests.entrypoints.http.ums.sends import SMS, ordinary, stored
from tests.entrypoints.http.ums.test_printed import deployed as deployed

WHOM = json.loads(printed.REGISTRATION_IDS)
AUDIENCES = [*WHOM, "aud_tag", "aud_userid", "aud_segment"]
CONTENTS = [*printed.CONTENTS]
WECHAT = {"type": 0, "template_id": "t1", "data": {"first": {"value": "Hello", "color": ""}}}


def to(kind: str, element: Any, **more: Any) -> dict[str, Any]:
    return {f"aud_{kind}": WHOM[f"aud_{kind}"], f"msg_{kind}": [element], **more}


@pytest.mark.parametrize(
    ("kind", "element"),
    [
        (
            "app",
            {
                "platform": "ios",
                "notification": {"ios": {"alert": "", "badge": "+1", "content-available": True}},
            },
        ),
        ("email", {"subject": "Hello", "text": "Hello", "files": None}),
        ("sms", {"sign_id": "", "temp_id": 1, "temp_para": {"code": "1234"}}),
        ("sms", {"sign_id": "1", "temp_id": 1, "temp_para": None}),
        ("dingtalk_cc", {"msg": {"msgtype": "text", "text": "Hello"}}),
        (
            "wechatoa",
            {
                **WECHAT,
                "url": "https://www.jiguang.cn",
                "miniprogram": {"app_id": "", "page_path": ""},
            },
        ),
        ("wechatoa", {**WECHAT, "data": {"number1": {"value": 5}, "amount2": {"value": 39.8}}}),
        (
            "wechatmp",
            {
                "template_id": "t1",
                "page": "",
                "miniprogram_state": "formal",
                "data": {"number1": {"value": 339208499}},
            },
        ),
    ],
)
def test_contents_as_public_clients_build_them(deployed: Api, kind: str, element: Any) -> None:
    assert deployed.send(to(kind, element), path="/v1/sent").code == 0


OPTION = dict.fromkeys(
    ["sendno", "owner", "black_id", "white_id", "priority", "label", "template_version"]
)


@pytest.mark.parametrize(
    "nulls",
    [
        {"rule_id": None, "option": None, "callback": None},
        {"option": OPTION, "callback": {"url": None, "params": None}},
        {"template_id": None, "template_para": None, "app_para": None},
        dict.fromkeys(
            name for name in (*AUDIENCES, *CONTENTS) if name not in ("aud_sms", "msg_sms")
        ),
        {
            "msg_sms": [{**SMS, "sign_id": None, "content": None}],
            "aud_sms": [{"instance": None, "data": ["18866007799"]}],
        },
    ],
)
def test_null_is_as_left_out_of_an_ordinary_message(deployed: Api, nulls: dict[str, Any]) -> None:
    found = stored(deployed, deployed.send({**to("sms", SMS), **nulls}, path="/v1/sent"))
    assert (found.rule_id, found.priority, found.sendno, found.callback) == (0, 2, "", {})
    assert list(found.contents.values()) == [SMS]


@pytest.mark.parametrize("path", ["/v1/sent", "/v1/template/sent"])
def test_null_is_as_left_out_of_a_template_message(configured: Api, path: str) -> None:
    nulls = dict.fromkeys(
        [
            *(name for name in AUDIENCES if name != "aud_userid"),
            *CONTENTS,
            "rule_id",
            "option",
            "callback",
        ]
    )
    body = message(
        **nulls, app_para={"platform": "all", "time_to_live": None, "apns_production": None}
    )
    assert stored(configured, configured.send(body, path=path)).app_para == {"platform": "all"}


@pytest.mark.parametrize("path", ["/v1/broadcast", "/v1/template/broadcast"])
def test_null_is_as_left_out_of_a_broadcast(configured: Api, path: str) -> None:
    assert configured.send(message(**dict.fromkeys([*AUDIENCES, *CONTENTS])), path=path).code == 0


@pytest.mark.parametrize("path", ["/v1/sent", "/v1/template/sent"])
def test_an_empty_list_is_as_left_out_of_a_template_message(configured: Api, path: str) -> None:
    empty: dict[str, Any] = {name: [] for name in CONTENTS}
    assert configured.send(message(**empty), path=path).code == 0


@pytest.mark.parametrize("path", ["/v1/broadcast", "/v1/template/broadcast"])
def test_an_empty_list_is_as_left_out_of_a_broadcast(configured: Api, path: str) -> None:
    names = [*(name for name in AUDIENCES if name != "aud_userid"), *CONTENTS]
    body = message(**{name: [] for name in names})
    assert "aud_userid" in body
    del body["aud_userid"]
    assert configured.send(body, path=path).code == 0
    nobody = configured.send({**body, "aud_userid": []}, path=path)
    assert (nobody.status, nobody.code) == (400, 4004), "who names nobody does not mean everyone"


def test_null_is_as_left_out_of_a_push_but_for_what_is_the_senders_own(deployed: Api) -> None:
    own = {"order": None, "of": [None, {"a": None}]}
    android = {"alert": "Hello", "title": None, "extras": own}
    push = {
        "platform": "all",
        "notification": {"alert": None, "android": android, "ios": None},
        "message": None,
        "options": None,
        "cid": None,
    }
    found = stored(
        deployed, deployed.send(to("app", push, callback={"params": own}), path="/v1/sent")
    )
    assert found.contents["app123"] == {
        "notification": {"android": {"alert": "Hello", "extras": own}}
    }
    assert found.callback == {"params": own}


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        (ordinary(aud_userid=None), 4004, "aud_userid"),
        (ordinary(msg_sms=None), 4004, "msg_"),
        (ordinary(nothing=None, x=1), 4004, "x"),
        (message(template_id=None, template_para=None, app_para=None), 4004, "msg_"),
        (message(template_para=None), 4004, "template_para.name"),
        (ordinary(aud_userid=["a", None]), 4004, "aud_userid[1]"),
        (ordinary(msg_sms=[None]), 4004, "msg_sms[0]"),
    ],
)
def test_null_is_missing_where_something_is_required(
    configured: Api, body: dict[str, Any], code: int, field: str
) -> None:
    reply = configured.send(body, path="/v1/sent")
    assert (reply.status, reply.code) == (400, code), reply.body
    assert field in reply.json["message"]
