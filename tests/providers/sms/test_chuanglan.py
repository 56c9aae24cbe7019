"""Chuanglan's calls: bodies, outcomes, errors, contents and settings."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Misconfigured, QuotaUsedUp, Rejected
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
    WebhookRequest,
)
from chalicelib.providers.sms.chuanglan import CHARACTERS, Chuanglan
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.sms.chuanglan_calls import CREDENTIALS, A, B

CONTENT = {"content": "【店】您的订单已发货"}
OK = {"code": "0", "msgId": "17041010383624511", "errorMsg": "", "time": "20170410103836"}


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
    assert answer == Answer([Outcome()] * 4, "17041010383624511")


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
    assert answer == Answer([Outcome()] * 2, OK["msgId"])


def test_what_is_no_report_in_a_list_of_them_keeps_no_other_back() -> None:
    report = {"msgid": "m", "mobile": A, "status": "DELIVRD", "notifyTime": "170410103836"}
    for odd in ({"other": 1}, "x", None, [], {"status": "DELIVRD"}):
        result = Chuanglan(http(ScriptedTransport())).read_webhook(
            WebhookRequest("POST", {}, {}, json.dumps([odd, report]).encode()), {}
        )
        assert [(receipt.provider_id, receipt.contact) for receipt in result.receipts] == [("m", A)]


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
        (" 【另】文", " 【另】文"),
        ("文【另】", "【店】文【另】"),
        ("文【店】", "文【店】"),
        ("文 【 店 】\n", "文 【 店 】\n"),
        ("[店]文", "[店]文"),
        ("文［店］", "文［店］"),
        ("[另]文", "【店】[另]文"),
        ("文【店】了", "【店】文【店】了"),
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
        Outcome(),
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


def test_the_vendors_own_words_count_for_more_than_a_status() -> None:
    assert sent(reply(OK, 500), outgoing=call(A, content=CONTENT))[0].provider_id


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
