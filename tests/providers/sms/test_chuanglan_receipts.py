"""Chuanglan's pushes and pulls."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Account, Receipt, ReceiptKind, WebhookRequest
from chalicelib.providers.sms import receipts
from chalicelib.providers.sms.chuanglan import Chuanglan
from chalicelib.providers.sms.chuanglan_receipts import OPEN, TAKEN
from tests.providers.scripted import JSONS, ScriptedTransport, http, reply
from tests.providers.sms.chuanglan_calls import CREDENTIALS, A

REPORT = {
    "receiver": "",
    "pswd": "",
    "msgid": "24073116453300900000000000000001",
    "reportTime": "2411041728",
    "mobile": A,
    "status": "DELIVRD",
    "notifyTime": "241104172820",
    "statusDesc": "短信发送成功",
}

TIME = 1730712500000  # 2024-11-04 17:28:20 in China

REPLY = {
    "receiver": "",
    "pswd": "",
    "moTime": "2411041728",
    "mobile": A,
    "msg": "TD",
    "destcode": "10690",
}


def pushed(
    fields: dict[str, str],
    secret: dict[str, str] | None = None,
    method: str = "GET",
    body: bytes = b"",
):
    return Chuanglan(http(ScriptedTransport())).read_webhook(
        WebhookRequest(method, {}, fields, body, TIME), secret or {}
    )


def test_a_report_is_pushed_as_an_address_and_wants_the_vendors_answer() -> None:
    result = pushed(REPORT)
    assert result.receipts == [Receipt(REPORT["msgid"], ReceiptKind.DELIVERED, TIME, A)]
    assert json.loads(result.reply) == {"clcode": "000000"}
    assert (result.nonce, result.replies) == ("", [])


def test_a_post_is_read_as_form_or_json() -> None:
    for body in (
        urlencode(REPORT).encode(),
        json.dumps(REPORT).encode(),
        json.dumps([REPORT]).encode(),
    ):
        assert pushed({}, method="POST", body=body).receipts == pushed(REPORT).receipts


def test_every_other_state_is_a_failure_and_only_a_missing_number_is_dead() -> None:
    def receipt(status: str, text: str = "") -> Receipt:
        (result,) = pushed({**REPORT, "status": status, "statusDesc": text}).receipts
        return result

    assert receipt("MK:0012", "关机") == Receipt(
        REPORT["msgid"], ReceiptKind.DELIVERY_FAILED, TIME, A, "MK:0012"
    )
    assert receipt("CB:0001").undeliverable
    assert receipt("XX", "空号").undeliverable
    assert not receipt("XX", "空号、停机、关机").undeliverable
    assert not receipt("UNDELIV").undeliverable


@pytest.mark.parametrize("status", sorted(OPEN))
def test_a_state_that_says_nothing_is_kept(status: str) -> None:
    result = pushed({**REPORT, "status": status})
    assert (result.receipts, result.reply) == (
        [Receipt(REPORT["msgid"], ReceiptKind.OTHER, TIME, A, status)],
        TAKEN,
    )


@pytest.mark.parametrize("status", ["", "a b", "状态"])
def test_a_state_that_cannot_be_read_is_acknowledged_and_counted(
    status: str, caplog: pytest.LogCaptureFixture
) -> None:
    result = pushed({**REPORT, "status": status})
    assert (result.receipts, result.reply) == ([], TAKEN)
    assert [record.count for record in caplog.records] == [1]  # type: ignore[attr-defined]
    assert A not in caplog.text


def test_without_a_second_the_minute_counts() -> None:
    (receipt,) = pushed({**REPORT, "notifyTime": ""}).receipts
    assert receipt.time == TIME - 20_000
    (receipt,) = pushed({**REPORT, "notifyTime": "", "reportTime": "?"}).receipts
    assert receipt.time == 0


def test_what_people_write_back_is_a_reply() -> None:
    result = pushed(REPLY)
    assert [(r.contact, r.text, r.time) for r in result.replies] == [(A, "TD", TIME - 20_000)]
    assert (result.reply, result.media) == (TAKEN, "application/json")
    assert result.receipts == []
    assert pushed(REPLY).replies == result.replies
    assert pushed({**REPLY, "msg": "退订"}).replies[0].id != result.replies[0].id
    assert pushed({**REPLY, "msg": "\0 \ud800"}).replies == []
    assert pushed({**REPLY, "msg": "x" * 5000}).replies[0].text == "x" * receipts.REPLY_CHARACTERS


def test_a_name_and_password_that_were_arranged_are_asked_for() -> None:
    secret = {"receiver": "r", "pswd": "密"}
    assert pushed({**REPORT, **secret}, secret).receipts
    for wrong in (
        {},
        {"receiver": "r"},
        {"receiver": "r", "pswd": "x"},
        {"receiver": "r", "pswd": "\ud800"},
    ):
        with pytest.raises(Unverified):
            pushed({**REPORT, **wrong}, secret)
    body = json.dumps([{**REPORT, **secret}, REPORT]).encode()
    with pytest.raises(Unverified):
        pushed({}, secret, "POST", body)


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 10_000, b"[1]", b"\xff", b"a=1", b"&".join([b"status=1"] * 40)]
)
def test_what_cannot_be_read_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        pushed({}, method="POST", body=body)
    with pytest.raises(Invalid):
        pushed({"echostr": "x"})


@given(st.binary() | JSONS.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_sound_or_invalid(body: bytes) -> None:
    try:
        result = pushed({}, method="POST", body=body)
    except Invalid:
        return
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0 for r in result.receipts
    )


def test_what_is_pulled_is_what_would_be_pushed() -> None:
    pulled = {"spCode": "10690", "moTime": "2411041728", "messageContent": "TD", "mobile": A}
    listed = (
        {"ret": 0, "error": "", "result": [entry]}
        for entry in ({**REPORT, "msgId": REPORT["msgid"]}, pulled)
    )
    transport = ScriptedTransport(*map(reply, listed))
    with Chuanglan(http(transport)).connect(Account("sms", CREDENTIALS)) as session:
        assert session.poll({}) == [*pushed(REPORT).receipts, *pushed(REPLY).replies]
    assert transport.bodies()[0] == {**CREDENTIALS, "count": "100"}
