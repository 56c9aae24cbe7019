from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    Rejected,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import (
    Loss,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.sms import jsms_receipts
from chalicelib.providers.sms.jsms import ERRORS, INVALID_TARGET, LATER, Jsms
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, account, call, failure, http, reply

CONTENT = {"sign_id": 1, "temp_id": 1250, "temp_para": {"code": "741627"}}
SECRET = {"app_key": "k1", "master_secret": "s1"}
NOW = 1_492_150_741_758


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
        (Response(403, {}, b""), Rejected),
        (reply({"recipients": None}), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer, outgoing=call("1", "2", content=CONTENT))
    assert type(error.value) is kind


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


# Receipts


def form(
    data: Any,
    kind: str = "SMS_REPORT",
    timestamp: int = NOW,
    nonce: str = "7659972084945889195",
    **more: str,
) -> bytes:
    fields = {
        "nonce": nonce,
        "timestamp": str(timestamp),
        "type": kind,
        "data": data if isinstance(data, str) else json.dumps(data),
    }
    fields["signature"] = jsms_receipts.signature("k1", "s1", nonce, str(timestamp))
    return urlencode(fields | more).encode()


def webhook(body: bytes, now: int = NOW):
    return Jsms(http(ScriptedTransport())).read_webhook(
        WebhookRequest("POST", {}, {}, body, now), SECRET
    )


REPORT = {"msgId": "1652496", "phone": "15822889320", "receiveTime": 1492150741392, "status": 4001}


def test_the_signature_is_the_vendors() -> None:
    assert (
        jsms_receipts.signature("k1", "s1", "7659972084945889195", "1492150741758")
        == "431f37f3d403909c03ab13ad0feb1048ac532274"
    )


def test_a_report_or_a_list_of_them() -> None:
    delivered = Receipt("1652496", ReceiptKind.DELIVERED, 1492150741392, "15822889320")
    assert webhook(form(REPORT)).receipts == [delivered]
    failed = {**REPORT, "msgId": 7, "status": "4004"}
    unknown = {**REPORT, "status": 4999}
    assert webhook(form([REPORT, failed, unknown, "?"])).receipts == [
        delivered,
        Receipt(
            "7",
            ReceiptKind.DELIVERY_FAILED,
            1492150741392,
            "15822889320",
            "4004",
            undeliverable=True,
        ),
        Receipt("1652496", ReceiptKind.OTHER, 1492150741392, "15822889320", "4999"),
    ]


@pytest.mark.parametrize("time", [None, "", "soon", -1, 0, 0.0004])
def test_a_report_without_a_time_says_what_it_says(time: object) -> None:
    assert webhook(form({**REPORT, "receiveTime": time})).receipts == [
        Receipt("1652496", ReceiptKind.DELIVERED, 0, "15822889320")
    ]


@pytest.mark.parametrize("code", sorted(jsms_receipts.STATES))
def test_every_status_is_delivered_or_not(code: str) -> None:
    (receipt,) = webhook(form({**REPORT, "status": int(code)})).receipts
    assert receipt.kind is (
        ReceiptKind.DELIVERED if code == "4001" else ReceiptKind.DELIVERY_FAILED
    )
    assert receipt.code == ("" if code == "4001" else code)


@pytest.mark.parametrize("kind", ["SMS_TEMPLATE", "SMS_SIGN", "SMS_NEW", ""])
def test_other_callbacks_are_acknowledged_and_counted(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    found = webhook(form({"content": "TD"}, kind))
    assert (found.receipts, found.replies) == ((), ())
    assert found.nonce
    assert [record.callback_type for record in caplog.records] == [kind]  # type: ignore[attr-defined]


def test_only_a_number_that_does_not_exist_is_dead() -> None:
    reports = [{**REPORT, "status": int(code)} for code in sorted(jsms_receipts.STATES)]
    assert [r.code for r in webhook(form(reports)).receipts if r.undeliverable] == ["4004"]


def test_what_people_write_back_is_a_reply() -> None:
    raw = {"content": "TD", "phone": "15822889320", "replyTime": 1492150741392}
    (reply,) = webhook(form(raw, "SMS_REPLY")).replies
    assert (reply.contact, reply.text, reply.time) == ("15822889320", "TD", 1492150741392)
    assert reply.id
    listed = webhook(
        form(
            [
                raw,
                {**raw, "content": "退订"},
                {**raw, "content": ""},
                {**raw, "replyTime": None},
                {**raw, "replyTime": 0.0004},
                7,
            ],
            "SMS_REPLY",
        )
    )
    assert [r.text for r in listed.replies] == ["TD", "退订"]
    assert listed.replies[0] == reply
    assert listed.replies[1].id != reply.id
    assert listed.receipts == ()


def test_the_address_is_proved_by_an_echo() -> None:
    provider = Jsms(http(ScriptedTransport()))
    assert (
        provider.read_webhook(
            WebhookRequest("GET", {}, {"echostr": "a1B2c3D4"}, b"", NOW), SECRET
        ).reply
        == "a1B2c3D4"
    )
    for echo in ("", "<script>", "a b", "x" * 65, "a\n"):
        with pytest.raises(Invalid):
            provider.read_webhook(WebhookRequest("GET", {}, {"echostr": echo}, b"", NOW), SECRET)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        form(REPORT, signature="0" * 40),
        form(REPORT, signature=""),
        form(REPORT, signature="\u00e9"),
        form(REPORT, nonce="1", timestamp=NOW).replace(b"nonce=1", b"nonce=2"),
        form(REPORT, timestamp=NOW - 25 * 3600 * 1000),
        form(REPORT, timestamp=NOW + 3600 * 1000),
    ],
)
def test_a_callback_that_is_not_the_vendors_is_not_believed(body: bytes) -> None:
    with pytest.raises(Unverified):
        webhook(body)


def test_a_timestamp_that_is_no_number_is_not_believed() -> None:
    body = urlencode(
        {
            "nonce": "1",
            "timestamp": "x",
            "signature": jsms_receipts.signature("k1", "s1", "1", "x"),
            "type": "SMS_REPORT",
        }
    )
    with pytest.raises(Unverified):
        webhook(body.encode())


def test_the_vendors_last_repeat_after_thirteen_hours_is_taken() -> None:
    assert webhook(form(REPORT), now=NOW + 14 * 3600 * 1000).receipts


def test_a_captured_signature_is_the_same_nonce_with_any_data_and_a_new_stamp_is_another() -> None:
    first, forged = webhook(form(REPORT)), webhook(form({**REPORT, "msgId": "1"}))
    assert first.nonce
    assert first.nonce == forged.nonce
    assert webhook(form(REPORT, timestamp=NOW + 1)).nonce != first.nonce
    assert webhook(form(REPORT).replace(b"431f37f3", b"431F37F3")).nonce == first.nonce


@pytest.mark.parametrize(
    "body",
    [
        form("{"),
        form("[" * 10_000),
        form("", "SMS_REPORT"),
        form("", "SMS_REPLY"),
        b"\xff",
        b"&".join([b"a=1"] * 31),
    ],
)
def test_what_cannot_be_read_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        webhook(body)


@given(st.binary())
def test_any_bytes_are_unverified_or_invalid(body: bytes) -> None:
    with pytest.raises((Unverified, Invalid)):
        webhook(body)


@given(st.text())
def test_any_signed_data_gives_receipts_or_is_invalid(data: str) -> None:
    with contextlib.suppress(Invalid):
        webhook(form(data))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["msgId", "phone", "receiveTime", "status"]), inner)
        ),
        max_leaves=15,
    )
)
def test_any_signed_json_gives_sound_receipts(data: Any) -> None:
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0
        for r in webhook(form([data])).receipts
    )


def test_a_poll_reads_the_same_reports_and_replies() -> None:
    written = {"content": "TD", "phone": "15822889320", "replyTime": 1492150741392}
    transport = ScriptedTransport(reply([REPORT]), reply([written]))
    with Jsms(http(transport)).connect(account()) as session:
        assert session.poll({}) == [
            *webhook(form(REPORT)).receipts,
            *webhook(form(written, "SMS_REPLY")).replies,
        ]
