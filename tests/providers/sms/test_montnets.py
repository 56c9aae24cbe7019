from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Misconfigured, Rejected, Unverified
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.sms.montnets import Montnets, numbers_of
from chalicelib.providers.sms.montnets_receipts import delivery_id, password_digest
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Response
from tests.providers.scripted import JSONS, ScriptedTransport, call, http, reply

CREDENTIALS = {"userid": "J10003", "password": "111111"}
URL = "https://api.example.com"
CONTENT = {"content": "您的订单已发货"}
OK = {"result": 0, "msgid": 7832080264860228778, "custid": "m"}
A, B = "13800001234", "13800001235"
NOW = 1785756020.0  # 2026-08-03 19:20:20 in China: the vendor's own example of a timestamp
PWD = "26dad7f364507df18f3841cc9c4ff94d"  # and of what it makes of it


def session_of(transport: ScriptedTransport, **options: Any):
    return Montnets(http(transport), lambda: NOW).connect(
        Account("sms", CREDENTIALS, {"base_url": URL, **options})
    )


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(*answers)
    with session_of(transport, **options) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def personal(*pairs: tuple[str, str]) -> OutgoingCall:
    return OutgoingCall("m", [Recipient(contact, {"content": text}) for contact, text in pairs])


def test_the_password_is_digested_as_in_the_vendors_example() -> None:
    assert password_digest("J10003", "111111", "0803192020") == PWD
    assert password_digest("j10003", "111111", "0803192020") == PWD


def test_one_text_goes_to_many_numbers_whose_ids_follow_the_first() -> None:
    answer, transport = sent(
        reply(OK), outgoing=call(A, B, content=CONTENT), exno="0006", svrtype="SMS001"
    )
    assert transport.requests[0].url == f"{URL}/sms/v2/std/send_batch"
    assert transport.bodies() == [
        {
            "userid": "J10003",
            "pwd": PWD,
            "timestamp": "0803192020",
            "mobile": f"{A},{B}",
            "content": quote("您的订单已发货"),
            "svrtype": "SMS001",
            "exno": "0006",
            "custid": "msg-1",
        }
    ]
    assert [o.provider_id for o in answer.outcomes] == [
        "7832080264860228778",
        "7832080264860228779",
    ]


def test_texts_that_differ_are_sent_one_by_one_in_one_call() -> None:
    _, transport = sent(reply(OK), outgoing=personal((A, "一"), (B, "【另】二")), signature="店")
    assert transport.paths() == ["POST /sms/v2/std/send_multi"]
    assert transport.bodies()[0]["multimt"] == [
        {"mobile": A, "content": quote("【店】一"), "custid": "m"},
        {"mobile": B, "content": quote("【另】二"), "custid": "m"},
    ]


def test_the_older_interface_takes_gbk() -> None:
    _, transport = sent(
        reply(OK), outgoing=call(A, content={"content": "测试短信 😀"}), charset="gbk"
    )
    assert transport.paths() == ["POST /sms/v2/std/batch_send"]
    content = transport.bodies()[0]["content"]
    assert content.startswith("%B2%E2%CA%D4%B6%CC%D0%C5%20")  # the vendor's own example
    assert unquote(content, encoding="gb18030") == "测试短信 😀"
    _, transport = sent(reply(OK), outgoing=personal((A, "a"), (B, "b")), charset="gbk")
    assert transport.paths() == ["POST /sms/v2/std/multi_send"]


def test_a_password_may_be_sent_as_it_is_where_that_was_arranged() -> None:
    _, transport = sent(reply(OK), outgoing=call(A, content=CONTENT), auth="plain")
    body = transport.bodies()[0]
    assert (body["userid"], body["pwd"], "timestamp" in body) == ("J10003", "111111", False)


def test_the_address_may_be_given_with_its_path() -> None:
    for url in (URL, URL + "/", URL + "/sms/v2/std", URL + "/sms/v2/std/"):
        _, transport = sent(reply(OK), outgoing=call(A, content=CONTENT), base_url=url)
        assert transport.requests[0].url == f"{URL}/sms/v2/std/send_batch"


@pytest.mark.parametrize(
    ("contacts", "numbers"),
    [
        ([A, "+86" + B, "0086" + A], [A, B, A]),
        ([A, "+85251234567"], ["0086" + A, "0085251234567"]),
        (["0085251234567", "85251234567"], ["0085251234567", "0085251234567"]),
    ],
)
def test_numbers_are_written_as_the_call_needs_them(
    contacts: list[str], numbers: list[str]
) -> None:
    assert numbers_of(contacts) == numbers


def test_ids_are_the_same_signed_or_not() -> None:
    answer, _ = sent(reply({**OK, "msgid": 2**63 - 1}), outgoing=call(A, B, content=CONTENT))
    assert answer.outcomes[1].provider_id == delivery_id(-(2**63)) == str(2**63)
    answer, _ = sent(reply({**OK, "msgid": "-5"}), outgoing=call(A, content=CONTENT))
    assert answer.outcomes[0].provider_id == delivery_id(2**64 - 5)


def test_what_is_no_number_is_left_out_and_does_not_move_the_ids() -> None:
    answer, transport = sent(
        reply({**OK, "msgid": 7}), outgoing=call("x", A, "12,13", B, "12345678901", content=CONTENT)
    )
    assert transport.bodies()[0]["mobile"] == f"{A},{B}"
    bad = Outcome(Loss.INVALID_TARGET, "not_a_number")
    assert answer.outcomes == [bad, Outcome(provider_id="7"), bad, Outcome(provider_id="8"), bad]
    assert not sent(outgoing=call("x", content=CONTENT))[1].requests


def test_a_template_of_another_platform_is_refused() -> None:
    with pytest.raises(Rejected, match="no_content"):
        sent(outgoing=call(A, content={"temp_id": 1}))


@pytest.mark.parametrize("msgid", [None, 0, "0", "x", 1.5, True, "9" * 21])
def test_a_success_without_id_may_or_may_not_have_been_taken(msgid: Any) -> None:
    answer, _ = sent(reply({"result": 0, "msgid": msgid}), outgoing=call(A, content=CONTENT))
    assert answer.outcomes == [Outcome(code="no_msg_id", uncertain=True)]


# Settings


@pytest.mark.parametrize("said", [-100003, 100003, "-100003", "100003"])
def test_a_code_has_a_sign_or_none(said: Any) -> None:
    with pytest.raises(Misconfigured, match=r"^100003$"):
        sent(reply({"result": said}), outgoing=call(A, B, content=CONTENT))


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {"base_url": URL}, "credentials.userid"),
        ({"userid": "J10003x", "password": "p"}, {"base_url": URL}, "credentials.userid"),
        ({"userid": "号", "password": "p"}, {"base_url": URL}, "credentials.userid"),
        ({"userid": "J10003"}, {"base_url": URL}, "credentials.password"),
        ({**CREDENTIALS, "apikey": "x"}, {"base_url": URL}, "credentials.apikey"),
        (CREDENTIALS, {}, "options.base_url"),
        (CREDENTIALS, {"base_url": "http://api01.monyun.cn:7901"}, "options.base_url"),
        (CREDENTIALS, {"base_url": URL, "auth": "sm3"}, "options.auth"),
        (CREDENTIALS, {"base_url": URL, "charset": "latin-1"}, "options.charset"),
        (CREDENTIALS, {"base_url": URL, "signature": "【店】"}, "options.signature"),
        (CREDENTIALS, {"base_url": URL, "svrtype": "a-b"}, "options.svrtype"),
        (CREDENTIALS, {"base_url": URL, "exno": "1234567"}, "options.exno"),
        (CREDENTIALS, {"base_url": URL, "exno": 6}, "options.exno"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Montnets(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field


ODD = "http://api01.monyun.cn:7901"


def test_an_address_without_tls_is_taken_where_the_stage_allows_it_and_hides_the_password() -> None:
    transport = ScriptedTransport(reply(OK))
    allowing = Http(Policy((ODD,)), transport=transport)
    Montnets(allowing).check_credentials(CREDENTIALS, {"base_url": ODD})
    Montnets(allowing).check_credentials(
        CREDENTIALS, {"base_url": "https://api01.monyun.cn:7903", "auth": "plain"}
    )
    with pytest.raises(Invalid) as error:
        Montnets(allowing).check_credentials(CREDENTIALS, {"base_url": ODD, "auth": "plain"})
    assert error.value.field == "options.auth"
    private = Http(Policy(("10.1.0.0/16",)), transport=transport)
    Montnets(private).check_credentials(
        CREDENTIALS, {"base_url": "http://10.1.2.3:7901", "auth": "plain"}
    )
    with Montnets(allowing).connect(Account("sms", CREDENTIALS, {"base_url": ODD})) as session:
        session.send(call(A, content=CONTENT))
    assert [request.url for request in transport.requests] == [f"{ODD}/sms/v2/std/send_batch"]
    with (
        session_of(ScriptedTransport(), base_url=ODD) as session,
        pytest.raises(Misconfigured, match="egress_url"),
    ):
        session.send(call(A, content=CONTENT))


def test_settings_that_work_are_taken() -> None:
    options = {
        "base_url": URL,
        "auth": "plain",
        "charset": "gbk",
        "signature": "商店",
        "svrtype": "SMS001",
        "exno": "000006",
    }
    Montnets(http(ScriptedTransport())).check_credentials(CREDENTIALS, options)


def test_a_text_has_a_thousand_characters_at_most() -> None:
    provider = Montnets(http(ScriptedTransport()))
    provider.check_content({"content": "文" * 1000 + "{{a}}"})
    for content in ({"content": "文" * 1001}, {}, {"content": ""}, {"content": "a", "x": 1}):
        with pytest.raises(Invalid):
            provider.check_content(content)


# Pushes

SECRET = CREDENTIALS
RPT = {
    "msgid": 9223372045854775808,
    "custid": "b3d0a2783d31b21b8573",
    "pknum": 1,
    "pktotal": 2,
    "mobile": A,
    "countrycode": 86,
    "stime": "2016-08-04 17:38:55",
    "rtime": "2016-08-04 17:38:59",
    "status": 0,
    "errcode": "DELIVRD",
    "errdesc": "success",
    "smstype": "0",
    "rpttype": "1",
}
TIME = 1470303539000
MO = {
    "msgid": -5,
    "mobile": A,
    "exno": "0006",
    "rtime": "2016-08-04 17:38:59",
    "content": quote("退订"),
}
LOGIN = {"userid": "J10003", "pwd": PWD, "timestamp": "0803192020"}


def pushed(form: dict[str, Any], now: float = NOW, *, as_json: bool = False):
    listed = {
        name: json.dumps(value) if isinstance(value, list) and not as_json else value
        for name, value in form.items()
    }
    body = json.dumps(listed).encode() if as_json else urlencode(listed).encode()
    return read(body, now)


def read(body: bytes, now: float = NOW):
    return Montnets(http(ScriptedTransport())).read_webhook(
        WebhookRequest("POST", {}, {}, body, int(now * 1000)), SECRET
    )


def reports(*entries: Any, **changes: Any):
    return pushed({**LOGIN, "cmd": "RPT_REQ", "seqid": 1004, "rpts": list(entries), **changes})


def test_reports_are_read_and_answered_with_their_number() -> None:
    found = reports(RPT)
    assert found.receipts == [Receipt("9223372045854775808", ReceiptKind.DELIVERED, TIME, A)]
    assert json.loads(found.reply) == {"cmd": "RPT_RESP", "seqid": 1004, "result": 0}
    assert found.media == "application/json"
    assert pushed({**LOGIN, "cmd": "RPT_REQ", "seqid": 1004, "rpts": [RPT]}, as_json=True) == found


def test_an_id_is_found_however_its_sign_is_written() -> None:
    signed = {**RPT, "msgid": RPT["msgid"] - 2**64}
    assert reports(signed).receipts == reports(RPT).receipts


def test_the_first_part_of_a_long_text_speaks_for_it(caplog: pytest.LogCaptureFixture) -> None:
    further = {**RPT, "msgid": RPT["msgid"] + 17179869184, "pknum": 2, "status": 1}
    downloaded = {**RPT, "rpttype": "2"}
    assert reports(further, RPT, downloaded).receipts == reports(RPT).receipts
    assert not caplog.records


def test_a_failure_says_why_and_only_a_missing_number_is_dead() -> None:
    failed = {**RPT, "status": 2, "errcode": "MK:0012", "errdesc": quote("欠费")}
    assert reports(failed).receipts == [
        Receipt("9223372045854775808", ReceiptKind.DELIVERY_FAILED, TIME, A, "MK:0012")
    ]
    assert reports({**failed, "errcode": "DB:0101"}).receipts[0].undeliverable
    for description in (quote("空号"), quote("空号", encoding="gbk"), "空号"):
        assert reports({**failed, "errdesc": description}).receipts[0].undeliverable
    assert reports({**failed, "errcode": ""}).receipts[0].code == "2"


def test_a_status_that_is_no_number_is_kept() -> None:
    assert reports({**RPT, "status": "?"}).receipts == [
        Receipt("9223372045854775808", ReceiptKind.OTHER, TIME, A, "?")
    ]


def test_a_push_of_something_else_is_acknowledged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    found = pushed({**LOGIN, "cmd": "TPL_REQ", "seqid": 1004})
    assert (found.receipts, found.replies) == ((), ())
    assert json.loads(found.reply) == {"cmd": "TPL_RESP", "seqid": 1004, "result": 0}
    assert [record.callback_type for record in caplog.records] == ["TPL_REQ"]  # type: ignore[attr-defined]


def test_what_cannot_be_understood_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    bad = [{**RPT, "status": ""}, {**RPT, "status": 1.5}, {**RPT, "msgid": 0}, {}, 7, None]
    found = reports(RPT, *bad)
    assert len(found.receipts) == 1
    assert [record.count for record in caplog.records] == [len(bad)]  # type: ignore[attr-defined]


def test_a_report_without_a_time_says_what_it_says() -> None:
    (receipt,) = reports({**RPT, "rtime": "x"}).receipts
    assert (receipt.kind, receipt.time) == (ReceiptKind.DELIVERED, 0)


def test_what_people_write_back_is_a_reply() -> None:
    form = {
        **LOGIN,
        "cmd": "MO_REQ",
        "seqid": 1003,
        "mos": [MO, {**MO, "msgid": 6, "content": quote("退订", encoding="gbk")}, {}, 5],
    }
    found = pushed(form)
    assert [(r.contact, r.text, r.time, r.id) for r in found.replies] == [
        (A, "退订", TIME, str(2**64 - 5)),
        (A, "退订", TIME, "6"),
    ]
    assert json.loads(found.reply) == {"cmd": "MO_RESP", "seqid": 1003, "result": 0}


def test_a_form_that_was_not_encoded_around_its_texts_is_read_too() -> None:
    for text in (quote("退订"), quote("退订", encoding="gbk")):
        mos = json.dumps([{**MO, "content": text}], separators=(",", ":"))
        body = f"userid=J10003&pwd={PWD}&timestamp=0803192020&cmd=MO_REQ&seqid=1003&mos={mos}"
        assert [r.text for r in read(body.encode()).replies] == ["退订"]


@pytest.mark.parametrize(
    "changes",
    [
        {"userid": "J10004"},
        {"pwd": "0" * 32},
        {"pwd": ""},
        {"pwd": "\u00e9"},
        {"timestamp": "0803192021"},
        {"timestamp": "9999999999"},
        {"timestamp": ""},
        {"timestamp": "x", "pwd": password_digest("J10003", "111111", "x")},
    ],
)
def test_a_push_that_is_not_the_vendors_is_not_believed(changes: dict[str, str]) -> None:
    with pytest.raises(Unverified):
        reports(RPT, **changes)


def test_a_push_is_believed_for_a_day_and_around_new_year() -> None:
    form = {**LOGIN, "cmd": "RPT_REQ", "seqid": 1, "rpts": [RPT]}
    for off in (-500, 0, 24 * 3600 - 1):
        assert pushed(form, NOW + off).receipts
    for off in (-700, 24 * 3600 + 1, 364 * 24 * 3600):
        with pytest.raises(Unverified):
            pushed(form, NOW + off)
    eve = "1231235959"
    login = {"userid": "J10003", "pwd": password_digest("J10003", "111111", eve), "timestamp": eve}
    assert pushed({**form, **login}, 1798732800.0).receipts  # 2027-01-01 00:00:00 in China


def test_an_account_with_a_plain_password_pushes_that() -> None:
    form = {"userid": "j10003", "pwd": "111111", "cmd": "RPT_REQ", "seqid": 1, "rpts": [RPT]}
    assert pushed(form).receipts
    with pytest.raises(Unverified):
        pushed({**form, "pwd": "111112"})


@pytest.mark.parametrize(
    "changes",
    [{"cmd": "X"}, {"cmd": ""}, {"rpts": "{"}, {"rpts": "5"}, {"rpts": ""}, {"rpts": "[" * 9999}],
)
def test_what_cannot_be_read_is_invalid(changes: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        reports(RPT, **changes)


@pytest.mark.parametrize("body", [b"{", b"{" * 9999, b"&".join([b"a=1"] * 40)])
def test_a_body_that_is_none_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        read(body)


@given(st.binary() | JSONS.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_unverified_or_invalid(body: bytes) -> None:
    with pytest.raises((Unverified, Invalid)):
        read(body)


@given(st.sampled_from(["RPT_REQ", "MO_REQ"]), JSONS)
def test_any_authentic_json_gives_sound_receipts_or_is_invalid(command: str, value: Any) -> None:
    name = "rpts" if command == "RPT_REQ" else "mos"
    try:
        found = pushed({**LOGIN, "cmd": command, "seqid": value, name: value}, as_json=True)
    except Invalid:
        return
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0 for r in found.receipts
    )
    assert all(r.contact.isascii() and r.text for r in found.replies)


# Polls


def test_a_full_answer_is_followed_by_another_question() -> None:
    """Also where most of it are further parts of long texts, which count for nothing."""
    full = [RPT, *[{**RPT, "pknum": 2, "pktotal": 2}] * 499]
    transport = ScriptedTransport(
        reply({"result": 0, "rpts": full}),
        reply({"result": 0, "rpts": ""}),
        reply({"result": 0, "mos": [MO]}),
    )
    with session_of(transport) as session:
        assert session.poll({}) == [
            *reports(RPT).receipts,
            *pushed({**LOGIN, "cmd": "MO_REQ", "seqid": 1, "mos": [MO]}).replies,
        ]
    assert [body["retsize"] for body in transport.bodies()] == [500, 500, 200]
