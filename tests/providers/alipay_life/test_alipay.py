from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.vault import KMS_LIMIT
from chalicelib.domain.errors import (
    Invalid,
    Misconfigured,
    ProviderError,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
    Unverified,
)
from chalicelib.domain.provider_io import (
    Account,
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    WebhookRequest,
)
from chalicelib.providers.alipay_life import alipay_content, alipay_signing
from chalicelib.providers.alipay_life.alipay import ANSWER, CODES, INVALID_TARGET, SUB_CODES, Alipay
from chalicelib.web.messages import Response
from tests.providers.scripted import ScriptedTransport, call, http

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
PKCS1, PKCS8 = serialization.PrivateFormat.TraditionalOpenSSL, serialization.PrivateFormat.PKCS8
PLAIN = serialization.NoEncryption()
SPKI = serialization.PublicFormat.SubjectPublicKeyInfo

OURS = rsa.generate_private_key(65537, 2048)
THEIRS = rsa.generate_private_key(65537, 2048)
THEIR_PUBLIC = base64.b64encode(THEIRS.public_key().public_bytes(DER, SPKI)).decode()
OUR_PKCS8 = base64.b64encode(OURS.private_bytes(DER, PKCS8, PLAIN)).decode()
CREDENTIALS = {"app_id": "2014072300007148", "private_key": OUR_PKCS8}

CONTENT = {
    "template_id": "e5326c1d5c71419893646ad9571a93e8",
    "context": {
        "head_color": "#85be53",
        "url": "https://shop.example/o/1",
        "action_name": "查看详情",
        "keyword1": {"color": "#85be53", "value": "已发货"},
        "keyword2": {"value": "1042"},
        "remark": {"value": "谢谢"},
    },
}
NOW = 1767294245.0  # 2026-01-02 03:04:05 in China

# The canonical text of the reference, by which any other implementation signs.
PARAMETERS = {
    "version": "1.0",
    "timestamp": "2026-01-02 03:04:05",
    "sign_type": "RSA2",
    "sign": "left out",
    "app_auth_token": "",
    "method": "alipay.open.public.message.single.send",
    "format": "JSON",
    "charset": "utf-8",
    "biz_content": '{"to_user_id":"2088000000000000"}',
    "app_id": "2014072300007148",
}
CANONICAL = (
    'app_id=2014072300007148&biz_content={"to_user_id":"2088000000000000"}&charset=utf-8&format=JSON'
    "&method=alipay.open.public.message.single.send&sign_type=RSA2&timestamp=2026-01-02 03:04:05&version=1.0"
)


def answered(
    inner: dict[str, Any] | str,
    name: str = ANSWER,
    key: rsa.RSAPrivateKey | None = None,
    status: int = 200,
) -> Response:
    """As the gateway writes it: the signature covers the inner object exactly as it stands there."""
    raw = inner if isinstance(inner, str) else json.dumps(inner)
    sign = f', "sign": "{alipay_signing.sign(raw.encode(), key)}"' if key else ""
    return Response(status, {}, f'{{"{name}": {raw}{sign}}}'.encode())


def sent(
    answer: Response | Exception, contact: str = "2088102122458832", **credentials: str
) -> tuple[Answer, ScriptedTransport]:
    transport = ScriptedTransport(answer)
    provider = Alipay(http(transport), lambda: NOW)
    with provider.connect(Account("life", {**CREDENTIALS, **credentials})) as session:
        assert session.token() is None
        return session.send(call(contact, content=CONTENT)), transport


SUCCESS = {"code": "10000", "msg": "Success"}


def test_a_call_is_a_signed_form_for_one_person() -> None:
    answer, transport = sent(answered(SUCCESS))
    assert answer == Answer([Outcome()])
    (request,) = transport.requests
    assert request.url.startswith("https://openapi.alipay.com/gateway.do?")
    query = {name: values[0] for name, values in transport.queries()[0].items()}
    (body,) = parse_qs((request.body or b"").decode())["biz_content"]
    assert json.loads(body) == {"to_user_id": "2088102122458832", "template": CONTENT}
    assert query["timestamp"] == "2026-01-02 03:04:05"
    assert "app_auth_token" not in query
    signature = query.pop("sign")
    data = alipay_signing.canonical({**query, "biz_content": body})
    assert alipay_signing.is_signed(data, signature, OURS.public_key())
    assert not alipay_signing.is_signed(data + b" ", signature, OURS.public_key())


def test_an_open_id_is_named_as_one_and_an_authorised_account_by_its_token() -> None:
    _, transport = sent(
        answered(SUCCESS), "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5", app_auth_token="t1"
    )
    body = parse_qs((transport.requests[0].body or b"").decode())["biz_content"][0]
    assert json.loads(body)["to_open_id"] == "074a1CcTG1LelxKe4xQC0zgNdId0nxi95b5lsNpazWYoCo5"
    assert transport.queries()[0]["app_auth_token"] == ["t1"]


def test_the_signed_text_is_the_vendors() -> None:
    assert alipay_signing.canonical(PARAMETERS).decode() == CANONICAL


def test_private_keys_are_read_in_every_form_that_alipays_tool_writes() -> None:
    for form in (PKCS1, PKCS8):
        pem = OURS.private_bytes(PEM, form, PLAIN).decode()
        bare = base64.b64encode(OURS.private_bytes(DER, form, PLAIN)).decode()
        for text in (
            pem,
            pem.replace("\n", "\r\n"),
            bare,
            bare[:64] + "\n" + bare[64:],
            f" {bare}\n",
        ):
            assert alipay_signing.private_key(text, "x").private_numbers() == OURS.private_numbers()
    for text in (THEIR_PUBLIC, THEIRS.public_key().public_bytes(PEM, SPKI).decode()):
        assert (
            alipay_signing.public_key(text, "x").public_numbers()
            == THEIRS.public_key().public_numbers()
        )


def _bare(key: Any, form: Any = PKCS8, encryption: Any = PLAIN) -> str:
    return base64.b64encode(key.private_bytes(DER, form, encryption)).decode()


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "credentials.app_id"),
        ({"app_id": "a b", "private_key": OUR_PKCS8}, {}, "credentials.app_id"),
        ({"app_id": "1"}, {}, "credentials.private_key"),
        ({"app_id": "1", "private_key": "x"}, {}, "credentials.private_key"),
        ({"app_id": "1", "private_key": "钥"}, {}, "credentials.private_key"),
        ({"app_id": "1", "private_key": THEIR_PUBLIC}, {}, "credentials.private_key"),
        (
            {"app_id": "1", "private_key": _bare(ec.generate_private_key(ec.SECP256R1()))},
            {},
            "credentials.private_key",
        ),
        (
            {"app_id": "1", "private_key": _bare(rsa.generate_private_key(65537, 1024))},
            {},
            "credentials.private_key",
        ),
        (
            {
                "app_id": "1",
                "private_key": _bare(OURS, PKCS8, serialization.BestAvailableEncryption(b"p")),
            },
            {},
            "credentials.private_key",
        ),
        ({**CREDENTIALS, "alipay_public_key": OUR_PKCS8}, {}, "credentials.alipay_public_key"),
        (
            {**CREDENTIALS, "alipay_public_key": "-----BEGIN CERTIFICATE-----\nAAAA"},
            {},
            "credentials.alipay_public_key",
        ),
        ({**CREDENTIALS, "app_auth_token": 5}, {}, "credentials.app_auth_token"),
        ({**CREDENTIALS, "secret": "x"}, {}, "credentials.secret"),
        (CREDENTIALS, {"base_url": "http://openapi.alipay.com"}, "options.base_url"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Alipay(http(ScriptedTransport())).check_credentials(raw, options)
    assert error.value.field == field
    assert OUR_PKCS8[:40] not in str(error.value)


@given(
    st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode())
)
def test_any_text_is_a_key_or_invalid(text: str) -> None:
    for read in (alipay_signing.private_key, alipay_signing.public_key):
        with pytest.raises(Invalid):
            read(text, "credentials.private_key")


def test_a_pair_of_keys_fits_into_what_is_sealed_at_once() -> None:
    pair = {
        "app_id": "2014072300007148",
        "private_key": OURS.private_bytes(PEM, PKCS8, PLAIN).decode(),
        "alipay_public_key": THEIRS.public_key().public_bytes(PEM, SPKI).decode(),
        "app_auth_token": "x" * 40,
    }
    Alipay(http(ScriptedTransport())).check_credentials(pair, {})
    assert len(json.dumps(pair, ensure_ascii=False).encode()) < KMS_LIMIT


# Answers


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
    assert answer.outcomes == [Outcome(Loss.INVALID_TARGET, sub_code, undeliverable=True)]


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
        ]  # without Alipay's key, TLS alone speaks for it


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
    found = alipay_signing.members(json.dumps(value, ensure_ascii=escaped, indent=1))
    assert {name: json.loads(raw) for name, raw in found.items()} == value


@given(st.binary() | st.text().map(str.encode))
def test_any_answer_is_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(ProviderError):
        sent(Response(200, {}, body))


# The test of a connection


def checked(answer: Response | Exception, **credentials: str) -> None:
    with Alipay(http(ScriptedTransport(answer)), lambda: NOW).connect(
        Account("life", {**CREDENTIALS, **credentials})
    ) as session:
        session.check()


def test_a_connection_is_good_when_only_the_empty_message_is_refused() -> None:
    checked(
        answered({"code": "40002", "sub_code": "isv.invalid-parameter"}, key=THEIRS),
        alipay_public_key=THEIR_PUBLIC,
    )
    checked(answered({"code": "40004", "sub_code": "PUB.ANY"}))


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (answered({"code": "40002", "sub_code": "isv.invalid-signature"}), Misconfigured),
        (
            answered({"code": "40006", "sub_code": "isv.insufficient-isv-permissions"}),
            Misconfigured,
        ),
        (answered({"code": "40004"}, key=OURS), Misconfigured),
        (answered({"code": "20000"}), Unavailable),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_a_connection_that_is_not_says_why(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        checked(answer, alipay_public_key=THEIR_PUBLIC)
    assert type(error.value) is kind


# Contents


def changed(**context: Any) -> dict[str, Any]:
    return {
        **CONTENT,
        "context": {k: v for k, v in {**CONTENT["context"], **context}.items() if v is not ...},
    }  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "content",
    [
        CONTENT,
        changed(url="{{url}}", keyword1={"value": "{{a}}" + "x" * 128}),
        changed(first={"value": "f"}, keyword10={"value": "x"}),
        changed(action_name="查" * 8),
        changed(action_name="a" * 16),
        changed(url="u" * 256, head_color="c" * 10),
    ],
)
def test_contents_that_a_template_may_have(content: dict[str, Any]) -> None:
    Alipay(http(ScriptedTransport())).check_content(content)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "template_id"),
        ({**CONTENT, "template_id": "x" * 129}, "template_id"),
        ({**CONTENT, "template_id": "{{t}}"}, "template_id"),
        ({"template_id": "t"}, "context"),
        ({**CONTENT, "context": []}, "context"),
        ({**CONTENT, "other": 1}, "other"),
        (changed(url=...), "context.url"),
        (changed(url="u" * 257), "context.url"),
        (changed(head_color="c" * 11), "context.head_color"),
        (changed(action_name="查" * 9), "context.action_name"),
        (changed(action_name="a" * 17), "context.action_name"),
        (changed(keyword1=...), "context.keyword1"),
        (changed(keyword1="x"), "context.keyword1"),
        (changed(keyword1={"value": "x" * 129}), "context.keyword1.value"),
        (changed(keyword1={"value": "x", "color": "c" * 11}), "context.keyword1.color"),
        (changed(keyword1={"value": "x", "size": 1}), "context.keyword1.size"),
        (changed(keyword0={"value": "x"}), "context.keyword0"),
        (changed(image={"value": "x"}), "context.image"),
    ],
)
def test_contents_that_it_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Alipay(http(ScriptedTransport())).check_content(content)
    assert error.value.field == field


@given(
    st.dictionaries(
        st.sampled_from(["template_id", "context", "x"]),
        st.text()
        | st.none()
        | st.dictionaries(
            st.sampled_from(["url", "head_color", "action_name", "keyword1"]),
            st.text() | st.just({"value": 1}),
        ),
    )
)
def test_any_content_is_taken_or_invalid(content: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        alipay_content.check(content)


def test_nobody_posts_receipts() -> None:
    provider = Alipay(http(ScriptedTransport()))
    assert provider.webhook_secret(CREDENTIALS) == {}
    with pytest.raises(Unverified):
        provider.read_webhook(WebhookRequest("POST", {}, {}, b"", 0), {})


def test_keys_never_show() -> None:
    account = Account("life", CREDENTIALS)
    assert OUR_PKCS8[:40] not in repr(account)
