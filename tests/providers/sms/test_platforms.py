"""Rules that every SMS platform over HTTP keeps, in each vendor's own terms.

Rules of a single platform are in its own test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Account, Loss, Outcome, Receipt, Reply
from chalicelib.ports import Provider, Session
from chalicelib.providers.base import ErrorTable
from chalicelib.providers.sms import chuanglan, jsms, montnets, receipts
from chalicelib.web.http import Http
from chalicelib.web.messages import Response
from tests.providers.scripted import JSONS, ScriptedTransport, call, failure, http, reply

A, B = "13800001234", "13800001235"


@dataclass(frozen=True)
class Vendor:
    """A vendor in its own terms.

    `says`: an answer with a code. `listed`: an answer that hands entries out, under the vendor's
    name for them.
    """

    make: Callable[[Http], Provider]
    account: Account
    content: dict[str, Any]
    errors: ErrorTable
    says: Callable[[str], Response]
    wrong_number: str
    denied: str
    nameless: Response  # success that names no message
    balance: tuple[str, Response]
    paths: Sequence[str]  # of reports and replies
    listed: Callable[[str, Sequence[Any]], Response]
    report: Mapping[str, Any]
    reply: Mapping[str, Any]
    page: int = 0  # entries of one answer, if more are left


VENDORS = {
    "jsms": Vendor(
        jsms.Jsms,
        Account("sms", {"app_key": "k1", "master_secret": "s1"}),
        {"temp_id": 1},
        jsms.ERRORS,
        lambda code: failure(int(code), 403),
        wrong_number="50006",
        denied="50002",
        nameless=reply({"recipients": [{"mobile": A}]}),
        balance=("GET /v1/accounts/app", reply({"app_balance": 5})),
        paths=("GET /v1/report", "GET /v1/reply"),
        listed=lambda name, entries: reply(entries),
        report={"msgId": "1652496", "phone": A, "receiveTime": 1492150741392, "status": 4001},
        reply={"phone": A, "content": "退订", "replyTime": 1492150741392},
    ),
    "chuanglan": Vendor(
        chuanglan.Chuanglan,
        Account("sms", {"account": "N1", "password": "secret"}),
        {"content": "【店】您的订单已发货"},
        chuanglan.ERRORS,
        lambda code: reply({"code": code, "msgId": "", "errorMsg": "no"}),
        wrong_number="107",
        denied="102",
        nameless=reply({"code": "0", "msgId": "", "failNum": "1"}),
        balance=("POST /msg/balance/json", reply({"code": "0", "balance": "5"})),
        paths=("POST /msg/pull/report", "POST /msg/pull/mo"),
        listed=lambda name, entries: reply({"ret": 0, "error": "", "result": entries}),
        report={
            "msgId": "24073116453300900",
            "mobile": A,
            "status": "DELIVRD",
            "notifyTime": "241104172820",
        },
        reply={"spCode": "10690", "moTime": "2411041728", "messageContent": "退订", "mobile": A},
        page=chuanglan.PULLED,
    ),
    "montnets": Vendor(
        montnets.Montnets,
        Account(
            "sms",
            {"userid": "J10003", "password": "111111"},
            {"base_url": "https://api.example.com"},
        ),
        {"content": "您的订单已发货"},
        montnets.ERRORS,
        lambda code: reply({"result": -int(code), "msgid": 0, "custid": ""}),
        wrong_number="100012",
        denied="100001",
        nameless=reply({"result": 0, "msgid": 0}),
        balance=("POST /sms/v2/std/get_balance", reply({"result": 0, "balance": 5})),
        paths=("POST /sms/v2/std/get_rpt", "POST /sms/v2/std/get_mo"),
        listed=lambda name, entries: reply(
            {"result": 0, {"reports": "rpts", "replies": "mos"}[name]: entries}
        ),
        report={
            "msgid": 7,
            "mobile": A,
            "rtime": "2016-08-04 17:38:59",
            "status": 0,
            "errcode": "DELIVRD",
        },
        reply={
            "msgid": 8,
            "mobile": A,
            "rtime": "2016-08-04 17:38:59",
            "content": "%E9%80%80%E8%AE%A2",
        },
        page=montnets.REPORTS,
    ),
}
PULLING = [name for name, vendor in VENDORS.items() if vendor.page]


@pytest.fixture(params=sorted(VENDORS))
def vendor(request: pytest.FixtureRequest) -> Vendor:
    return VENDORS[request.param]


@contextmanager
def session(
    vendor: Vendor, *answers: Response | Exception
) -> Iterator[tuple[Session, ScriptedTransport]]:
    transport = ScriptedTransport(*answers)
    with vendor.make(http(transport)).connect(vendor.account) as opened:
        assert opened.token() is None
        yield opened, transport


def sent(vendor: Vendor, answer: Response | Exception, *numbers: str) -> Sequence[Outcome]:
    with session(vendor, answer) as (opened, _):
        return opened.send(call(*numbers, content=vendor.content)).outcomes


def polled(
    vendor: Vendor, *answers: Response | Exception
) -> tuple[Sequence[Receipt | Reply], ScriptedTransport]:
    with session(vendor, *answers) as (opened, transport):
        return opened.poll({}), transport


# Refusals because of some number, see tests/providers/test_refusals.py.
OF_A_NUMBER = jsms.INVALID_TARGET | set(chuanglan.OF_A_NUMBER) | {montnets.WRONG_NUMBER}
CODES: list[tuple[str, str]] = []
for _name, _vendor in VENDORS.items():
    CODES += [(_name, _code) for _code in sorted(set(_vendor.errors) - OF_A_NUMBER)]


@pytest.mark.parametrize(("name", "code"), CODES)
def test_every_code_of_a_call_is_its_class(name: str, code: str) -> None:
    vendor = VENDORS[name]
    with pytest.raises(ProviderError) as error:
        sent(vendor, vendor.says(code), A, B)
    assert (type(error.value), error.value.code) == (vendor.errors[code], code)


def test_a_wrong_number_by_itself_is_an_invalid_target(vendor: Vendor) -> None:
    assert sent(vendor, vendor.says(vendor.wrong_number), A) == [
        Outcome(Loss.INVALID_TARGET, vendor.wrong_number)
    ]


def test_a_code_that_nobody_knows_is_a_refusal(vendor: Vendor) -> None:
    with pytest.raises(ProviderError) as error:
        sent(vendor, vendor.says("599999"), A, B)
    assert type(error.value) is Rejected


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (reply([]), Uncertain),
        (reply({}), Uncertain),
        (Response(200, {}, b""), Uncertain),
        (Response(500, {}, b""), Uncertain),
        (Response(502, {}, b""), Uncertain),
        (Response(504, {}, b""), Uncertain),
        (Response(503, {}, b""), Unavailable),
        (Response(404, {}, b""), Misconfigured),
        (Uncertain("timeout"), Uncertain),
    ],
)
def test_an_answer_without_a_code_says_what_to_do(
    vendor: Vendor, answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(vendor, answer, A, B)
    assert type(error.value) is kind


def test_too_many_requests_is_throttled_whatever_the_code_says(vendor: Vendor) -> None:
    with pytest.raises(Throttled) as error:
        sent(
            vendor,
            replace(vendor.says(vendor.denied), status=429, headers={"retry-after": "3"}),
            A,
            B,
        )
    assert error.value.retry_after == 3


def test_a_success_that_names_no_message_may_or_may_not_have_been_taken(vendor: Vendor) -> None:
    assert sent(vendor, vendor.nameless, A) == [Outcome(code="no_msg_id", uncertain=True)]


@pytest.mark.parametrize("name", VENDORS)
@given(JSONS)
def test_any_answer_gives_an_outcome_for_each_or_an_error_of_ours(name: str, body: Any) -> None:
    try:
        outcomes = sent(VENDORS[name], reply(body), A, B)
    except ProviderError:
        return
    assert len(outcomes) == 2


# Polls


def test_a_poll_brings_reports_and_what_people_wrote_back(vendor: Vendor) -> None:
    entries, transport = polled(
        vendor,
        vendor.listed("reports", [vendor.report]),
        vendor.listed("replies", [vendor.reply, {}, 7]),
    )
    receipt, written = entries
    assert isinstance(receipt, Receipt)
    assert isinstance(written, Reply)
    assert (receipt.contact, written.contact, written.text) == (A, A, "退订")
    assert written.id
    assert transport.paths() == list(vendor.paths)
    assert polled(vendor, vendor.listed("reports", []), vendor.listed("replies", []))[0] == []


def test_reports_are_not_lost_when_replies_cannot_be_fetched(vendor: Vendor) -> None:
    for answer in (vendor.says(vendor.denied), Response(500, {}, b""), Uncertain("timeout")):
        assert len(polled(vendor, vendor.listed("reports", [vendor.report]), answer)[0]) == 1


def test_a_poll_that_failed_can_be_made_again(vendor: Vendor) -> None:
    throttled = next(code for code, kind in vendor.errors.items() if kind is Throttled)
    answers = [
        (vendor.says(throttled), Throttled),
        (vendor.says(vendor.denied), Misconfigured),
        (Uncertain("timeout"), Unavailable),
        (Response(200, {}, b"{"), Unavailable),
        (Response(502, {}, b""), Unavailable),
    ]
    for answer, kind in answers:
        with pytest.raises(kind) as error:
            polled(vendor, answer)
        assert type(error.value) is kind


@pytest.mark.parametrize("name", PULLING)
def test_full_answers_are_followed_by_more_questions_but_not_for_ever(name: str) -> None:
    vendor = VENDORS[name]
    full = vendor.listed("reports", [vendor.report] * vendor.page)
    entries, transport = polled(
        vendor, full, vendor.listed("reports", [vendor.report]), vendor.listed("replies", [])
    )
    assert (len(entries), len(transport.requests)) == (vendor.page + 1, 3)
    entries, transport = polled(vendor, *[full] * receipts.PULLS, vendor.listed("replies", []))
    assert (len(entries), len(transport.requests)) == (
        vendor.page * receipts.PULLS,
        receipts.PULLS + 1,
    )
    assert (
        len(polled(vendor, full, Uncertain("timeout"), vendor.listed("replies", []))[0])
        == vendor.page
    )


@pytest.mark.parametrize("name", VENDORS)
@given(JSONS, JSONS)
def test_whatever_is_handed_out_gives_sound_receipts_and_replies_or_an_error_of_ours(
    name: str, reports: Any, replies: Any
) -> None:
    try:
        entries, _ = polled(VENDORS[name], reply(reports), *[reply(replies)] * receipts.PULLS)
    except (Rejected, Unavailable, Misconfigured):  # never Uncertain
        return
    # 0: a receipt without a time.
    assert all(entry.time >= 0 and entry.contact.isascii() for entry in entries)
    assert all(entry.time > 0 and entry.text for entry in entries if isinstance(entry, Reply))


# Checks


def test_a_connection_is_tested_by_the_balance(vendor: Vendor) -> None:
    path, balance = vendor.balance
    with session(
        vendor, balance, vendor.says(vendor.denied), Uncertain("timeout"), Response(500, {}, b"")
    ) as (opened, transport):
        opened.check()
        for kind in (Misconfigured, Unavailable, Unavailable):
            with pytest.raises(kind) as error:
                opened.check()
            assert type(error.value) is kind
    assert transport.paths() == [path] * 4
