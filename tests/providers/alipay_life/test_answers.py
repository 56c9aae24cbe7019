"""Answers of Alipay: codes and signatures."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.provider_io import Account, Loss, Outcome, OutgoingCall
from chalicelib.providers.alipay_life import alipay_signing
from chalicelib.providers.alipay_life.alipay import ANSWER, CODES, INVALID_TARGET, SUB_CODES, Alipay
from chalicelib.web.messages import Response
from tests.providers.alipay_life.calls import (
    CONTENT,
    CREDENTIALS,
    OURS,
    SUCCESS,
    THEIR_PUBLIC,
    THEIRS,
    answered,
    sent,
)
from tests.providers.scripted import ScriptedTransport, call, http


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_its_class(code: str) -> None:
    with pytest.raises(ProviderError) as error:
        sent(answered({"code": code, "msg": "no", "sub_code": "isv.other"}))
    assert type(error.value) is CODES[code]
    assert error.value.code == "isv.other"


@pytest.mark.parametrize("sub_code", [*sorted(SUB_CODES), "PUB.SYSTEM_ERROR"])
def test_a_finer_code_decides(sub_code: str) -> None:
    code = "40001" if "missing" in sub_code else "40002" if "invalid" in sub_code else "40004"
    with pytest.raises(ProviderError) as error:
        sent(answered({"code": code, "msg": "no", "sub_code": sub_code}))
    assert (
        type(error.value)
        is SUB_CODES[sub_code.removeprefix("PUB.") if "SYSTEM" in sub_code else sub_code]
    )


@pytest.mark.parametrize("sub_code", sorted(INVALID_TARGET))
def test_who_does_not_follow_is_a_dead_contact(sub_code: str) -> None:
    answer, _ = sent(answered({"code": "40004", "msg": "Business Failed", "sub_code": sub_code}))
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, sub_code)]


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (
            answered({"code": "40002", "sub_code": "isv.invalid-signature"}, "error_response"),
            Misconfigured,
        ),
        (answered({"code": "49999"}), Rejected),
        (answered({"msg": "?"}), Uncertain),
        (answered("[]"), Uncertain),
        (answered(SUCCESS, "other_response"), Uncertain),
        (Response(200, {}, b""), Uncertain),
        (Response(200, {}, b"\xff"), Uncertain),
        (Response(429, {"retry-after": "5"}, b""), Throttled),
        (Response(503, {}, b""), Unavailable),
        (Response(502, {}, b""), Uncertain),
        (Response(404, {}, b""), Misconfigured),
        (Uncertain("timeout"), Uncertain),
    ],
)
def test_an_answer_without_success_says_what_to_do(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        sent(answer)
    assert type(error.value) is kind


def test_two_people_are_never_one_call() -> None:
    provider = Alipay(http(ScriptedTransport()))
    assert provider.capabilities.call_size == 1
    with provider.connect(Account("life", CREDENTIALS)) as session, pytest.raises(Rejected):
        session.send(OutgoingCall("m", [*call("1", "2", content=CONTENT).recipients]))


def test_a_success_must_be_signed_by_alipay_exactly_as_it_is_written() -> None:
    spaced = '{ "code":"10000",\n  "msg":"Success", "note":"\\/ \\u4e2d 中" }'
    for inner in (json.dumps(SUCCESS), spaced):
        assert sent(answered(inner, key=THEIRS), alipay_public_key=THEIR_PUBLIC)[0].outcomes == [
            Outcome()
        ]
    escaped = answered('{"code":"10000","msg":"Success","note":"a/b"}', key=THEIRS).body.replace(
        b"a/b", b"a\\/b"
    )
    assert sent(Response(200, {}, escaped), alipay_public_key=THEIR_PUBLIC)[0].outcomes == [
        Outcome()
    ]  # escaped after it was signed
    good = answered(SUCCESS, key=THEIRS).body
    forged = [
        answered(SUCCESS),
        answered(SUCCESS, key=OURS),
        Response(200, {}, good.replace(b"Success", b"success")),
    ]
    forged += [
        Response(200, {}, good.replace(b'"sign": "', b'"sign": "!')),
        Response(200, {}, b'{"sign":5,' + good[1:].split(b', "sign"')[0] + b"}"),
    ]
    for answer in forged:
        with pytest.raises(Uncertain, match="answer_signature"):
            sent(answer, alipay_public_key=THEIR_PUBLIC)
        assert sent(answer)[0].outcomes == [
            Outcome()
        ]  # without Alipay's key, TLS alone protects the answer


def test_a_refusal_that_alipay_could_not_sign_is_believed_and_a_forged_one_is_not() -> None:
    refused = {"code": "40002", "sub_code": "isv.invalid-app-id"}
    with pytest.raises(Misconfigured):
        sent(answered(refused), alipay_public_key=THEIR_PUBLIC)
    with pytest.raises(Uncertain):
        sent(answered(refused, key=OURS), alipay_public_key=THEIR_PUBLIC)


def test_a_name_that_stands_twice_in_an_answer_is_not_believed() -> None:
    body = answered(SUCCESS, key=THEIRS).body
    twice = Response(200, {}, b'{"%s": {"code": "10000"}, ' % ANSWER.encode() + body[1:])
    with pytest.raises(Uncertain):
        sent(twice)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a":1}', {"a": "1"}),
        (' { "a" : { "b" : "}" } , "c":"\\"" } ', {"a": '{ "b" : "}" }', "c": '"\\""'}),
        ('{"a":[1,{"sign":2}],"sign":"x"}', {"a": '[1,{"sign":2}]', "sign": '"x"'}),
    ],
)
def test_members_are_found_as_they_are_written(text: str, found: dict[str, str]) -> None:
    assert alipay_signing.members(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "{}",
        "[]",
        '{"a"}',
        '{"a":}',
        '{"a":1',
        '{"a":1}}',
        '{"a":1,}',
        '{"a":1,"a":2}',
        "{1:2}",
        '{"a":' * 9999,
    ],
)
def test_what_is_no_object_has_no_members(text: str) -> None:
    with pytest.raises(ValueError):
        alipay_signing.members(text)


@given(
    st.dictionaries(
        st.text(),
        st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner)),
        min_size=1,
    ),
    st.booleans(),
)
def test_members_of_any_object_are_its_json(value: dict[str, Any], escaped: bool) -> None:
    members = alipay_signing.members(json.dumps(value, ensure_ascii=escaped, indent=1))
    assert {name: json.loads(raw) for name, raw in members.items()} == value


@settings(deadline=None)  # a loaded machine is slower than 200 ms
@given(st.binary() | st.text().map(str.encode))
def test_any_answer_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(ProviderError):
        sent(Response(200, {}, body))
