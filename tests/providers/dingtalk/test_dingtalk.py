"""DingTalk's work notices: calls, outcomes and errors."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Answer, Loss, Outcome
from chalicelib.providers.dingtalk.dingtalk import ERRORS, NOT_THERE, STALE, DingTalk
from chalicelib.web.messages import Response
from tests.providers.dingtalk.calls import TAKEN, TEXT, opened, polled, results, sent
from tests.providers.scripted import ScriptedTransport, call, reply
from tests.providers.tokened import said, token


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


@pytest.mark.parametrize("code", sorted(set(ERRORS) - STALE - set(NOT_THERE)))
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
        *((said(code), Throttled) for code in (90001, 90003, 90004, 90005, 90007, 90014)),
        (said(88, sub_code="90004"), Throttled),
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
