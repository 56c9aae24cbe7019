"""A call that a vendor refuses because of somebody in it loses nobody else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.providers import refusals
from chalicelib.providers.dingtalk import dingtalk
from chalicelib.providers.registry import capabilities
from chalicelib.providers.sms import chuanglan, jsms, montnets
from chalicelib.providers.wecom import api
from chalicelib.web.messages import Response
from tests.providers.app import test_jpush as jpush_tests
from tests.providers.dingtalk import calls as dingtalk_calls
from tests.providers.scripted import call, reply
from tests.providers.sms import test_platforms as sms_tests
from tests.providers.wecom import calls as wecom_calls

PHONES, IDS = ("13800001234", "13800001235", "13800001236"), ("ann", "bob", "cem")


@dataclass(frozen=True)
class Case:
    """A platform. `send` returns the outcomes of contacts whose call got `refusal(code, text)`."""

    contacts: Sequence[str]
    codes: Sequence[str]
    refusal: Callable[[str, str], Response]
    send: Callable[[Response, Sequence[str]], Sequence[Outcome]]


def _error(code: str, text: str) -> Response:
    return reply({"error": {"code": int(code), "message": text}}, 400)


def _coded(code: str, text: str) -> Response:
    return reply({"errcode": int(code), "errmsg": text})


def _sms(name: str) -> Callable[[Response, Sequence[str]], Sequence[Outcome]]:
    return lambda answer, numbers: sms_tests.sent(sms_tests.VENDORS[name], answer, *numbers)


def _of(module: Any, content: Mapping[str, Any], name: str = "sent") -> Any:
    def send(answer: Response, ids: Sequence[str]) -> Sequence[Outcome]:
        made, _ = getattr(module, name)(answer, outgoing=call(*ids, content=content))
        return made.outcomes

    return send


WECOM = sorted(api.NOT_THERE - {"60011"})
CASES: Mapping[str, Case] = {
    "jpush": Case(
        IDS,
        ["1003"],
        lambda code, text: _error(code, f"registration_id is invalid: {text}"),
        _of(jpush_tests, jpush_tests.ALERT),
    ),
    "jsms": Case(PHONES, sorted(jsms.INVALID_TARGET), _error, _sms("jsms")),
    "chuanglan": Case(
        PHONES,
        sorted(chuanglan.OF_A_NUMBER),
        lambda code, text: reply({"code": code, "msgId": "", "errorMsg": text}),
        _sms("chuanglan"),
    ),
    "montnets": Case(
        PHONES,
        [montnets.WRONG_NUMBER],
        lambda code, text: reply({"result": -int(code), "msgid": 0, "desc": text}),
        _sms("montnets"),
    ),
    "wecom": Case(IDS, WECOM, _coded, _of(wecom_calls, wecom_calls.TEXT)),
    "wecom_linkedcorp": Case(IDS, WECOM, _coded, _of(wecom_calls, wecom_calls.TEXT, "linked")),
    "dingtalk": Case(
        IDS,
        sorted(dingtalk.NOT_THERE),
        _coded,
        _of(dingtalk_calls, dingtalk_calls.TEXT),
    ),
}
# Their calls have one recipient, or an answer for each, or the sandbox's gateway shows it.
OTHERS = {"jpush_private", "smtp", "ses", "alipay", "cmpp"} | {
    f"wechat{kind}{way}" for kind in ("oa", "mp") for way in ("", "_component")
}
EVERY = [(name, code) for name, case in CASES.items() for code in case.codes]


def test_every_platform_of_the_registry_is_among_the_cases() -> None:
    assert set(capabilities()) == set(CASES) | OTHERS


@pytest.mark.parametrize(("name", "code"), EVERY)
def test_a_refusal_that_names_nobody_puts_all_off_and_loses_nobody(name: str, code: str) -> None:
    case = CASES[name]
    outcomes = case.send(case.refusal(code, "invalid"), case.contacts)
    assert outcomes == [Outcome(code=code, later=True, together=True)] * 3


@pytest.mark.parametrize(("name", "code"), EVERY)
def test_who_is_named_is_lost_and_the_others_are_put_off(name: str, code: str) -> None:
    case = CASES[name]
    outcomes = case.send(case.refusal(code, f"[{case.contacts[1]}]"), case.contacts)
    assert [outcome.loss is not None for outcome in outcomes] == [False, True, False]
    assert [outcome.together for outcome in outcomes] == [True, False, True]


@pytest.mark.parametrize(("name", "code"), EVERY)
def test_a_contact_that_is_refused_alone_is_lost(name: str, code: str) -> None:
    case = CASES[name]
    (outcome,) = case.send(case.refusal(code, ""), case.contacts[:1])
    assert (outcome.loss is None, outcome.later, outcome.code) == (False, False, code)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("invalid userid: bob", {"bob"}),
        ("(bob),[ann].", {"ann", "bob"}),
        ("bobby is unknown", set()),
        ("mail a.b@example.com is bad", {"a.b@example.com"}),
        ("cem is unknown", {"Cem"}),
        ("", set()),
        (None, set()),
        (7, set()),
    ],
)
def test_a_contact_is_named_by_a_word_of_its_own(text: object, names: set[str]) -> None:
    assert refusals.named(text, ["ann", "bob", "Cem", "a.b@example.com"]) == names


def test_a_contact_that_stands_twice_in_a_call_is_alone() -> None:
    lost = refusals.invalid("9")
    assert refusals.refused(["ann", "ann"], lost) == [lost, lost]
    assert lost.loss is Loss.INVALID_TARGET
