"""Montnets' calls: bodies, outcomes, errors, contents and settings."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote

import pytest

from chalicelib.domain.errors import Invalid, Misconfigured, Rejected
from chalicelib.domain.provider_io import Account, Answer, Loss, Outcome, OutgoingCall, Recipient
from chalicelib.providers.sms.montnets import Montnets, numbers_of
from chalicelib.providers.sms.montnets_receipts import delivery_id, password_digest
from chalicelib.web.egress import Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http, reply
from tests.providers.sms.montnets_calls import CREDENTIALS, PWD, URL, A, B, session_of

CONTENT = {"content": "您的订单已发货"}
OK = {"result": 0, "msgid": 7832080264860228778, "custid": "m"}


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
