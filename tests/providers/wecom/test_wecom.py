"""WeCom's application messages: calls, outcomes and errors."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.provider_io import Answer, Loss, Outcome
from chalicelib.providers.wecom import api
from chalicelib.providers.wecom.wecom import LEAST_INTERVAL, WeCom
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, reply
from tests.providers.tokened import said, token
from tests.providers.wecom.calls import CARD, INVALID, TAKEN, TEXT, linked, opened, sent


def test_users_of_a_call_share_one_message_in_the_name_of_the_application() -> None:
    answer, transport = sent(
        said(0, msgid="m-1"), outgoing=call("ann", "Bob.2", content=TEXT, token="abc")
    )
    assert answer == Answer([TAKEN, TAKEN], "m-1")
    assert transport.paths() == ["GET /cgi-bin/gettoken", "POST /cgi-bin/message/send"]
    assert transport.queries() == [
        {"corpid": ["ww1"], "corpsecret": ["s3cret"]},
        {"access_token": ["t1"]},
    ]
    body = transport.bodies()[1]
    assert LEAST_INTERVAL <= body.pop("duplicate_check_interval") < 2 * LEAST_INTERVAL
    assert body == {
        "touser": "ann|Bob.2",
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": "hi"},
        "enable_duplicate_check": 1,
    }


def test_two_spellings_of_one_userid_are_one_user_of_the_call() -> None:
    answer, transport = sent(said(0, msgid="m"), outgoing=call("Ann", "ann", "bob", content=TEXT))
    assert answer == Answer([TAKEN] * 3, "m")
    assert transport.bodies()[1]["touser"] == "Ann|bob"


def test_a_thousand_users_are_one_call() -> None:
    users = [f"u{n}" for n in range(1000)]
    answer, transport = sent(said(0, msgid="m"), outgoing=call(*users, content=TEXT))
    assert answer.outcomes == [TAKEN] * 1000
    assert transport.bodies()[1]["touser"].count("|") == 999
    assert WeCom.capabilities.call_size == 1000


def test_a_user_who_occurs_twice_is_named_once_and_has_two_outcomes() -> None:
    answer, transport = sent(
        said(0, msgid="m", invaliduser="b"), outgoing=call("b", "a", "b", content=TEXT)
    )
    assert answer.outcomes == [INVALID, TAKEN, INVALID]
    assert transport.bodies()[1]["touser"] == "b|a"


def test_the_address_is_an_option() -> None:
    _, transport = sent(said(0), outgoing=call("u", content=TEXT), base_url="https://wk.example/")
    assert [request.url.split("?")[0] for request in transport.requests] == [
        "https://wk.example/cgi-bin/gettoken",
        "https://wk.example/cgi-bin/message/send",
    ]


def test_users_whom_the_answer_names_in_lower_case_are_lost() -> None:
    answer, _ = sent(
        said(0, msgid="m", invaliduser="ann|zoe", unlicenseduser="cas"),
        outgoing=call("Ann", "bob", "Cas", content=TEXT),
    )
    assert answer.outcomes == [INVALID, TAKEN, Outcome(Loss.SUBMIT_FAILED, "unlicenseduser")]


@pytest.mark.parametrize("contact", ["@all", "a|b", "", "a b", "-a", "a" * 65, "a\n", "ä", "a/b"])
def test_what_is_no_userid_never_stands_in_the_list(contact: str) -> None:
    answer, transport = sent(said(0, msgid="m"), outgoing=call(contact, "u", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, "malformed_id"), TAKEN]
    assert transport.bodies()[1]["touser"] == "u"


def test_a_call_without_any_userid_is_not_made() -> None:
    transport = ScriptedTransport()
    with opened(transport) as session:
        assert (
            session.send(call("@all", "|", content=TEXT)).outcomes
            == [Outcome(Loss.INVALID_TARGET, "malformed_id")] * 2
        )
    assert transport.requests == []


@pytest.mark.parametrize("code", sorted(api.NOBODY))
def test_a_call_of_which_nobody_can_be_reached_has_only_invalid_targets(code: str) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", "b", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)] * 2


@pytest.mark.parametrize("code", sorted(api.NOT_THERE))
def test_a_user_alone_who_is_not_there_is_an_invalid_target_and_may_come_into_sight(
    code: str,
) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)]


@pytest.mark.parametrize("code", ["60011", "60021", "60111"])
def test_what_wecom_says_of_who_is_out_of_an_applications_sight_is_no_fault_of_all(
    code: str,
) -> None:
    answer, _ = sent(said(int(code)), outgoing=call("a", content=TEXT))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)]


@pytest.mark.parametrize("code", [40091, 40141, 45031, 48001, 48004, 48006])
def test_what_every_message_would_meet_waits_for_an_operator(code: int) -> None:
    with pytest.raises(Misconfigured):
        sent(said(code), outgoing=call("a", content=TEXT))


OF_THE_CALL = sorted(set(api.ERRORS) - api.NOBODY - api.STALE - api.NOT_THERE | {"60011"})


@pytest.mark.parametrize("code", OF_THE_CALL)
def test_every_code_of_a_call_is_its_class(code: str) -> None:
    with pytest.raises(api.ERRORS[code]) as error:
        sent(said(int(code)), outgoing=call("a", "b", content=TEXT))
    assert (type(error.value), error.value.code) == (api.ERRORS[code], code)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(99999), Rejected),
        (said("45009"), Throttled),
        (Response(200, {}, b""), Uncertain),
        (reply({"errmsg": "ok"}), Uncertain),
        (reply({"errcode": None}), Uncertain),
        (reply({"errcode": True}), Uncertain),
        (reply([]), Uncertain),
        (Response(429, {"retry-after": "3"}, b""), Throttled),
        (Response(502, {}, b""), Uncertain),
        (Response(503, {}, b""), Unavailable),
        (Response(404, {}, b""), Misconfigured),
        (Response(302, {}, b""), Misconfigured),
        (Uncertain("timeout"), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    for send in (sent, linked):
        with pytest.raises(kind) as error:
            send(answer, outgoing=call("ww2/a" if send is linked else "a", content=TEXT))
        assert type(error.value) is kind


def test_a_card_is_known_by_two_ids_and_recalled_by_the_first() -> None:
    answer, _ = sent(said(0, msgid="m-1"), outgoing=call("a", content=CARD, token="tok"))
    assert answer.provider_id == "m-1 tok"
    for name in (answer.provider_id, "m-1"):
        transport = ScriptedTransport(token(), said(0))
        with opened(transport) as session:
            assert session.recall(name, ["a", "b"]) == [TAKEN, TAKEN]
        assert transport.paths()[1] == "POST /cgi-bin/message/recall"
        assert transport.bodies()[1] == {"msgid": "m-1"}


def test_a_card_without_a_token_still_has_a_task_id() -> None:
    answer, transport = sent(said(0, msgid="m"), outgoing=call("a", content=CARD))
    task_id = transport.bodies()[1]["template_card"]["task_id"]
    assert task_id
    assert answer.provider_id == f"m {task_id}"
    assert "task_id" not in CARD["template_card"]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (Uncertain("timeout"), Unavailable),
        (said(45009), Throttled),
        (said(48002), Misconfigured),
        (said(-1), Unavailable),
    ],
)
def test_a_recall_that_brought_no_answer_can_be_asked_again(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with opened(ScriptedTransport(token(), answer)) as session, pytest.raises(kind) as error:
        session.recall("m", ["a"])
    assert type(error.value) is kind


def test_a_recall_that_is_refused_is_a_loss_for_each() -> None:
    with opened(ScriptedTransport(token(), said(40058))) as session:
        assert session.recall("m", ["a"]) == [Outcome(Loss.SUBMIT_FAILED, "40058")]
