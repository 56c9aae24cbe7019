"""Any post, signed or not."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import WebhookRequest
from chalicelib.providers.wechat import receipts
from tests.providers.wechat.posts import (
    AUTHORISED,
    ENTRY,
    FINISHED,
    NOW,
    PLAIN,
    PLATFORM,
    SAFE,
    read,
)

NAMES = ["signature", "msg_signature", "timestamp", "nonce", "echostr", "appid"]

BODIES = st.binary() | st.sampled_from(
    [b"<xml/>", b"{}", b'{"Encrypt": 1}', b"<xml><Encrypt>AAAA</Encrypt></xml>", b"[" * 9999]
)

QUERIES = st.dictionaries(st.sampled_from(NAMES), st.text())


@given(BODIES, st.sampled_from(["GET", "POST"]), QUERIES, st.sampled_from([PLAIN, SAFE, PLATFORM]))
def test_any_bytes_are_unverified_or_invalid(
    body: bytes, method: str, query: dict[str, str], secret: Any
) -> None:
    with pytest.raises((Unverified, Invalid)):
        receipts.read(WebhookRequest(method, {}, query, body, NOW), secret)


KEYS = [
    *FINISHED,
    *ENTRY,
    *AUTHORISED,
    "SubscribeMsgSentEvent",
    "List",
    "ComponentVerifyTicket",
    "Content",
    "MsgId",
]

WORDS = st.sampled_from(
    [
        "TEMPLATESENDJOBFINISH",
        "subscribe_msg_sent_event",
        "text",
        "unsubscribe",
        "wxc",
        "0",
        "success",
        "1700000000",
    ]
)

VALUES = st.recursive(
    WORDS | st.text() | st.integers() | st.none(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS), inner),
)

EVENTS = st.dictionaries(st.sampled_from(KEYS), VALUES)


@given(EVENTS, st.sampled_from([PLAIN, PLATFORM]))
def test_any_signed_event_gives_sound_words_or_is_not_believed(
    event: dict[str, Any], secret: Any
) -> None:
    with contextlib.suppress(Unverified, Invalid):
        webhook = read(None, secret, text=json.dumps(event))
        for receipt in webhook.receipts:
            assert receipt.provider_id.isascii()
            assert receipt.contact.isascii()
            assert receipt.code.isascii()
        for reply in webhook.replies:
            reply.text.encode()


@given(st.text())
def test_any_signed_text_is_read_or_invalid(text: str) -> None:
    with contextlib.suppress(Unverified, Invalid):
        read(None, SAFE, text=text.encode("utf-8", "replace").decode() or "x")
