"""Callbacks of the sandbox, which has its own implementation of the encryption, and
any other post.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Webhook, WebhookRequest
from chalicelib.providers.wechat import crypto
from chalicelib.providers.wecom.wecom import WeCom
from infra.sandbox.accounts import Account
from infra.sandbox.wecom import callbacks
from tests.providers.scripted import ScriptedTransport, http
from tests.providers.tokened import tokens

AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
CREDENTIALS = {
    "corp_id": "ww1",
    "agent_id": 7,
    "secret": "s",
    "callback_token": "tok",
    "encoding_aes_key": AES_KEY,
}
ACCOUNT = Account(
    "wecom",
    "ww1",
    webhook_url="https://a.example/r",
    agent_id="7",
    callback_token="tok",
    encoding_aes_key=AES_KEY,
)
CLICK = callbacks.click(
    ACCOUNT,
    "Ann",
    "task-1",
    {"card_type": "button_interaction", "button_list": [{"key": "yes"}]},
    1_700_000_000,
)
NOW = 1_700_000_000_000


def provider() -> WeCom:
    return WeCom(http(ScriptedTransport()), tokens())


SECRET = provider().webhook_secret(CREDENTIALS)


def posted(event: dict[str, Any], account: Account = ACCOUNT) -> WebhookRequest:
    parcel = callbacks.parcel(account, [event])
    query = dict(parse_qsl(urlsplit(parcel.url).query))
    return WebhookRequest("POST", {}, query, parcel.body, int(query["timestamp"]) * 1000)


def read(request: WebhookRequest) -> Webhook:
    return provider().read_webhook(request, SECRET)


def changed(
    request: WebhookRequest, body: bytes | None = None, method: str | None = None, **query: str
) -> WebhookRequest:
    return WebhookRequest(
        method or request.method,
        {},
        {**request.query, **query},
        request.body if body is None else body,
        NOW,
    )


def test_a_click_on_a_card_is_a_receipt_under_the_cards_task() -> None:
    webhook = read(posted(CLICK))
    assert list(webhook.receipts) == [Receipt("task-1", ReceiptKind.CLICKED, NOW, "Ann")]
    assert (webhook.reply, webhook.nonce) == ("", "")
    menu = {**CLICK, "Event": "template_card_menu_event"}
    assert len(read(posted(menu)).receipts) == 1


def test_the_same_event_posted_again_is_the_same_receipt() -> None:
    first, second = posted(CLICK), posted(CLICK)
    assert first.body != second.body
    assert list(read(first).receipts) == list(read(second).receipts)


@pytest.mark.parametrize(
    "change",
    [
        {"Event": "enter_agent"},
        {"Event": "LOCATION", "TaskId": ""},
        {"MsgType": "text", "Event": ""},
        {"TaskId": ""},
        {"FromUserName": ""},
        {"CreateTime": "yesterday"},
        {"TaskId": "字"},
    ],
)
def test_other_events_are_acknowledged_without_a_receipt(change: dict[str, Any]) -> None:
    assert list(read(posted({**CLICK, **change})).receipts) == []


@pytest.mark.parametrize("late", [-1, 1])
def test_a_post_that_was_signed_at_another_time_is_refused(late: int) -> None:
    request = posted(CLICK)
    for away, verified in ((crypto.WINDOW_MS, True), (crypto.WINDOW_MS + 1, False)):
        moved = replace(request, now=request.now + late * away)
        with contextlib.nullcontext() if verified else pytest.raises(Unverified, match="timestamp"):
            assert read(moved).receipts


def test_the_address_is_proved_by_the_decrypted_word() -> None:
    parcel = callbacks.proof(ACCOUNT, "1616140317555161061")
    query = dict(parse_qsl(urlsplit(parcel.url).query))
    now = int(query["timestamp"]) * 1000
    assert read(WebhookRequest("GET", {}, query, b"", now)).reply == "1616140317555161061"
    for name in query:
        with pytest.raises((Unverified, Invalid)):
            read(WebhookRequest("GET", {}, {**query, name: "x"}, b"", now))
        with pytest.raises((Unverified, Invalid)):
            read(
                WebhookRequest(
                    "GET", {}, {key: value for key, value in query.items() if key != name}, b"", now
                )
            )


@pytest.mark.parametrize("name", ["msg_signature", "timestamp", "nonce"])
def test_a_post_that_is_not_signed_by_wecom_is_not_believed(name: str) -> None:
    for value in ("", "1", "é"):
        with pytest.raises(Unverified):
            read(changed(posted(CLICK), **{name: value}))


def test_another_body_under_a_captured_signature_is_not_believed() -> None:
    with pytest.raises(Unverified):
        read(changed(posted(CLICK), body=posted({**CLICK, "TaskId": "task-2"}).body))


@pytest.mark.parametrize(
    "other",
    [
        Account(
            "wecom", "ww2", webhook_url="https://a", callback_token="tok", encoding_aes_key=AES_KEY
        ),
        Account(
            "wecom",
            "ww1",
            webhook_url="https://a",
            callback_token="other",
            encoding_aes_key=AES_KEY,
        ),
        Account(
            "wecom", "ww1", webhook_url="https://a", callback_token="tok", encoding_aes_key="a" * 43
        ),
    ],
)
def test_a_post_to_another_corporation_or_with_other_keys_is_not_believed(other: Account) -> None:
    with pytest.raises((Unverified, Invalid)):
        read(posted(CLICK, other))


def test_without_keys_nothing_is_believed() -> None:
    secret = provider().webhook_secret({"corp_id": "ww1", "agent_id": 7, "secret": "s"})
    assert secret == {}
    with pytest.raises(Unverified):
        provider().read_webhook(posted(CLICK), secret)


def test_who_reads_webhooks_cannot_send() -> None:
    assert CREDENTIALS["secret"] not in SECRET.values()


BODIES = [
    b"",
    b"x",
    b"<xml></xml>",
    b"<xml><Encrypt></Encrypt></xml>",
    b"<xml><Encrypt>AAAA</Encrypt></xml>",
    b"\xff",
    b'<!DOCTYPE x [<!ENTITY a "b">]><xml><Encrypt>&a;</Encrypt></xml>',
    b"<a>" * 10_000,
]


@pytest.mark.parametrize("body", BODIES)
def test_what_cannot_be_read_is_invalid_or_not_believed(body: bytes) -> None:
    with pytest.raises((Unverified, Invalid)):
        read(changed(posted(CLICK), body=body))


@given(
    st.binary(),
    st.sampled_from(["GET", "POST"]),
    st.dictionaries(st.sampled_from(["msg_signature", "timestamp", "nonce", "echostr"]), st.text()),
)
def test_any_bytes_are_unverified_or_invalid(
    body: bytes, method: str, query: dict[str, str]
) -> None:
    with pytest.raises((Unverified, Invalid)):
        read(WebhookRequest(method, {}, query, body, NOW))


@given(st.text())
def test_any_signed_text_gives_sound_receipts_or_is_invalid(plain: str) -> None:
    plain = plain.encode("utf-8", "ignore").decode()
    cipher = callbacks.encrypted(ACCOUNT, plain)
    query = callbacks.signed(ACCOUNT, cipher)
    request = WebhookRequest(
        "POST",
        {},
        query,
        f"<xml><Encrypt>{cipher}</Encrypt></xml>".encode(),
        int(query["timestamp"]) * 1000,
    )
    with contextlib.suppress(Invalid):
        assert all(receipt.provider_id.isascii() for receipt in read(request).receipts)
