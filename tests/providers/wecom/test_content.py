from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.providers.wecom import content
from chalicelib.providers.wecom.linkedcorp import LinkedCorp
from chalicelib.providers.wecom.wecom import WeCom
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import tokens

ARTICLE = {
    "title": "T",
    "url": "https://a.example",
    "picurl": "https://a.example/p.png",
    "description": "d",
}
PAGE = {"title": "T", "thumb_media_id": "m", "content": "<p>x</p>"}
NOTICE = {
    "appid": "wx1",
    "title": "会议室预订",
    "description": "今天下午",
    "content_item": [{"key": "room", "value": "402"}],
}
CARD = {
    "card_type": "text_notice",
    "main_title": {"title": "hi"},
    "card_action": {"type": 1, "url": "{{url}}"},
}


def message(kind: str, **fields: Any) -> dict[str, Any]:
    return {"msgtype": kind, kind: fields}


def check(value: dict[str, Any]) -> None:
    WeCom(http(ScriptedTransport()), tokens()).check_content(value)


GOOD = [
    message("text", content="a" * 2048),
    message("text", content="字" * 682),
    message("text", content="{{name}}" + "a" * 2048),
    message("image", media_id="m"),
    message("voice", media_id="m"),
    message("file", media_id="{{media}}"),
    message("video", media_id="m", title="a" * 128, description="a" * 512),
    message("video", media_id="m"),
    message(
        "textcard",
        title="a" * 128,
        description="a" * 512,
        url="https://a/" + "x" * 2038,
        btntxt="查看详情",
    ),
    message("textcard", title="t", description="d", url="{{url}}"),
    message("news", articles=[ARTICLE] * 8),
    message("news", articles=[{"title": "t", "appid": "wx", "pagepath": "p"}]),
    message(
        "mpnews",
        articles=[
            {
                **PAGE,
                "author": "a" * 64,
                "digest": "a" * 512,
                "content_source_url": "http://a",
                "x": 1,
            }
        ],
    ),
    message("markdown", content="a" * 2048),
    message("miniprogram_notice", **NOTICE),
    message("miniprogram_notice", appid="wx1", title="一" * 12),
    message("miniprogram_notice", appid="wx1", title="{{t}}"),
    message(
        "miniprogram_notice",
        **{**NOTICE, "content_item": [{"key": "k" * 10, "value": "v" * 30}] * 10},
    ),
    *(message("template_card", **{**CARD, "card_type": kind}) for kind in content.CARDS),
    message(
        "template_card",
        **CARD,
        horizontal_content_list=[{}] * 6,
        jump_list=[{}] * 3,
        button_list=[{}] * 6,
    ),
    {
        **message("text", content="x", unknown=[1]),
        "safe": 1,
        "enable_id_trans": 0,
        "enable_duplicate_check": 1,
    },
    {**message("text", content="x"), "duplicate_check_interval": 14400},
    {**message("mpnews", articles=[PAGE]), "safe": 2},
    {**message("news", articles=[{"title": "t", "url": "https://a"}]), "safe": 0},
]


@pytest.mark.parametrize("value", GOOD)
def test_messages_within_their_limits_are_taken(value: dict[str, Any]) -> None:
    check(value)


BAD = [
    ({}, "msgtype"),
    ({"msgtype": "poem"}, "msgtype"),
    ({"msgtype": ["text"]}, "msgtype"),
    ({"msgtype": "{{kind}}"}, "msgtype"),
    ({"msgtype": "text"}, "text"),
    ({"msgtype": "text", "text": "x"}, "text"),
    ({**message("text", content="x"), "touser": "@all"}, "touser"),
    ({**message("text", content="x"), "toparty": "1"}, "toparty"),
    ({**message("text", content="x"), "agentid": 7}, "agentid"),
    ({**message("text", content="x"), "image": {}}, "image"),
    ({**message("text", content="x"), "safe": 2}, "safe"),
    ({**message("news", articles=[{"title": "t", "url": "https://a"}]), "safe": 1}, "safe"),
    ({**message("mpnews", articles=[PAGE]), "safe": 3}, "safe"),
    ({**message("mpnews", articles=[PAGE]), "enable_id_trans": 2}, "enable_id_trans"),
    (
        {**message("text", content="x"), "duplicate_check_interval": 14401},
        "duplicate_check_interval",
    ),
    ({**message("text", content="x"), "duplicate_check_interval": 0}, "duplicate_check_interval"),
    (
        {**message("text", content="x"), "duplicate_check_interval": True},
        "duplicate_check_interval",
    ),
    (message("text", content="a" * 2049), "text.content"),
    (message("text", content="字" * 683), "text.content"),
    (message("text", content=" "), "text.content"),
    (message("text", content=5), "text.content"),
    (message("markdown", content="a" * 2049), "markdown.content"),
    (message("image", media_id=""), "image.media_id"),
    (message("voice", media="m"), "voice.media_id"),
    (message("video", media_id="m", title="a" * 129), "video.title"),
    (message("video", media_id="m", description="a" * 513), "video.description"),
    (message("textcard", title="t", description="d"), "textcard.url"),
    (message("textcard", title="t", description="d", url="javascript:1"), "textcard.url"),
    (
        message("textcard", title="t", description="d", url="https://a/" + "x" * 2039),
        "textcard.url",
    ),
    (message("textcard", title="t", url="https://a"), "textcard.description"),
    (message("textcard", title="a" * 129, description="d", url="https://a"), "textcard.title"),
    (
        message("textcard", title="t", description="d", url="https://a", btntxt="查看全部详情"),
        "textcard.btntxt",
    ),
    (message("news", x=1), "news.articles"),
    (message("news", x=1, articles=[]), "news.articles"),
    (message("news", articles=[ARTICLE] * 9), "news.articles"),
    (message("news", articles=[ARTICLE, "x"]), "news.articles"),
    (
        message("news", articles=[ARTICLE, {**ARTICLE, "title": "字" * 43}]),
        "news.articles[1].title",
    ),
    (
        message("news", articles=[{**ARTICLE, "description": "a" * 513}]),
        "news.articles[0].description",
    ),
    (message("news", articles=[{"title": "t", "appid": "wx"}]), "news.articles[0].url"),
    (message("mpnews", articles=[{**PAGE, "author": "a" * 65}]), "mpnews.articles[0].author"),
    (message("mpnews", articles=[{**PAGE, "digest": "a" * 513}]), "mpnews.articles[0].digest"),
    (
        message("mpnews", articles=[{**PAGE, "content": "a" * (666 * 1024 + 1)}]),
        "mpnews.articles[0].content",
    ),
    (
        message("mpnews", articles=[{"title": "t", "content": "c"}]),
        "mpnews.articles[0].thumb_media_id",
    ),
    (message("miniprogram_notice", **{**NOTICE, "title": "一二三"}), "miniprogram_notice.title"),
    (message("miniprogram_notice", **{**NOTICE, "title": "一" * 13}), "miniprogram_notice.title"),
    (
        message("miniprogram_notice", **{**NOTICE, "description": "一二三"}),
        "miniprogram_notice.description",
    ),
    (
        message(
            "miniprogram_notice", **{**NOTICE, "content_item": [{"key": "k", "value": "v"}] * 11}
        ),
        "miniprogram_notice.content_item",
    ),
    (
        message(
            "miniprogram_notice", **{**NOTICE, "content_item": [{"key": "k" * 11, "value": "v"}]}
        ),
        "miniprogram_notice.content_item[0].key",
    ),
    (
        message(
            "miniprogram_notice", **{**NOTICE, "content_item": [{"key": "k", "value": "v" * 31}]}
        ),
        "miniprogram_notice.content_item[0].value",
    ),
    (message("miniprogram_notice", title="一二三四"), "miniprogram_notice.appid"),
    (message("template_card", card_type="poem"), "template_card.card_type"),
    (message("template_card", **CARD, task_id="mine"), "template_card.task_id"),
    (message("template_card", **CARD, button_list=[{}] * 7), "template_card.button_list"),
    (message("template_card", **CARD, jump_list="x"), "template_card.jump_list"),
]


@pytest.mark.parametrize(("value", "field"), BAD)
def test_messages_beyond_them_are_refused_by_name(value: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        check(value)
    assert error.value.field == field


def test_linked_corporations_have_the_same_messages_but_cards() -> None:
    provider = LinkedCorp(http(ScriptedTransport()), tokens())
    for value in GOOD:
        if value["msgtype"] == "template_card":
            with pytest.raises(Invalid, match="msgtype"):
                provider.check_content(value)
        else:
            provider.check_content(value)
