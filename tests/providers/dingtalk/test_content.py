"""Contents and settings of DingTalk."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.providers.dingtalk.dingtalk import DingTalk
from tests.providers.dingtalk.calls import CREDENTIALS, msg
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import tokens

OA = {
    "message_url": "{{url}}",
    "head": {"bgcolor": "FFBBBBBB", "text": "h" * 10},
    "body": {"title": "t", "form": [{"key": "k", "value": "v"}]},
}

CARD = {"title": "t", "markdown": "# x"}
BUTTON = {"title": "t" * 20, "action_url": "u" * 700}

GOOD = [
    {"text": "字" * 500},
    {"text": "{{name}}" + "a" * 500},
    msg("text", content="a" * 500),
    {"msg": {"msgtype": "text", "text": "{{name}}" + "a" * 500}},
    msg("image", media_id="@m"),
    msg("file", media_id="m"),
    msg("voice", media_id="m", duration="59"),
    msg("voice", media_id="m", duration=1),
    msg("link", messageUrl="dingtalk://x", picUrl="@p", title="t", text="x" * 600),
    msg("oa", **OA),
    msg("oa", message_url="https://a", body={"content": "x", "unknown": 1}),
    msg("markdown", title="t", text="x" * 5000),
    msg("action_card", **CARD, single_title="s" * 20, single_url="u" * 500),
    msg(
        "action_card",
        **CARD,
        btn_orientation="0",
        btn_json_list=[BUTTON, {"title": "b", "action_url": "{{b_url}}"}],
    ),
]


@pytest.mark.parametrize("content", GOOD)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    DingTalk(http(ScriptedTransport()), tokens()).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "msg"),
        ({"text": ""}, "text"),
        ({"text": {"content": "x"}}, "text"),
        ({"text": "x", "msg": {}}, "msg"),
        ({"msg": "x"}, "msg"),
        ({"msg": {"msgtype": "poem"}}, "msg.msgtype"),
        ({"msg": {"msgtype": "text"}}, "msg.text"),
        ({"msg": {"msgtype": "text", "text": ""}}, "msg.text"),
        ({"msg": {"msgtype": "markdown", "markdown": "x"}}, "msg.markdown"),
        ({"msg": {"msgtype": "text", "text": {"content": "x"}, "link": {}}}, "msg.link"),
        ({**msg("text", content="x"), "userid_list": "all"}, "userid_list"),
        (msg("image", media_id=1), "msg.image.media_id"),
        (msg("voice", media_id="m", duration=60), "msg.voice.duration"),
        (msg("voice", media_id="m", duration=0), "msg.voice.duration"),
        (msg("voice", media_id="m", duration=True), "msg.voice.duration"),
        (msg("voice", media_id="m"), "msg.voice.duration"),
        (msg("link", messageUrl="u", title="t", text="x"), "msg.link.picUrl"),
        (msg("oa", body={"title": "t"}), "msg.oa.message_url"),
        (msg("oa", message_url="u"), "msg.oa.body"),
        (msg("oa", **{**OA, "head": {"text": "h" * 11}}), "msg.oa.head.text"),
        (msg("oa", **{**OA, "head": {"bgcolor": "red"}}), "msg.oa.head.bgcolor"),
        (msg("oa", message_url="u", body={"title": 5}), "msg.oa.body.title"),
        (msg("oa", message_url="u", body={"form": {"key": "k"}}), "msg.oa.body.form"),
        (msg("oa", message_url="u", body={"form": [{"key": 1}]}), "msg.oa.body.form[0].key"),
        (msg("markdown", text="x"), "msg.markdown.title"),
        (msg("action_card", **CARD), "msg.action_card.single_title"),
        (
            msg("action_card", **CARD, single_title="s" * 21, single_url="u"),
            "msg.action_card.single_title",
        ),
        (
            msg("action_card", **CARD, single_title="s", single_url="u" * 501),
            "msg.action_card.single_url",
        ),
        (msg("action_card", **CARD, btn_json_list=[BUTTON]), "msg.action_card.btn_orientation"),
        (
            msg("action_card", **CARD, btn_orientation=1, btn_json_list=[]),
            "msg.action_card.btn_json_list",
        ),
        (
            msg("action_card", **CARD, single_url="u", btn_orientation=1, btn_json_list=[BUTTON]),
            "msg.action_card.btn_json_list",
        ),
        (
            msg(
                "action_card",
                **CARD,
                btn_orientation=1,
                btn_json_list=[{**BUTTON, "title": "t" * 21}],
            ),
            "msg.action_card.btn_json_list[0].title",
        ),
        (
            msg(
                "action_card",
                **CARD,
                btn_orientation=1,
                btn_json_list=[{**BUTTON, "action_url": "u" * 701}],
            ),
            "msg.action_card.btn_json_list[0].action_url",
        ),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        DingTalk(http(ScriptedTransport()), tokens()).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("change", "options", "field"),
    [
        ({"agent_id": None}, {}, "credentials.agent_id"),
        ({"agent_id": "-1"}, {}, "credentials.agent_id"),
        ({"app_key": " "}, {}, "credentials.app_key"),
        ({"app_secret": 1}, {}, "credentials.app_secret"),
        ({"x": 1}, {}, "credentials.x"),
        ({}, {"base_url": "ftp://x"}, "options.base_url"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    change: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        DingTalk(http(ScriptedTransport()), tokens()).check_credentials(
            {**CREDENTIALS, **change}, options
        )
    assert error.value.field == field


def test_there_is_no_webhook() -> None:
    provider = DingTalk(http(ScriptedTransport()), tokens())
    provider.check_credentials(CREDENTIALS, {"base_url": "https://d.example"})
    with pytest.raises(Unverified):
        provider.read_webhook(
            WebhookRequest("POST", {}, {}, b"", 0), provider.webhook_secret(CREDENTIALS)
        )


def test_500_characters_of_a_text_are_only_advised() -> None:
    provider = DingTalk(http(ScriptedTransport()), tokens())
    for content in ({"text": "字" * 501}, msg("text", content="字" * 2000)):
        provider.check_content(content)
