"""JSMS's calls: bodies, outcomes, errors, contents and settings."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Misconfigured, Rejected, Unavailable, Uncertain
from chalicelib.domain.provider_io import Loss, Outcome, OutgoingCall, Recipient
from chalicelib.domain.third_party import Sort
from chalicelib.providers.sms.jsms import ERRORS, INVALID_TARGET, LATER, Jsms
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, account, call, failure, http, reply

CONTENT = {"sign_id": 1, "temp_id": 1250, "temp_para": {"code": "741627"}}


def sent(*answers: Response | Exception, outgoing: OutgoingCall, **options: Any):
    transport = ScriptedTransport(*answers)
    with Jsms(http(transport)).connect(account(**options)) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def test_a_batch_has_parameters_of_its_own_for_each_number() -> None:
    recipients = [
        Recipient("13800000001", {**CONTENT, "temp_para": {"name": "A", "n": 5}}),
        Recipient("13800000002", {"temp_id": "1250", "sign_id": "1"}),
    ]
    listed = {
        "success_count": 2,
        "recipients": [
            {"msg_id": 9, "mobile": "13800000002"},
            {"msg_id": "8", "mobile": "13800000001"},
        ],
    }
    answer, transport = sent(reply(listed), outgoing=OutgoingCall("m", recipients))
    assert [outcome.provider_id for outcome in answer.outcomes] == ["8", "9"]
    assert transport.requests[0].url == "https://api.sms.jpush.cn/v1/messages/batch"
    assert transport.bodies() == [
        {
            "sign_id": 1,
            "temp_id": 1250,
            "recipients": [
                {"mobile": "13800000001", "temp_para": {"name": "A", "n": "5"}},
                {"mobile": "13800000002"},
            ],
        }
    ]


def test_numbers_of_the_mainland_are_written_bare_others_as_they_are() -> None:
    numbers = ["+8613800000001", "8613800000002", "13800000003", "+85251234567"]
    listed = {
        "recipients": [{"msg_id": n, "mobile": f"1380000000{n}"} for n in (1, 2, 3)]
        + [{"msg_id": 4, "mobile": "+85251234567"}]
    }
    answer, transport = sent(reply(listed), outgoing=call(*numbers, content=CONTENT))
    mobiles = [one["mobile"] for one in transport.bodies()[0]["recipients"]]
    assert mobiles == ["13800000001", "13800000002", "13800000003", "+85251234567"]
    assert [outcome.provider_id for outcome in answer.outcomes] == ["1", "2", "3", "4"]


def test_without_any_signature_an_operator_must_act() -> None:
    with pytest.raises(Misconfigured):
        sent(failure(50046, 403), outgoing=call("1", "2", content=CONTENT))
    both = {"recipients": [{"error_code": "50046", "mobile": "1"}, {"msg_id": "8", "mobile": "2"}]}
    assert sent(reply(both), outgoing=call("1", "2", content=CONTENT))[0].outcomes[0] == Outcome(
        code="50046", later=True
    )


def test_a_thousand_numbers_are_one_call() -> None:
    numbers = [str(13800000000 + n) for n in range(1000)]
    listed = {
        "recipients": [{"msg_id": str(n), "mobile": number} for n, number in enumerate(numbers)]
    }
    answer, transport = sent(reply(listed), outgoing=call(*numbers, content=CONTENT))
    assert len(transport.requests) == 1
    assert [o.provider_id for o in answer.outcomes] == [str(n) for n in range(1000)]


def test_the_address_is_an_option() -> None:
    _, transport = sent(
        reply({"recipients": [{"msg_id": "1", "mobile": "1"}]}),
        outgoing=call("1", content=CONTENT),
        base_url="https://sms.example/",
    )
    assert transport.requests[0].url == "https://sms.example/v1/messages/batch"


@pytest.mark.parametrize("code", sorted(set(ERRORS) | {"59999"}))
def test_every_code_of_one_recipient_is_a_loss_or_for_later(code: str) -> None:
    listed = {
        "recipients": [
            {
                "error_code": code,
                "error_message": "x",
                "msg_id": "7",
                "mobile": "1",
                "temp_para": {},
            },
            {"msg_id": "8", "mobile": "2"},
        ]
    }
    answer, _ = sent(reply(listed), outgoing=call("1", "2", content=CONTENT))
    refused, taken = answer.outcomes
    if code in LATER:
        assert refused == Outcome(code=code, later=True)
    else:
        loss = Loss.INVALID_TARGET if code in INVALID_TARGET else Loss.SUBMIT_FAILED
        assert refused == Outcome(loss, code)
    assert taken == Outcome(provider_id="8")


def test_a_number_that_occurs_twice_gets_both_answers() -> None:
    listed = {"recipients": [{"msg_id": "7", "mobile": "1"}, {"error_code": 50034, "mobile": "1"}]}
    answer, _ = sent(reply(listed), outgoing=call("1", "1", content=CONTENT))
    assert [(o.provider_id, o.code) for o in answer.outcomes] == [("7", ""), ("", "50034")]


def test_who_is_not_in_the_answer_may_have_been_taken() -> None:
    answer, _ = sent(
        reply({"recipients": [{"msg_id": "7", "mobile": "1"}, "?", {"mobile": "3"}]}),
        outgoing=call("1", "2", "3", content=CONTENT),
    )
    assert [o.uncertain for o in answer.outcomes] == [False, True, True]


@pytest.mark.parametrize("code", sorted(LATER))
def test_a_call_of_which_nothing_was_taken_is_an_error(code: str) -> None:
    listed = {
        "recipients": [{"error_code": code, "mobile": "1"}, {"error_code": code, "mobile": "2"}]
    }
    with pytest.raises(ERRORS[code]) as error:
        sent(reply(listed), outgoing=call("1", "2", content=CONTENT))
    assert error.value.code == code


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (failure(50002, 401), Misconfigured),
        (failure(50019, 500), Unavailable),
        (failure(59999, 401), Misconfigured),
        (failure(59999, 403), Rejected),
        (Response(403, {}, b""), Misconfigured),
        (Response(403, {}, b"<html>403 Forbidden</html>"), Misconfigured),
        (reply({"recipients": None}), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer, outgoing=call("1", "2", content=CONTENT))
    assert type(error.value) is kind


def test_the_codes_of_recipients_count_also_where_all_were_refused_with_403() -> None:
    entries = [{"error_code": 50006, "mobile": "1"}, {"error_code": "50037", "mobile": "2"}]
    answer, _ = sent(reply({"recipients": entries}, 403), outgoing=call("1", "2", content=CONTENT))
    assert answer.outcomes == [
        Outcome(Loss.INVALID_TARGET, "50006"),
        Outcome(Loss.SUBMIT_FAILED, "50037"),
    ]


def test_a_page_in_the_place_of_an_answer_deletes_no_text() -> None:
    page = Response(200, {"content-type": "text/html"}, b"<html>Sign in</html>")
    transport = ScriptedTransport(page, page, Response(200, {}, b""))
    with Jsms(http(transport)).connect(account()) as session:
        for ask in (session.registry().delete, session.registry().read):
            with pytest.raises(Unavailable):
                ask(Sort.TEXT, "1250")
        session.registry().delete(Sort.TEXT, "1250")
    assert len(transport.requests) == 3


def test_two_templates_in_a_call_are_refused_before_sending() -> None:
    with pytest.raises(Rejected):
        sent(
            outgoing=OutgoingCall(
                "m", [Recipient("1", {"temp_id": 1}), Recipient("2", {"temp_id": 2})]
            )
        )


@pytest.mark.parametrize(
    "content",
    [
        {"temp_id": 1},
        {"temp_id": 1, "sign_id": ""},
        {"temp_id": "1", "sign_id": "2"},
        CONTENT,
        {"temp_id": 1, "temp_para": {"a": "{{a}}", "url": "{{url}}", "n": 1.5}},
    ],
)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    Jsms(http(ScriptedTransport())).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "temp_id"),
        ({"temp_id": "{{id}}"}, "temp_id"),
        ({"temp_id": True}, "temp_id"),
        ({"temp_id": 0}, "temp_id"),
        ({"temp_id": 1, "sign_id": "x"}, "sign_id"),
        ({"temp_id": 1, "temp_para": []}, "temp_para"),
        ({"temp_id": 1, "temp_para": {"a": {}}}, "temp_para.a"),
        ({"temp_id": 1, "temp_para": {"{{a}}": "b"}}, "temp_para.{{a}}"),
        ({"temp_id": 1, "content": "x"}, "content"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    if content.get("temp_para") == []:
        content = {**content, "temp_para": [1]}
    with pytest.raises(Invalid) as error:
        Jsms(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "credentials.app_key"),
        ({"app_key": "k:1", "master_secret": "s"}, {}, "credentials.app_key"),
        ({"app_key": "k"}, {}, "credentials.master_secret"),
        ({"app_key": "k", "master_secret": "s", "x": 1}, {}, "credentials.x"),
        (
            {"app_key": "k", "master_secret": "s"},
            {"base_url": "https://localhost@x"},
            "options.base_url",
        ),
        ({"app_key": "k", "master_secret": "s"}, {"base_url": 5}, "options.base_url"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Jsms(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field
