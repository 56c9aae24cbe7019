from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    WebhookRequest,
)
from chalicelib.providers.dingtalk.dingtalk import ERRORS, NOT_THERE, STALE, DingTalk
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.tokened import Clock, said, token, tokens

CREDENTIALS = {"agent_id": "1234", "app_key": "k1", "app_secret": "s1"}
TEXT = {"text": "hi"}
NOW = 1_700_000_000_000
TAKEN = Outcome()


def opened(transport: ScriptedTransport, **options: Any):
    clock = Clock(NOW / 1000)
    return DingTalk(http(transport), tokens(clock), clock).connect(
        Account("dt", CREDENTIALS, options)
    )


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport, **options) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def polled(
    *answers: Response | Exception, ids: dict[str, list[str]]
) -> tuple[Any, ScriptedTransport]:
    transport = ScriptedTransport(token(), *answers)
    with opened(transport) as session:
        return session.poll(ids), transport


def results(**lists: Any) -> Response:
    return said(0, send_result=lists)


@pytest.mark.parametrize("content", [TEXT, {"msg": {"msgtype": "text", "text": "hi"}}])
def test_users_of_a_call_are_one_task(content: dict[str, Any]) -> None:
    answer, transport = sent(
        said(0, task_id=256271667526), outgoing=call("a", "b.2", content=content)
    )
    assert answer == Answer([TAKEN, TAKEN], "256271667526")
    assert transport.paths() == [
        "GET /gettoken",
        "POST /topapi/message/corpconversation/asyncsend_v2",
    ]
    assert transport.queries() == [
        {"appkey": ["k1"], "appsecret": ["s1"]},
        {"access_token": ["t1"]},
    ]
    assert transport.bodies()[1] == {
        "agent_id": 1234,
        "userid_list": "a,b.2",
        "to_all_user": False,
        "msg": {"msgtype": "text", "text": {"content": "hi"}},
    }


def test_dingtalks_own_object_passes_as_it_is() -> None:
    msg = {
        "msgtype": "link",
        "link": {"messageUrl": "https://a", "picUrl": "@p", "title": "t", "text": "x", "more": [1]},
    }
    _, transport = sent(
        said(0, task_id="7"),
        outgoing=call("a", content={"msg": msg}),
        base_url="https://d.example/",
    )
    assert transport.bodies()[1]["msg"] == msg
    assert transport.requests[1].url.startswith("https://d.example/topapi/")


def test_a_hundred_users_are_one_call() -> None:
    users = [f"u{n}" for n in range(100)]
    answer, transport = sent(said(0, task_id=1), outgoing=call(*users, content=TEXT))
    assert answer.outcomes == [TAKEN] * 100
    assert transport.bodies()[1]["userid_list"] == ",".join(users)
    assert DingTalk.capabilities.call_size == 100


@pytest.mark.parametrize("contact", ["a,b", "", "a b", "x" * 65, "a\n", "\ud800"])
def test_what_is_no_userid_never_stands_in_the_list(contact: str) -> None:
    answer, transport = sent(said(0, task_id=1), outgoing=call(contact, "u", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id"), TAKEN]
    assert transport.bodies()[1]["userid_list"] == "u"


def test_a_call_without_any_userid_is_not_made() -> None:
    with opened(ScriptedTransport()) as session:
        assert session.send(call(",", content=TEXT)).outcomes == [
            Outcome(Loss.INVALID_TARGET, "malformed_id")
        ]


@pytest.mark.parametrize("code", sorted(set(ERRORS) - STALE))
def test_every_code_of_a_call_is_its_class_also_behind_the_gateway(code: str) -> None:
    for answer in (said(int(code)), said(88, sub_code=code, sub_msg="x")):
        with pytest.raises(ERRORS[code]) as error:
            sent(answer, outgoing=call("a", "b", content=TEXT))
        assert (type(error.value), error.value.code) == (ERRORS[code], code)


@pytest.mark.parametrize("code", sorted(NOT_THERE))
def test_a_user_alone_who_is_not_there_is_an_invalid_target(code: str) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code, undeliverable=code == "60121")]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(99999), Rejected),
        (said(88), Misconfigured),
        (said(88, errmsg="ding talk error[subcode=90018,submsg=x]"), Throttled),
        (said(404), Misconfigured),
        (said(33001), Misconfigured),
        (said(88, sub_code="isv.unknown"), Rejected),
        (Response(200, {}, b""), Uncertain),
        (reply({"errcode": None}), Uncertain),
        (Response(502, {}, b""), Uncertain),
        (Response(503, {}, b""), Unavailable),
        (Uncertain("timeout"), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer, outgoing=call("a", content=TEXT))
    assert type(error.value) is kind


@pytest.mark.parametrize(
    "answer",
    [
        *(said(int(code)) for code in sorted(STALE)),
        said(88, sub_code="40014"),
        said(88, errmsg="ding talk error[subcode=42001,submsg=x]"),
    ],
)
def test_a_token_that_is_not_known_any_more_is_renewed_and_the_call_repeated_at_once(
    answer: Response,
) -> None:
    got, transport = sent(answer, token("t2"), said(0, task_id=1), outgoing=call("a", content=TEXT))
    assert got.outcomes == [TAKEN]
    assert [query.get("access_token") for query in transport.queries()] == [
        None,
        ["t1"],
        None,
        ["t2"],
    ]


def test_a_token_ends_in_the_middle_of_a_poll() -> None:
    receipts, transport = polled(
        results(unread_user_id_list=["a"]),
        said(42001),
        token("t2"),
        results(),
        ids={"1": ["a"], "2": ["b"]},
    )
    assert [receipt.contact for receipt in receipts] == ["a"]
    assert len(transport.requests) == 5


def test_a_check_asks_for_a_token_and_wrong_credentials_are_for_an_operator() -> None:
    with opened(ScriptedTransport(token("t9"), said(40089))) as session:
        assert session.access_token().value == "t9"
        with pytest.raises(Misconfigured):
            session.check()


# What became of a task


def test_who_has_it_read_or_not_was_reached_and_others_have_a_reason() -> None:
    receipts, transport = polled(
        results(
            read_user_id_list=["a"],
            unread_user_id_list=["b", "stranger"],
            failed_user_id_list=["c"],
            invalid_user_id_list=["d"],
            forbidden_user_id_list=["e", "f"],
            forbidden_list=[{"code": "143106", "count": 1, "userid": "f"}],
        ),
        ids={"256": ["a", "b", "c", "d", "e", "f", "g"]},
    )
    failed = ReceiptKind.DELIVERY_FAILED
    assert receipts == [
        Receipt("256", ReceiptKind.DELIVERED, NOW, "a"),
        Receipt("256", ReceiptKind.DELIVERED, NOW, "b"),
        Receipt("256", failed, NOW, "c", "failed"),
        Receipt("256", failed, NOW, "d", "invalid_user", undeliverable=True),
        Receipt("256", failed, NOW, "e", "forbidden"),
        Receipt("256", failed, NOW, "f", "143106"),
    ]
    assert transport.paths()[1] == "POST /topapi/message/corpconversation/getsendresult"
    assert transport.bodies()[1] == {"agent_id": 1234, "task_id": 256}


def test_who_stands_in_two_lists_was_reached() -> None:
    (receipt,), _ = polled(
        results(unread_user_id_list="a,b", failed_user_id_list=["a"]), ids={"1": ["a"]}
    )
    assert receipt.kind is ReceiptKind.DELIVERED


def test_a_task_that_dingtalk_will_not_tell_of_leaves_the_others_alone() -> None:
    receipts, _ = polled(said(41), results(read_user_id_list=["b"]), ids={"1": ["a"], "2": ["b"]})
    assert [(receipt.provider_id, receipt.contact) for receipt in receipts] == [("2", "b")]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(90018), Throttled),
        (said(60011), Misconfigured),
        (Uncertain("timeout"), Unavailable),
        (Response(500, {}, b""), Unavailable),
    ],
)
def test_a_failed_poll_says_what_to_do(answer: Response | Exception, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        polled(answer, ids={"1": ["a"]})
    assert type(error.value) is kind


LISTS = [
    "read_user_id_list",
    "unread_user_id_list",
    "failed_user_id_list",
    "invalid_user_id_list",
    "forbidden_list",
    "userid",
    "code",
]
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("a"),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["errcode", "sub_code", "task_id", "send_result", *LISTS]), inner
        )
    ),
    max_leaves=15,
)


@given(ANY)
def test_any_result_gives_receipts_of_those_who_were_asked_for(lists: Any) -> None:
    receipts, _ = polled(said(0, send_result=lists), ids={"1": ["a", "b"]})
    assert {receipt.contact for receipt in receipts} <= {"a", "b"}
    assert all(receipt.code.isascii() for receipt in receipts)


@given(ANY)
def test_any_answer_gives_an_outcome_for_each_or_an_error_of_ours(body: Any) -> None:
    try:
        answer, _ = sent(
            reply(body), token("t2"), reply(body), outgoing=call("a", "b", content=TEXT)
        )
    except ProviderError:
        return
    assert len(answer.outcomes) == 2


def test_a_task_is_recalled_or_not() -> None:
    with opened(ScriptedTransport(token(), said(0), said(41), said(45009))) as session:
        assert session.recall("256", ["a", "b"]) == [TAKEN, TAKEN]
        assert session.recall("256", ["a"]) == [Outcome(Loss.SUBMIT_FAILED, "not_recalled")]
        with pytest.raises(Throttled):
            session.recall("256", ["a"])


# Contents and settings


def msg(kind: str, **fields: Any) -> dict[str, Any]:
    return {"msg": {"msgtype": kind, kind: fields}}


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
        ({"text": "a" * 501}, "text"),
        ({"text": "x", "msg": {}}, "msg"),
        ({"msg": "x"}, "msg"),
        ({"msg": {"msgtype": "poem"}}, "msg.msgtype"),
        ({"msg": {"msgtype": "text"}}, "msg.text"),
        ({"msg": {"msgtype": "text", "text": ""}}, "msg.text"),
        ({"msg": {"msgtype": "text", "text": "a" * 501}}, "msg.text"),
        ({"msg": {"msgtype": "markdown", "markdown": "x"}}, "msg.markdown"),
        ({"msg": {"msgtype": "text", "text": {"content": "x"}, "link": {}}}, "msg.link"),
        ({**msg("text", content="x"), "userid_list": "all"}, "userid_list"),
        (msg("text", content="a" * 501), "msg.text.content"),
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
