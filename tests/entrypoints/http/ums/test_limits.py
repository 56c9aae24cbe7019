"""Both sides of every limit of UMS v1 and Operation Growth: the maximum, and one more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.flow.content import render
from tests.entrypoints.conftest import KEY, OPERATOR, SENDER, Api

PLATFORMS = {
    "wechatoa": "wechatoa",
    "wechatmp": "wechatmp",
    "email": "smtp",
    "alipay_life": "alipay",
    "dingtalk_cc": "dingtalk",
    "wechatwk": "wecom",
}
SMS = [{"temp_id": 1}]


@dataclass(frozen=True)
class Limit:
    """A limit: `body` builds a request with a number of things, and a refusal names `place`.

    `least`: the minimum, if there is one.

    `taken`: codes of what is within the limit, but names things that are not there.
    """

    place: str
    most: int | None
    body: Callable[[int], Any]
    least: int | None = None
    code: int = 4004
    path: str = "/v1/sent"
    method: str = "POST"
    auth: str = SENDER
    headers: Callable[[int], Mapping[str, str]] = lambda n: {}
    taken: tuple[int, ...] = (0,)

    def __str__(self) -> str:
        return f"{self.path} {self.place}"


def text(n: int) -> str:
    return "x" * n


def send(**fields: Any) -> dict[str, Any]:
    return {
        "aud_userid": ["u"],
        **({} if any(name.startswith("msg_") for name in fields) else {"msg_sms": SMS}),
        **fields,
    }


def of(
    kind: str,
    most: int,
    place: str,
    element: Callable[[int], dict[str, Any]],
    least: int | None = None,
) -> Limit:
    """Of the content for a channel type."""
    name = f"msg_{kind}"
    return Limit(
        f"{name}[0].{place}" if place else name, most, lambda n: send(**{name: [element(n)]}), least
    )


def wecom(
    kind: str,
    most: int,
    place: str,
    value: Callable[[int], dict[str, Any]],
    least: int | None = None,
) -> Limit:
    return of(
        "wechatwk", most, f"{kind}.{place}", lambda n: {"msgtype": kind, kind: value(n)}, least
    )


def official(**fields: Any) -> dict[str, Any]:
    return {"template_id": "t", "data": {"first": {"value": "v"}}, **fields}


def alipay(**fields: Any) -> dict[str, Any]:
    context = {
        "head_color": "#85be53",
        "url": "https://a.cn",
        "action_name": "more",
        "keyword1": {"value": "v"},
    }
    return {"template_id": "t", "context": {**context, **fields}}


def article(**fields: Any) -> dict[str, Any]:
    return {"articles": [{"title": "t", "url": "https://a.cn", **fields}]}


def notice(**fields: Any) -> dict[str, Any]:
    return {"appid": "wx1", "title": "four", **fields}


def address(n: int) -> str:
    return "https://a.cn/".ljust(n, "x")


SENDS = [
    Limit(
        "aud_userid",
        1000,
        lambda n: send(aud_userid=[f"u{m}" for m in range(n)]),
        least=1,
        code=1015004,
    ),
    Limit("aud_userid[0]", 64, lambda n: send(aud_userid=[text(n)]), least=1),
    Limit(
        "aud_tag", 20, lambda n: send(aud_userid=None, aud_tag=[f"t{m}" for m in range(n)]), least=1
    ),
    Limit("aud_tag[0]", 40, lambda n: send(aud_userid=None, aud_tag=[text(n)]), least=1),
    Limit(
        "aud_tag[0]", 13, lambda n: send(aud_userid=None, aud_tag=["标" * n])
    ),  # three bytes each
    Limit("aud_segment", 1, lambda n: send(aud_userid=None, aud_segment=["1000"] * n), least=1),
    Limit(
        "aud_sms",
        1000,
        lambda n: send(aud_userid=None, aud_sms=[{"data": [f"1{m}" for m in range(n)]}]),
        least=1,
    ),
    Limit(
        "aud_sms[0].data[0]",
        256,
        lambda n: send(aud_userid=None, aud_sms=[{"data": [text(n)]}]),
        least=1,
    ),
    Limit(
        "aud_sms[0].instance",
        64,
        lambda n: send(aud_userid=None, aud_sms=[{"instance": text(n), "data": ["1"]}]),
    ),
    Limit("msg_sms", 10, lambda n: send(msg_sms=SMS * n), least=1),
    Limit("option.sendno", 64, lambda n: send(option={"sendno": text(n)})),
    Limit("option.owner", 64, lambda n: send(option={"owner": text(n)})),
    Limit("option.label", 30, lambda n: send(option={"label": text(n)})),
    Limit("option.priority", 3, lambda n: send(option={"priority": n}), least=1),
    Limit("callback.url", 2048, lambda n: send(callback={"url": address(n)})),
    Limit(
        "callback.params",
        4096,
        lambda n: send(callback={"params": {"a": text(n - len('{"a": ""}'))}}),
    ),
    Limit(
        "app_para.time_to_live",
        864_000,
        lambda n: template(app_para={"platform": "all", "time_to_live": n}),
        least=0,
    ),
    Limit(
        "template_para.url",
        2048,
        lambda n: template(template_id=2, template_para={"url": address(n)}),
    ),
    Limit(
        "Idempotency-Key",
        255,
        lambda n: send(),
        least=1,
        headers=lambda n: {"Idempotency-Key": text(n)},
    ),
    Limit(
        "body", 256 * 1024, lambda n: send(msg_email=[{"subject": "s", "text": text(n - EMPTY)}])
    ),
]
EMPTY = render.size({"email1": {"subject": "s", "text": ""}})

CONTENTS = [
    of("wechatoa", 128, "template_id", lambda n: official(template_id=text(n)), least=1),
    of("wechatoa", 2048, "url", lambda n: official(url=address(n))),
    of("wechatoa", 2048, "page", lambda n: official(type=1, page=address(n))),
    of(
        "wechatoa",
        50,
        "data",
        lambda n: official(data={f"key{m}": {"value": "v"} for m in range(n)}),
        least=1,
    ),
    of(
        "wechatoa", 2048, "data.first.value", lambda n: official(data={"first": {"value": text(n)}})
    ),
    of("wechatoa", 1, "type", lambda n: official(type=n), least=0),
    of(
        "wechatoa",
        32,
        "miniprogram.appid",
        lambda n: official(miniprogram={"appid": text(n), "pagepath": "p"}),
        least=1,
    ),
    of(
        "wechatoa",
        1024,
        "miniprogram.pagepath",
        lambda n: official(miniprogram={"appid": "wx1", "pagepath": text(n)}),
    ),
    of("wechatmp", 128, "template_id", lambda n: official(template_id=text(n)), least=1),
    of("wechatmp", 1024, "page", lambda n: official(page=text(n))),
    of(
        "wechatmp",
        20,
        "data.thing1.value",
        lambda n: official(data={"thing1": {"value": text(n)}}),
        least=1,
    ),
    of("email", 500, "subject", lambda n: {"subject": text(n), "text": "t"}, least=1),
    of(
        "email",
        10,
        "files",
        lambda n: {"subject": "s", "text": "t", "files": ["https://a.cn/a"] * n},
    ),
    of("alipay_life", 128, "template_id", lambda n: {**alipay(), "template_id": text(n)}, least=1),
    of("alipay_life", 10, "context.head_color", lambda n: alipay(head_color=text(n)), least=1),
    of("alipay_life", 256, "context.url", lambda n: alipay(url=address(n))),
    of("alipay_life", 16, "context.action_name", lambda n: alipay(action_name=text(n)), least=1),
    of("alipay_life", 8, "context.action_name", lambda n: alipay(action_name="看" * n)),
    of(
        "alipay_life",
        128,
        "context.keyword1.value",
        lambda n: alipay(keyword1={"value": text(n)}),
        least=1,
    ),
    of(
        "dingtalk_cc",
        500,
        "msg.text.content",
        lambda n: {"msg": {"msgtype": "text", "text": {"content": text(n)}}},
        least=1,
    ),
    of("dingtalk_cc", 500, "text", lambda n: {"text": "字" * n}, least=1),
    wecom("text", 2048, "content", lambda n: {"content": text(n)}, least=1),
    wecom("text", 682, "content", lambda n: {"content": "字" * n}),  # three bytes each
    wecom("news", 8, "articles", lambda n: {"articles": article()["articles"] * n}, least=1),
    wecom("news", 128, "articles[0].title", lambda n: article(title=text(n)), least=1),
    wecom("news", 512, "articles[0].description", lambda n: article(description=text(n))),
    wecom("news", 2048, "articles[0].url", lambda n: article(url=address(n))),
    wecom(
        "mpnews",
        8,
        "articles",
        lambda n: {"articles": [{"title": "t", "thumb_media_id": "m", "content": "c"}] * n},
        least=1,
    ),
    wecom("miniprogram_notice", 12, "title", lambda n: notice(title="标" * n), least=4),
    wecom("miniprogram_notice", 12, "description", lambda n: notice(description="标" * n), least=4),
    wecom(
        "miniprogram_notice",
        10,
        "content_item",
        lambda n: notice(content_item=[{"key": "k", "value": "v"}] * n),
    ),
    wecom(
        "miniprogram_notice",
        10,
        "content_item[0].key",
        lambda n: notice(content_item=[{"key": "键" * n, "value": "v"}]),
        least=1,
    ),
    wecom(
        "miniprogram_notice",
        30,
        "content_item[0].value",
        lambda n: notice(content_item=[{"key": "k", "value": "值" * n}]),
        least=1,
    ),
    of(
        "wechatwk",
        1,
        "safe",
        lambda n: {"msgtype": "text", "text": {"content": "c"}, "safe": n},
        least=0,
    ),
    of(
        "wechatwk",
        14_400,
        "duplicate_check_interval",
        lambda n: {"msgtype": "text", "text": {"content": "c"}, "duplicate_check_interval": n},
        least=1,
    ),
]


def template(**fields: Any) -> dict[str, Any]:
    return {
        "aud_userid": ["u"],
        "template_id": 1,
        "template_para": {"name": "x"},
        "app_para": {"platform": "all"},
        **fields,
    }


def large_user(n: int) -> dict[str, Any]:
    """Build a user of so many bytes, with three for each contact and those of its scope."""
    devices = [f"{m:02}".ljust(256, "x") for m in range(100)]
    people = [f"C/{m:02}".ljust(256, "x") for m in range(26)]
    rest = n - len("app1") - 100 * 259 - len("all") - 26 * 259 - 3
    return {
        "userid": "u",
        "app": {"app1": devices},
        "wechatwk_linkedcorp": [*people, "C/".ljust(rest, "y")],
    }


USERS = [
    Limit("body", 1000, lambda n: [{"userid": f"u{m}"} for m in range(n)], least=1),
    Limit("userid", 64, lambda n: [{"userid": text(n)}], least=1),
    Limit("tag.all[0]", 40, lambda n: [{"userid": "u", "tag": {"all": [text(n)]}}], least=1),
    Limit("tag.all", 100, lambda n: [{"userid": "u", "tag": {"all": [f"t{m}" for m in range(n)]}}]),
    Limit("phone.all", 20, lambda n: [{"userid": "u", "phone": {"all": "1" * n}}], least=5),
    Limit(
        "email.all",
        254,
        lambda n: [{"userid": "u", "email": {"all": "@a.cn".rjust(n, "x")}}],
        least=6,
    ),
    Limit(
        "app.app1", 100, lambda n: [{"userid": "u", "app": {"app1": [f"r{m}" for m in range(n)]}}]
    ),
    Limit("app.app1[0]", 256, lambda n: [{"userid": "u", "app": {"app1": [text(n)]}}], least=1),
    Limit(
        "wechatoa.wechatoa1",
        256,
        lambda n: [{"userid": "u", "set": {"wechatoa": {"wechatoa1": text(n)}}}],
        least=1,
    ),
    Limit("dingtalkcc", 256, lambda n: [{"userid": "u", "set": {"dingtalkcc": text(n)}}], least=1),
    Limit(
        "wechatwk_linkedcorp",
        100,
        lambda n: [{"userid": "u", "set": {"wechatwk_linkedcorp": [f"C/{m}" for m in range(n)]}}],
    ),
    Limit(
        "wechatwk_linkedcorp[0]",
        256,
        lambda n: [{"userid": "u", "wechatwk_linkedcorp": ["/u".rjust(n, "C")]}],
        least=3,
    ),
    Limit("32768 bytes", 32_768, lambda n: [large_user(n)]),
]
OTHERS = [
    Limit(
        "body",
        1000,
        lambda n: [f"u{m}" for m in range(n)],
        least=1,
        path="/v1/user/delete",
        auth=OPERATOR,
        taken=(1019023,),
    ),
    Limit("name", 255, lambda n: {"name": text(n)}, least=1, path="/v1/material/upload"),
    Limit(
        "time_to_live",
        168,
        lambda n: {"name": "a", "time_to_live": n},
        least=1,
        path="/v1/material/upload",
    ),
]


def growth(
    path: str,
    place: str,
    most: int | None,
    body: Callable[[int], Any],
    least: int | None = None,
    **more: Any,
) -> Limit:
    method = "POST" if path.startswith("events") else "PUT"
    return Limit(
        place,
        most,
        body,
        least,
        **{"code": 40002, "path": f"/smartop/api/v1/{path}", "method": method, **more},
    )


def batch(number: int = 2, **labels: Any) -> list[dict[str, Any]]:
    return [
        {
            "cuid": 5,
            "channels": [{"id": number, "channelValues": labels or {"默认联系": "15088888888"}}],
        }
    ]


def attribute(name: str = "a", value: Any = 1) -> dict[str, Any]:
    return {"cuid": 5, "data": {name: value}}


def events(**fields: Any) -> dict[str, Any]:
    return {"appKey": KEY, "data": [{"cuid": 5, "eventName": "e", "itime": 1, **fields}]}


BATCH, ATTRIBUTE, EVENTS, LONG = "user/channel/batch", "user/attribute", "events/report", 2**63 - 1
GROWTH = [
    growth(BATCH, "CUID", 100, lambda n: batch() * n, least=1, code=40011),
    growth(
        BATCH,
        "[0].channels",
        50,
        lambda n: [{**batch()[0], "channels": batch()[0]["channels"] * n}],
        least=1,
    ),
    growth(
        BATCH,
        "[0].channels[0].channelValues",
        50,
        lambda n: [
            {"cuid": 5, "channels": [{"id": 2, "channelValues": {f"l{m}": "x" for m in range(n)}}]}
        ],
        least=1,
        taken=(4000, 4107),
    ),
    growth(BATCH, "channelValues.默认联系", 1024, lambda n: batch(默认联系=text(n)), taken=(4107,)),
    growth(
        BATCH,
        "短信通道值不合法",
        11,
        lambda n: batch(默认联系="1".ljust(n, "8")),
        least=11,
        code=4107,
    ),
    growth(BATCH, "64 bits", LONG, lambda n: [{**batch()[0], "cuid": n}]),
    growth(BATCH, "[0].cuid", None, lambda n: [{**batch()[0], "cuid": n}], least=1),
    growth(BATCH, "64 bits", LONG, lambda n: batch(n), taken=(4107,)),
    growth(BATCH, "[0].channels[0].id", None, lambda n: batch(n), least=1),
    growth(
        ATTRIBUTE,
        "data",
        100,
        lambda n: {"cuid": 5, "data": {f"a{m}": 1 for m in range(n)}},
        least=1,
    ),
    growth(ATTRIBUTE, "data.x", 64, lambda n: attribute(text(n))),
    growth(ATTRIBUTE, "data.a", 1024, lambda n: attribute(value=text(n))),
    growth(ATTRIBUTE, "data.a", 100, lambda n: attribute(value=[1] * n)),
    growth(EVENTS, "data", 100, lambda n: {**events(), "data": events()["data"] * n}, least=1),
    growth(EVENTS, "data[0].eventName", 64, lambda n: events(eventName=text(n)), least=1),
    growth(EVENTS, "data[0].randomId", 64, lambda n: events(randomId=text(n))),
    growth(EVENTS, "data[0].itime", None, lambda n: events(itime=n), least=1),
    growth(
        EVENTS,
        "data[0].properties",
        100,
        lambda n: events(properties={f"p{m}": 1 for m in range(n)}),
    ),
]


@pytest.fixture
def everything(configured: Api) -> Api:
    """A delivery channel of every type with contents, a template with a link (2), and user 5."""
    known = configured.fake.settings.channel("sms1")
    assert known is not None
    for number, (kind, platform) in enumerate(PLATFORMS.items(), 10):
        code = f"{kind.replace('_', '')}1"
        channel = replace(
            known, code=code, name=kind, number=number, type=ChannelType(kind), platform=platform
        )
        configured.fake.settings.put_channel(channel)
        assert (
            configured.admin(
                "PUT", f"access-channels/{KEY}/channels/{code}", {"enabled": True}
            ).status
            == 200
        )
    linked = {"channel_key": KEY, "name": "linked", "contents": {"app": {"alert": "{{url}}"}}}
    assert configured.admin("POST", "templates", linked).json["template_id"] == 2
    for userid in ("5", "1", str(LONG)):
        assert configured.users([{"userid": userid}], auth=OPERATOR).status == 200
    return configured


def ask(api: Api, limit: Limit, n: int) -> tuple[int, str]:
    """Return the code and the text of an answer, for users those of the failed one."""
    body = limit.body(n)
    answer = api(limit.method, limit.path, body, auth=limit.auth, headers=limit.headers(n)).json
    for failed in (
        answer.get("data", {}).get("fail", ()) if limit.path.startswith("/v1/user") else ()
    ):
        return int(failed["errcode"]), failed["errmsg"]
    return answer["code"], answer.get("message") or answer.get("msg") or ""


@pytest.mark.parametrize(
    "limit",
    [*SENDS, *CONTENTS, *(replace(each, path="/v1/user/opt") for each in USERS), *OTHERS, *GROWTH],
    ids=str,
)
def test_the_most_is_taken_and_one_more_is_refused_by_name(everything: Api, limit: Limit) -> None:
    for good, one_too_far in ((limit.most, +1), (limit.least, -1)):
        if good is None:
            continue
        code, said = ask(everything, limit, good)
        assert code in limit.taken, said
        code, said = ask(everything, limit, good + one_too_far)
        assert (code, limit.place in said) == (limit.code, True), said
