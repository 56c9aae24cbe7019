"""Alipay's calls, keys and settings."""

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
from chalicelib.domain.errors import Invalid, Misconfigured, Unavailable, Uncertain, Unverified
from chalicelib.domain.provider_io import Account, Answer, Outcome, WebhookRequest
from chalicelib.providers.alipay_life import alipay_signing
from chalicelib.providers.alipay_life.alipay import Alipay
from chalicelib.web.messages import Response
from tests.providers.alipay_life.calls import (
    CONTENT,
    CREDENTIALS,
    DER,
    NOW,
    OUR_PKCS8,
    OURS,
    PEM,
    PKCS1,
    PKCS8,
    PLAIN,
    SPKI,
    SUCCESS,
    THEIR_PUBLIC,
    THEIRS,
    answered,
    sent,
)
from tests.providers.scripted import ScriptedTransport, http

# The canonical text of the reference, which any other implementation signs.
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
    'app_id=2014072300007148&biz_content={"to_user_id":"2088000000000000"}&charset=utf-8&format=J'
    "SON"
    "&method=alipay.open.public.message.single.send&sign_type=RSA2&timestamp=2026-01-02 "
    "03:04:05&version=1.0"
)


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


def test_a_key_is_checked_when_it_is_saved_and_not_at_each_call() -> None:
    numbers = OURS.private_numbers()
    flawed = rsa.RSAPrivateNumbers(
        p=numbers.p,
        q=numbers.q,
        d=numbers.d + 2,  # signs nothing that the public key would verify
        dmp1=numbers.dmp1,
        dmq1=numbers.dmq1,
        iqmp=numbers.iqmp,
        public_numbers=numbers.public_numbers,
    )
    text = _bare(flawed.private_key(unsafe_skip_rsa_key_validation=True))
    with pytest.raises(Invalid, match="must be an RSA private key"):
        alipay_signing.private_key(text, "x")
    assert alipay_signing.private_key(text, "x", is_checked=True).key_size == 2048


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
        (Response(400, {}, b"<html>"), Misconfigured),
        (Uncertain("timeout"), Unavailable),
    ],
)
def test_a_connection_that_is_not_says_why(
    answer: Response | Exception, kind: type[Exception]
) -> None:
    with pytest.raises(kind) as error:
        checked(answer, alipay_public_key=THEIR_PUBLIC)
    assert type(error.value) is kind


def test_nobody_posts_receipts() -> None:
    provider = Alipay(http(ScriptedTransport()))
    assert provider.webhook_secret(CREDENTIALS) == {}
    with pytest.raises(Unverified):
        provider.read_webhook(WebhookRequest("POST", {}, {}, b"", 0), {})


def test_keys_never_show() -> None:
    account = Account("life", CREDENTIALS)
    assert OUR_PKCS8[:40] not in repr(account)
