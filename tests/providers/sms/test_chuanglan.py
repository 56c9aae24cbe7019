from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Misconfigured, QuotaUsedUp, Rejected, Unverified
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
from chalicelib.providers.sms import receipts
from chalicelib.providers.sms.chuanglan import CHARACTERS, Chuanglan
from chalicelib.providers.sms.chuanglan_receipts import OPEN, TAKEN
from chalicelib.web.messages import Response
from tests.providers.scripted import JSONS, ScriptedTransport, call, http, reply

CREDENTIALS = {"account": "N1", "password": "secret"}
CONTENT = {"content": "【店】您的订单已发货"}
OK = {"code": "0", "msgId": "17041010383624511", "errorMsg": "", "time": "20170410103836"}
A, B = "13800001234", "13800001235"


def sent(
    *answers: Response | Exception, outgoing: OutgoingCall, **options: Any
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(*answers)
    with Chuanglan(http(transport)).connect(Account("sms", CREDENTIALS, options)) as session:
        assert session.token() is None
        return session.send(outgoing), transport


def personal(*pairs: tuple[str, str]) -> OutgoingCall:
    return OutgoingCall("m", [Recipient(contact, {"content": text}) for contact, text in pairs])


def test_one_text_goes_to_many_numbers_however_they_are_written() -> None:
    answer, transport = sent(
        reply(OK), outgoing=call(A, "+86" + B, "8613800001236", "008613800001237", content=CONTENT)
    )
    assert transport.paths() == ["POST /msg/v1/send/json"]
    assert transport.requests[0].url.startswith("https://smssh1.253.com/")
    assert transport.bodies() == [
        {
            "account": "N1",
            "password": "secret",
            "msg": "【店】您的订单已发货",
            "phone": f"{A},{B},13800001236,13800001237",
            "report": "true",
        }
    ]
    assert [o.provider_id for o in answer.outcomes] == [
        f"17041010383624511.{n}" for n in (A, B, "13800001236", "13800001237")
    ]


def test_texts_that_differ_in_links_are_one_text_with_variables() -> None:
    texts_of = [f"看 https://s.cn/l/{n} 或 http://a.cn/{n}?x=1&y=2。" for n in "ab"]
    answer, transport = sent(
        reply(OK),
        outgoing=personal((A, texts_of[0]), (B, texts_of[1])),
        signature="店",
        extend="55",
    )
    assert transport.paths() == ["POST /msg/variable/json"]
    body = transport.bodies()[0]
    assert body["msg"] == "【店】看 {$var} 或 {$var}。"
    assert (
        body["params"]
        == f"{A},https://s.cn/l/a,http://a.cn/a?x=1&y=2;{B},https://s.cn/l/b,http://a.cn/b?x=1&y=2"
    )
    assert body["extend"] == "55"
    assert [o.provider_id for o in answer.outcomes] == [f"{OK['msgId']}.{A}", f"{OK['msgId']}.{B}"]


def test_what_is_no_report_in_a_list_of_them_keeps_no_other_back() -> None:
    report = {"msgid": "m", "mobile": A, "status": "DELIVRD", "notifyTime": "170410103836"}
    for odd in ({"other": 1}, "x", None, [], {"status": "DELIVRD"}):
        found = Chuanglan(http(ScriptedTransport())).read_webhook(
            WebhookRequest("POST", {}, {}, json.dumps([odd, report]).encode()), {}
        )
        assert [receipt.provider_id for receipt in found.receipts] == [f"m.{A}"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a", "b"),
        ("x {$var} https://s.cn/a", "x {$var} https://s.cn/b"),
        ("https://a", "https://a https://b"),
    ],
)
def test_texts_that_differ_otherwise_are_refused_before_sending(one: str, other: str) -> None:
    with pytest.raises(Rejected):
        sent(outgoing=personal((A, one), (B, other)))


def test_a_signature_stands_in_front_unless_the_text_has_one() -> None:
    for text, signed in (
        ("文", "【店】文"),
        ("【另】文", "【另】文"),
        ("文【另】", "【店】文【另】"),
    ):
        _, transport = sent(reply(OK), outgoing=personal((A, text)), signature="店")
        assert transport.bodies()[0]["msg"] == signed
    _, transport = sent(reply(OK), outgoing=personal((A, "文")))
    assert transport.bodies()[0]["msg"] == "文"


def test_other_numbers_are_invalid_and_repeated_ones_wait_for_another_call() -> None:
    answer, transport = sent(
        reply(OK), outgoing=call("+85251234567", A, "12", "+86" + A, content=CONTENT)
    )
    assert transport.bodies()[0]["phone"] == A
    assert answer.outcomes == [
        Outcome(Loss.INVALID_TARGET, "not_a_mainland_number"),
        Outcome(provider_id=f"{OK['msgId']}.{A}"),
        Outcome(Loss.INVALID_TARGET, "not_a_mainland_number"),
        Outcome(code="repeated_number", later=True),
    ]
    assert not sent(outgoing=call("12", content=CONTENT))[1].requests


@pytest.mark.parametrize("number", ["12345678901", "11012345678", "+8610012345678"])
def test_what_is_no_mobile_number_does_not_spoil_the_batch_that_it_is_in(number: str) -> None:
    answer, transport = sent(reply(OK), outgoing=call(number, A, content=CONTENT))
    assert transport.bodies()[0]["phone"] == A
    assert answer.outcomes[0] == Outcome(Loss.INVALID_TARGET, "not_a_mainland_number")


@pytest.mark.parametrize(
    ("code", "kind"), [("120", QuotaUsedUp), ("134", Misconfigured), ("123", Misconfigured)]
)
def test_limits_of_the_account_do_not_lose_a_message(code: str, kind: type[Exception]) -> None:
    with pytest.raises(kind) as error:
        sent(
            reply({"code": code, "msgId": "", "errorMsg": "no"}), outgoing=call(A, content=CONTENT)
        )
    assert type(error.value) is kind


def test_a_single_number_may_be_wrong_in_two_ways() -> None:
    for code in ("107", "133"):
        answer, _ = sent(
            reply({"code": code, "msgId": "", "errorMsg": "no"}), outgoing=call(A, content=CONTENT)
        )
        assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, code)]


def test_a_template_of_another_platform_is_refused() -> None:
    with pytest.raises(Rejected, match="no_content"):
        sent(outgoing=call(A, content={"temp_id": 1}))


# Settings


def test_the_vendors_own_words_count_for_more_than_a_status() -> None:
    assert sent(reply(OK, 500), outgoing=call(A, content=CONTENT))[0].outcomes[0].provider_id


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "credentials.account"),
        ({"account": "N1"}, {}, "credentials.password"),
        ({**CREDENTIALS, "x": 1}, {}, "credentials.x"),
        ({**CREDENTIALS, "receiver": "r"}, {}, "credentials.pswd"),
        (CREDENTIALS, {"base_url": "http://smssh1.253.com"}, "options.base_url"),
        (CREDENTIALS, {"signature": "【店】"}, "options.signature"),
        (CREDENTIALS, {"signature": "店" * 17}, "options.signature"),
        (CREDENTIALS, {"signature": "店"}, "options.signature"),
        (CREDENTIALS, {"extend": "5x"}, "options.extend"),
        (CREDENTIALS, {"extend": "1234567"}, "options.extend"),
        (CREDENTIALS, {"extend": 5}, "options.extend"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Chuanglan(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field


def test_settings_that_work_are_taken() -> None:
    provider = Chuanglan(http(ScriptedTransport()))
    provider.check_credentials(
        {**CREDENTIALS, "receiver": "r", "pswd": "p"}, {"signature": "店" * 16, "extend": "123456"}
    )
    assert provider.webhook_secret(CREDENTIALS) == {}
    assert provider.webhook_secret({**CREDENTIALS, "receiver": "r", "pswd": "p"}) == {
        "receiver": "r",
        "pswd": "p",
    }


@pytest.mark.parametrize("text", ["文", "文" * CHARACTERS, "{{a}}" + "x" * CHARACTERS, "{{url}}"])
def test_contents_that_a_template_may_have(text: str) -> None:
    Chuanglan(http(ScriptedTransport())).check_content({"content": text})


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "content"),
        ({"content": " "}, "content"),
        ({"content": 5}, "content"),
        ({"content": "文" * (CHARACTERS + 1)}, "content"),
        ({"content": "a {$var}"}, "content"),
        ({"content": "a", "temp_id": 1}, "temp_id"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Chuanglan(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


# Pushes

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
    found = pushed(REPORT)
    assert found.receipts == [Receipt(f"{REPORT['msgid']}.{A}", ReceiptKind.DELIVERED, TIME, A)]
    assert json.loads(found.reply) == {"clcode": "000000"}
    assert (found.nonce, found.replies) == ("", [])


def test_a_post_is_read_as_form_or_json() -> None:
    for body in (
        urlencode(REPORT).encode(),
        json.dumps(REPORT).encode(),
        json.dumps([REPORT]).encode(),
    ):
        assert pushed({}, method="POST", body=body).receipts == pushed(REPORT).receipts


def test_every_other_state_is_a_failure_and_only_a_missing_number_is_dead() -> None:
    def receipt(status: str, text: str = "") -> Receipt:
        (found,) = pushed({**REPORT, "status": status, "statusDesc": text}).receipts
        return found

    assert receipt("MK:0012", "关机") == Receipt(
        f"{REPORT['msgid']}.{A}", ReceiptKind.DELIVERY_FAILED, TIME, A, "MK:0012"
    )
    assert receipt("CB:0001").undeliverable
    assert receipt("XX", "空号").undeliverable
    assert not receipt("XX", "空号、停机、关机").undeliverable
    assert not receipt("UNDELIV").undeliverable


@pytest.mark.parametrize("status", sorted(OPEN))
def test_a_state_that_says_nothing_is_kept(status: str) -> None:
    found = pushed({**REPORT, "status": status})
    assert (found.receipts, found.reply) == (
        [Receipt(f"{REPORT['msgid']}.{A}", ReceiptKind.OTHER, TIME, A, status)],
        TAKEN,
    )


@pytest.mark.parametrize("status", ["", "a b", "状态"])
def test_a_state_that_cannot_be_read_is_acknowledged_and_counted(
    status: str, caplog: pytest.LogCaptureFixture
) -> None:
    found = pushed({**REPORT, "status": status})
    assert (found.receipts, found.reply) == ([], TAKEN)
    assert [record.count for record in caplog.records] == [1]  # type: ignore[attr-defined]
    assert A not in caplog.text


def test_without_a_second_the_minute_counts() -> None:
    (receipt,) = pushed({**REPORT, "notifyTime": ""}).receipts
    assert receipt.time == TIME - 20_000
    (receipt,) = pushed({**REPORT, "notifyTime": "", "reportTime": "?"}).receipts
    assert receipt.time == 0


def test_what_people_write_back_is_a_reply() -> None:
    found = pushed(REPLY)
    assert [(r.contact, r.text, r.time) for r in found.replies] == [(A, "TD", TIME - 20_000)]
    assert (found.reply, found.media) == (TAKEN, "application/json")
    assert found.receipts == []
    assert pushed(REPLY).replies == found.replies
    assert pushed({**REPLY, "msg": "退订"}).replies[0].id != found.replies[0].id
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
        found = pushed({}, method="POST", body=body)
    except Invalid:
        return
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0 for r in found.receipts
    )


def test_what_is_pulled_is_what_would_be_pushed() -> None:
    pulled = {"spCode": "10690", "moTime": "2411041728", "messageContent": "TD", "mobile": A}
    listed = (
        {"ret": 0, "error": "", "result": [each]}
        for each in ({**REPORT, "msgId": REPORT["msgid"]}, pulled)
    )
    transport = ScriptedTransport(*map(reply, listed))
    with Chuanglan(http(transport)).connect(Account("sms", CREDENTIALS)) as session:
        assert session.poll({}) == [*pushed(REPORT).receipts, *pushed(REPLY).replies]
    assert transport.bodies()[0] == {**CREDENTIALS, "count": "100"}
