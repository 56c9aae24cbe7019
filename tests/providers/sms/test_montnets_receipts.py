"""Montnets' pushes and polls."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, WebhookRequest
from chalicelib.providers.sms.montnets import Montnets
from chalicelib.providers.sms.montnets_receipts import password_digest
from tests.providers.scripted import JSONS, ScriptedTransport, http, reply
from tests.providers.sms.montnets_calls import CREDENTIALS, NOW, PWD, A, session_of

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
    result = reports(RPT)
    assert result.receipts == [Receipt("9223372045854775808", ReceiptKind.DELIVERED, TIME, A)]
    assert json.loads(result.reply) == {"cmd": "RPT_RESP", "seqid": 1004, "result": 0}
    assert result.media == "application/json"
    assert pushed({**LOGIN, "cmd": "RPT_REQ", "seqid": 1004, "rpts": [RPT]}, as_json=True) == result


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
    result = pushed({**LOGIN, "cmd": "TPL_REQ", "seqid": 1004})
    assert (result.receipts, result.replies) == ((), ())
    assert json.loads(result.reply) == {"cmd": "TPL_RESP", "seqid": 1004, "result": 0}
    assert [record.callback_type for record in caplog.records] == ["TPL_REQ"]


def test_what_cannot_be_understood_is_counted(caplog: pytest.LogCaptureFixture) -> None:
    bad = [{**RPT, "status": ""}, {**RPT, "status": 1.5}, {**RPT, "msgid": 0}, {}, 7, None]
    result = reports(RPT, *bad)
    assert len(result.receipts) == 1
    assert [record.count for record in caplog.records] == [len(bad)]


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
    result = pushed(form)
    assert [(r.contact, r.text, r.time, r.id) for r in result.replies] == [
        (A, "退订", TIME, str(2**64 - 5)),
        (A, "退订", TIME, "6"),
    ]
    assert json.loads(result.reply) == {"cmd": "MO_RESP", "seqid": 1003, "result": 0}


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
        result = pushed({**LOGIN, "cmd": command, "seqid": value, name: value}, as_json=True)
    except Invalid:
        return
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0 for r in result.receipts
    )
    assert all(r.contact.isascii() and r.text for r in result.replies)


def test_a_full_answer_is_followed_by_another_question() -> None:
    """Poll again, even if most reports are later parts of long texts, which do not count."""
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
