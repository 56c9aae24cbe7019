"""Posts of WeChat: plain and encrypted ones, of an account and of a third-party platform, and any
other post.
"""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import (
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    Reply,
    Token,
    Webhook,
    WebhookRequest,
)
from chalicelib.providers.wechat import component, receipts
from chalicelib.providers.wechat.crypto import CallbackCrypto, signature

KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
NOW = 1_700_000_000_000
PLAIN = receipts.secret_of({"app_id": "wx1", "app_secret": "s", "callback_token": "tok"})
SAFE = receipts.secret_of(
    {"app_id": "wx1", "app_secret": "s", "callback_token": "tok", "encoding_aes_key": KEY}
)
PLATFORM = receipts.secret_of(
    {
        "app_id": "wx1",
        "component_app_id": "wxc",
        "component_app_secret": "s",
        "callback_token": "tok",
        "encoding_aes_key": KEY,
    }
)

FINISHED = {
    "ToUserName": "gh_1",
    "FromUserName": "openid",
    "CreateTime": "1700000000",
    "MsgType": "event",
    "Event": "TEMPLATESENDJOBFINISH",
    "MsgID": "200163836",
    "Status": "success",
}
ENTRY = {
    "TemplateId": "tpl",
    "MsgID": "1700827132819554304",
    "ErrorCode": "0",
    "ErrorStatus": "success",
}
SENT = {**FINISHED, "Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": ENTRY}}


def xml(value: Any, name: str = "xml") -> str:
    if isinstance(value, list):
        return "".join(xml(each, name) for each in value)
    inner = (
        "".join(xml(each, key) for key, each in value.items())
        if isinstance(value, dict)
        else f"<![CDATA[{value}]]>"
    )
    return f"<{name}>{inner}</{name}>"


def posted(
    event: Any, secret: Any, at: int = NOW, nonce: str = "n", text: str | None = None, **query: str
) -> WebhookRequest:
    text, timestamp = text or xml(event), str(at // 1000)
    signed = {
        "timestamp": timestamp,
        "nonce": nonce,
        "signature": signature(secret["token"], timestamp, nonce),
    }
    if secret.get("aes_key"):
        sealed = CallbackCrypto(
            secret["token"], KEY, secret.get("component") or secret["app_id"]
        ).seal(text)
        signed |= {
            "encrypt_type": "aes",
            "msg_signature": signature(secret["token"], timestamp, nonce, sealed),
        }
        text = xml({"ToUserName": "gh_1", "Encrypt": sealed})
    return WebhookRequest("POST", {}, {**signed, **query}, text.encode("utf-8", "replace"), NOW)


def read(event: Any, secret: Any = SAFE, **more: Any) -> Webhook:
    return receipts.read(posted(event, secret, **more), secret)


@pytest.mark.parametrize("secret", [PLAIN, SAFE, PLATFORM])
@pytest.mark.parametrize(
    ("status", "kind", "code"),
    [
        ("success", ReceiptKind.DELIVERED, ""),
        ("failed:user block", ReceiptKind.DELIVERY_FAILED, "user_block"),
        ("failed: system failed", ReceiptKind.DELIVERY_FAILED, "system_failed"),
        ("failed:system failed", ReceiptKind.DELIVERY_FAILED, "system_failed"),
        ("failed:freq limit", ReceiptKind.DELIVERY_FAILED, "freq_limit"),
        ("failed", ReceiptKind.DELIVERY_FAILED, "failed"),
        ("failed:" + "字", ReceiptKind.DELIVERY_FAILED, "failed"),
        ("perhaps: later", ReceiptKind.OTHER, "perhaps"),
    ],
)
def test_what_became_of_a_template_message(
    secret: Any, status: str, kind: ReceiptKind, code: str
) -> None:
    webhook = read({**FINISHED, "Status": status}, secret)
    assert list(webhook.receipts) == [Receipt("200163836", kind, NOW, "openid", code)]
    assert (webhook.reply, webhook.kept, webhook.channel) == ("success", {}, "")


@pytest.mark.parametrize(
    "change",
    [
        {"Status": "字"},
        {"Status": ""},
        {"MsgID": ""},
        {"FromUserName": ""},
        {"CreateTime": "yesterday"},
        {"Event": "VIEW"},
    ],
)
def test_what_is_not_understood_is_answered_and_counted_without_a_receipt(
    change: dict[str, str], caplog: Any
) -> None:
    caplog.set_level("INFO")
    webhook = read({**FINISHED, **change})
    assert (list(webhook.receipts), webhook.reply) == ([], "success")
    assert len(caplog.records) == 1
    assert "openid" not in caplog.text


def call(openid: str = "openid", template: str = "tpl") -> OutgoingCall:
    return OutgoingCall("m", [Recipient(openid, {"template_id": template})])


def test_what_became_of_a_notice_is_found_by_openid_template_and_hour() -> None:
    (receipt,) = read(SENT).receipts
    assert (receipt.kind, receipt.contact) == (ReceiptKind.DELIVERED, "openid")
    assert receipt.provider_id in receipts.notice_ids(call(), NOW).split("|")
    assert receipt.provider_id not in receipts.notice_ids(call("other"), NOW).split("|")
    assert receipt.provider_id not in receipts.notice_ids(call(template="other"), NOW).split("|")
    assert receipt.provider_id not in receipts.notice_ids(call(), NOW - 2 * 3600_000).split("|")
    assert "openid" not in receipt.provider_id


@pytest.mark.parametrize("after", [-60, 0, 1, 900])
@pytest.mark.parametrize("minute", [0, 1, 30, 45, 46, 59])
def test_a_notice_is_found_across_the_hour(after: int, minute: int) -> None:
    sent = NOW - NOW % 3600_000 + minute * 60_000
    at = sent // 1000 + after
    (receipt,) = receipts.read(posted({**SENT, "CreateTime": str(at)}, SAFE), SAFE).receipts
    ids = receipts.notice_ids(call(), sent).split("|")
    assert receipt.provider_id in ids
    assert len(ids) <= 2


def test_several_results_in_one_event() -> None:
    failed = {**ENTRY, "ErrorCode": "20001", "ErrorStatus": "failed"}
    found = read(
        {
            **SENT,
            "SubscribeMsgSentEvent": {
                "List": [ENTRY, failed, {"TemplateId": "", "ErrorCode": "0"}]
            },
        }
    ).receipts
    assert [(r.kind, r.code) for r in found] == [
        (ReceiptKind.DELIVERED, ""),
        (ReceiptKind.DELIVERY_FAILED, "20001"),
    ]


@pytest.mark.parametrize("listed", [ENTRY, [ENTRY]])
def test_a_mini_program_may_be_told_in_json(listed: Any) -> None:
    event = {
        **FINISHED,
        "CreateTime": 1700000000,
        "Event": "subscribe_msg_sent_event",
        "List": listed,
    }
    assert list(read(None, text=json.dumps(event)).receipts) == list(read(SENT).receipts)
    request = posted(None, SAFE, text=json.dumps(event))
    sealed = request.body.decode().partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
    whole = WebhookRequest("POST", {}, request.query, json.dumps({"Encrypt": sealed}).encode(), NOW)
    assert list(receipts.read(whole, SAFE).receipts) == list(read(SENT).receipts)


def test_what_people_write_and_that_they_follow_are_replies() -> None:
    text = {**FINISHED, "MsgType": "text", "Event": "", "Content": "退订", "MsgId": "77"}
    assert list(read(text).replies) == [Reply("openid", "退订", NOW, "77")]
    for kind in ("subscribe", "unsubscribe"):
        assert list(read({**FINISHED, "Event": kind}).replies) == [
            Reply("openid", kind, NOW, f"{kind}-{NOW}")
        ]


def test_the_address_is_proved_by_its_word() -> None:
    query = {**posted(FINISHED, PLAIN).query, "echostr": "4561918440456577246"}
    for secret in (PLAIN, SAFE):
        assert (
            receipts.read(WebhookRequest("GET", {}, query, b"", NOW), secret).reply
            == "4561918440456577246"
        )
    with pytest.raises(Unverified):
        receipts.read(WebhookRequest("GET", {}, {**query, "signature": "x"}, b"", NOW), PLAIN)
    for echo in ("", "<script>", "e" * 129, "é"):
        with pytest.raises(Invalid, match="echostr"):
            receipts.read(WebhookRequest("GET", {}, {**query, "echostr": echo}, b"", NOW), PLAIN)


@pytest.mark.parametrize(
    ("secret", "name"), [(PLAIN, "signature"), (SAFE, "msg_signature"), (PLATFORM, "msg_signature")]
)
def test_a_post_that_is_not_signed_by_wechat_is_not_believed(secret: Any, name: str) -> None:
    for wrong in (
        {name: ""},
        {name: "0" * 40},
        {"nonce": "other"},
        {"timestamp": str(NOW // 1000 - 1)},
        {"timestamp": "é"},
    ):
        request = posted(FINISHED, secret)
        with pytest.raises(Unverified):
            receipts.read(
                WebhookRequest("POST", {}, {**request.query, **wrong}, request.body, NOW), secret
            )


@pytest.mark.parametrize("seconds", [-601, 601])
def test_an_old_post_is_not_believed(seconds: int) -> None:
    for secret in (PLAIN, SAFE):
        with pytest.raises(Unverified):
            read(FINISHED, secret, at=NOW + seconds * 1000)
        near = seconds - 1 if seconds > 0 else seconds + 1
        assert read(FINISHED, secret, at=NOW + near * 1000).receipts


def test_a_plain_signature_serves_one_body_an_encrypted_post_is_signed_itself() -> None:
    first, second = read(FINISHED, PLAIN), read({**FINISHED, "MsgID": "2"}, PLAIN)
    assert first.nonce == second.nonce == posted(FINISHED, PLAIN).query["signature"]
    assert read(FINISHED, SAFE).nonce == ""


def test_with_a_key_nothing_plain_is_believed_and_nothing_for_another_account() -> None:
    with pytest.raises(Invalid, match="Encrypt"):
        receipts.read(posted(FINISHED, PLAIN), SAFE)
    with pytest.raises(Unverified, match="receiver"):
        receipts.read(posted(FINISHED, {**SAFE, "app_id": "wx2"}), SAFE)


def test_without_a_token_nothing_is_believed() -> None:
    secret = receipts.secret_of({"app_id": "wx1", "app_secret": "s"})
    assert secret == {}
    with pytest.raises(Unverified):
        receipts.read(posted(FINISHED, PLAIN), secret)


def test_who_reads_webhooks_cannot_send() -> None:
    for secret in (PLAIN, SAFE, PLATFORM):
        assert all("secret" not in name and value != "s" for name, value in secret.items())


# Events of a third-party platform

TOLD = {
    "AppId": "wxc",
    "CreateTime": "1700000000",
    "InfoType": "component_verify_ticket",
    "ComponentVerifyTicket": "ticket@@@1",
}
AUTHORISED = {
    "AppId": "wxc",
    "CreateTime": "1700000000",
    "InfoType": "authorized",
    "AuthorizerAppid": "wx9",
    "AuthorizationCode": "queryauthcode@@@1",
    "AuthorizationCodeExpiredTime": str(NOW // 1000 + 1800),
    "PreAuthCode": "p",
}


def test_the_ticket_is_kept_for_who_sends() -> None:
    webhook = read(TOLD, PLATFORM)
    half_a_day = NOW + 12 * 3600_000
    assert webhook.kept == {
        component.ticket_name("wxc"): Token("ticket@@@1", half_a_day, half_a_day)
    }
    assert (webhook.reply, webhook.receipts) == ("success", ())


@pytest.mark.parametrize("kind", ["authorized", "updateauthorized"])
def test_the_code_of_an_authorisation_is_kept_for_an_hour_at_most(kind: str) -> None:
    name = component.code_name("wxc", "wx9")
    assert read({**AUTHORISED, "InfoType": kind}, PLATFORM).kept[name].expires == NOW + 1800_000
    for far in ("9999999999", "", "soon"):
        assert (
            read({**AUTHORISED, "InfoType": kind, "AuthorizationCodeExpiredTime": far}, PLATFORM)
            .kept[name]
            .expires
            == NOW + 3600_000
        )


def test_an_authorisation_is_of_this_channel_or_of_the_one_with_the_accounts_appid() -> None:
    assert read(AUTHORISED, PLATFORM).authorised == "wx9"
    assert read({**AUTHORISED, "AuthorizerAppid": "wx1"}, PLATFORM).authorised == ""
    assert (
        read({**AUTHORISED, "AuthorizerAppid": "wx_9"}, PLATFORM).authorised is None
    )  # no channel has such a code
    for event in (
        TOLD,
        {**AUTHORISED, "InfoType": "unauthorized"},
        {**AUTHORISED, "AuthorizationCode": ""},
        FINISHED,
    ):
        assert read(event, PLATFORM).authorised is None


@pytest.mark.parametrize(
    "change",
    [
        {"InfoType": "unauthorized"},
        {"InfoType": "notify_third_fasteregister"},
        {"AuthorizationCode": ""},
    ],
)
def test_what_else_a_platform_is_told_keeps_nothing(change: dict[str, str]) -> None:
    webhook = read({**AUTHORISED, **change}, PLATFORM)
    assert (webhook.kept, webhook.reply) == ({}, "success")


def test_another_platforms_ticket_is_not_believed_and_an_accounts_own_post_brings_none() -> None:
    with pytest.raises(Unverified):
        read({**TOLD, "AppId": "wxother"}, PLATFORM)
    assert read(TOLD, SAFE).kept == {}


def test_an_event_of_another_account_is_for_the_channel_with_its_appid() -> None:
    webhook = read(FINISHED, PLATFORM, appid="wx9")
    assert (webhook.channel, webhook.reply, list(webhook.receipts)) == ("wx9", "success", [])
    for own in ({}, {"appid": "wx1"}, {"appid": "$APPID$"}, {"appid": "x" * 33}):
        assert len(read(FINISHED, PLATFORM, **own).receipts) == 1
    assert read(FINISHED, SAFE, appid="wx9").channel == ""


# Any post

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
