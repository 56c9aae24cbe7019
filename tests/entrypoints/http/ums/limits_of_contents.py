"""Limits of the contents for every channel type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.entrypoints.http.ums.limits import Limit, address, send, text


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
        None,
        "msg.text.content",
        lambda n: {"msg": {"msgtype": "text", "text": {"content": text(n)}}},
        least=1,
    ),
    of("dingtalk_cc", None, "text", lambda n: {"text": "字" * n}, least=1),
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
