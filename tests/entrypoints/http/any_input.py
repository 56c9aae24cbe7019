"""Good bodies of every route, to be varied."""

from __future__ import annotations

from typing import Any

from tests.entrypoints.conftest import (
    CONTENTS,
    JPUSH,
    JSMS,
    KEY,
    OPERATOR,
    SENDER,
    UMS_ERRORS,
    Api,
    message,
)

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


def check(api: Api, reply: Any) -> None:
    """Ask in a second of its own, so that the rate limit does not answer."""
    api.fake.clock.advance(1)
    assert 200 <= reply.status < 500, reply.body
    assert reply.status != 429
    body = reply.json
    if reply.status >= 400:
        assert set(body) in (
            *UMS_ERRORS,
            {"code", "msg"},
            {"type", "title", "status", "detail", "errors"},
        )
