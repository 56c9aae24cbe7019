"""Posts of WeChat: plain and encrypted ones, of an account."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import (
    OutgoingCall,
    Receipt,
    ReceiptKind,
    Recipient,
    Reply,
    WebhookRequest,
)
from chalicelib.providers.wechat import receipts
from tests.providers.wechat.posts import ENTRY, FINISHED, NOW, PLAIN, PLATFORM, SAFE, posted, read

SENT = {**FINISHED, "Event": "subscribe_msg_sent_event", "SubscribeMsgSentEvent": {"List": ENTRY}}


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
    result = read(
        {
            **SENT,
            "SubscribeMsgSentEvent": {
                "List": [ENTRY, failed, {"TemplateId": "", "ErrorCode": "0"}]
            },
        }
    ).receipts
    assert [(r.kind, r.code) for r in result] == [
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
    assert list(read(text).replies) == [Reply("openid", "退订", NOW, "77", shows_life=False)]
    for kind in ("subscribe", "unsubscribe"):
        assert list(read({**FINISHED, "Event": kind}).replies) == [
            Reply("openid", kind, NOW, f"{kind}-{NOW}", shows_life=kind == "subscribe")
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
