"""JSMS's callback and polls."""

from __future__ import annotations

import contextlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, WebhookRequest
from chalicelib.domain.third_party import Family, Report, Review
from chalicelib.providers.sms import jsms_receipts
from chalicelib.providers.sms.jsms import Jsms
from tests.providers.scripted import ScriptedTransport, account, http, reply

SECRET = {"app_key": "k1", "master_secret": "s1"}
NOW = 1_492_150_741_758


def form(
    data: Any,
    callback_type: str = "SMS_REPORT",
    timestamp: int = NOW,
    nonce: str = "7659972084945889195",
    **more: str,
) -> bytes:
    fields = {
        "nonce": nonce,
        "timestamp": str(timestamp),
        "type": callback_type,
        "data": data if isinstance(data, str) else json.dumps(data),
    }
    fields["signature"] = jsms_receipts.signature("k1", "s1", nonce, str(timestamp))
    return urlencode(fields | more).encode()


def webhook(body: bytes, now: int = NOW):
    return Jsms(http(ScriptedTransport())).read_webhook(
        WebhookRequest("POST", {}, {}, body, now), SECRET
    )


REPORT = {"msgId": "1652496", "phone": "15822889320", "receiveTime": 1492150741392, "status": 4001}


def test_the_signature_is_the_vendors() -> None:
    assert (
        jsms_receipts.signature("k1", "s1", "7659972084945889195", "1492150741758")
        == "431f37f3d403909c03ab13ad0feb1048ac532274"
    )


def test_a_report_or_a_list_of_them() -> None:
    delivered = Receipt("1652496", ReceiptKind.DELIVERED, 1492150741392, "15822889320")
    assert webhook(form(REPORT)).receipts == [delivered]
    failed = {**REPORT, "msgId": 7, "status": "4004"}
    unknown = {**REPORT, "status": 4999}
    assert webhook(form([REPORT, failed, unknown, "?"])).receipts == [
        delivered,
        Receipt(
            "7",
            ReceiptKind.DELIVERY_FAILED,
            1492150741392,
            "15822889320",
            "4004",
            undeliverable=True,
        ),
        Receipt("1652496", ReceiptKind.OTHER, 1492150741392, "15822889320", "4999"),
    ]


@pytest.mark.parametrize("time", [None, "", "soon", -1, 0, 0.0004])
def test_a_report_without_a_time_says_what_it_says(time: object) -> None:
    assert webhook(form({**REPORT, "receiveTime": time})).receipts == [
        Receipt("1652496", ReceiptKind.DELIVERED, 0, "15822889320")
    ]


@pytest.mark.parametrize("code", sorted(jsms_receipts.STATES))
def test_every_status_is_delivered_or_not(code: str) -> None:
    (receipt,) = webhook(form({**REPORT, "status": int(code)})).receipts
    assert receipt.kind is (
        ReceiptKind.DELIVERED if code == "4001" else ReceiptKind.DELIVERY_FAILED
    )
    assert receipt.code == ("" if code == "4001" else code)


@pytest.mark.parametrize(
    ("kind", "entry", "report"),
    [
        (
            "SMS_TEMPLATE",
            {"tempId": 7, "status": 2, "refuseReason": "no"},
            Report(Family.TEMPLATE, "7", Review.REFUSED, "no"),
        ),
        (
            "SMS_SIGN",
            {"signId": 8, "status": 1, "refuseReason": ""},
            Report(Family.SIGNATURE, "8", Review.APPROVED),
        ),
    ],
)
def test_reviews_are_read(kind: str, entry: dict[str, object], report: Report) -> None:
    result = webhook(form(entry, kind))
    assert (result.reviews, result.receipts) == ([report], ())
    assert result.nonce
    for unknown in ({**entry, "status": 3}, {"status": 1}, 7):
        assert webhook(form(unknown, kind)).reviews == []


@pytest.mark.parametrize("kind", ["SMS_NEW", ""])
def test_other_callbacks_are_acknowledged_and_counted(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    result = webhook(form({"content": "TD"}, kind))
    assert (result.receipts, result.replies) == ((), ())
    assert result.nonce
    assert [record.callback_type for record in caplog.records] == [kind]


def test_only_a_number_that_does_not_exist_is_dead() -> None:
    reports = [{**REPORT, "status": int(code)} for code in sorted(jsms_receipts.STATES)]
    assert [r.code for r in webhook(form(reports)).receipts if r.undeliverable] == ["4004"]


def test_what_people_write_back_is_a_reply() -> None:
    raw = {"content": "TD", "phone": "15822889320", "replyTime": 1492150741392}
    (reply,) = webhook(form(raw, "SMS_REPLY")).replies
    assert (reply.contact, reply.text, reply.time) == ("15822889320", "TD", 1492150741392)
    assert reply.id
    listed = webhook(
        form(
            [
                raw,
                {**raw, "content": "退订"},
                {**raw, "content": ""},
                {**raw, "replyTime": None},
                {**raw, "replyTime": 0.0004},
                7,
            ],
            "SMS_REPLY",
        )
    )
    assert [r.text for r in listed.replies] == ["TD", "退订"]
    assert listed.replies[0] == reply
    assert listed.replies[1].id != reply.id
    assert listed.receipts == ()


def test_the_address_is_proved_by_an_echo() -> None:
    provider = Jsms(http(ScriptedTransport()))
    assert (
        provider.read_webhook(
            WebhookRequest("GET", {}, {"echostr": "a1B2c3D4"}, b"", NOW), SECRET
        ).reply
        == "a1B2c3D4"
    )
    for echo in ("", "<script>", "a b", "x" * 65, "a\n"):
        with pytest.raises(Invalid):
            provider.read_webhook(WebhookRequest("GET", {}, {"echostr": echo}, b"", NOW), SECRET)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        form(REPORT, signature="0" * 40),
        form(REPORT, signature=""),
        form(REPORT, signature="\u00e9"),
        form(REPORT, nonce="1", timestamp=NOW).replace(b"nonce=1", b"nonce=2"),
        form(REPORT, timestamp=NOW - 25 * 3600 * 1000),
        form(REPORT, timestamp=NOW + 3600 * 1000),
    ],
)
def test_a_callback_that_is_not_the_vendors_is_not_believed(body: bytes) -> None:
    with pytest.raises(Unverified):
        webhook(body)


def test_a_timestamp_that_is_no_number_is_not_believed() -> None:
    body = urlencode(
        {
            "nonce": "1",
            "timestamp": "x",
            "signature": jsms_receipts.signature("k1", "s1", "1", "x"),
            "type": "SMS_REPORT",
        }
    )
    with pytest.raises(Unverified):
        webhook(body.encode())


def test_the_vendors_last_repeat_after_thirteen_hours_is_taken() -> None:
    assert webhook(form(REPORT), now=NOW + 14 * 3600 * 1000).receipts


def test_a_captured_signature_is_the_same_nonce_with_any_data_and_a_new_stamp_is_another() -> None:
    first, forged = webhook(form(REPORT)), webhook(form({**REPORT, "msgId": "1"}))
    assert first.nonce
    assert first.nonce == forged.nonce
    assert webhook(form(REPORT, timestamp=NOW + 1)).nonce != first.nonce
    assert webhook(form(REPORT).replace(b"431f37f3", b"431F37F3")).nonce == first.nonce


@pytest.mark.parametrize(
    "body",
    [
        form("{"),
        form("[" * 10_000),
        form("", "SMS_REPORT"),
        form("", "SMS_REPLY"),
        b"\xff",
        b"&".join([b"a=1"] * 31),
    ],
)
def test_what_cannot_be_read_is_invalid(body: bytes) -> None:
    with pytest.raises(Invalid):
        webhook(body)


@given(st.binary())
def test_any_bytes_are_unverified_or_invalid(body: bytes) -> None:
    with pytest.raises((Unverified, Invalid)):
        webhook(body)


@given(st.text())
def test_any_signed_data_gives_receipts_or_is_invalid(data: str) -> None:
    with contextlib.suppress(Invalid):
        webhook(form(data))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["msgId", "phone", "receiveTime", "status"]), inner)
        ),
        max_leaves=15,
    )
)
def test_any_signed_json_gives_sound_receipts(data: Any) -> None:
    assert all(
        r.provider_id.isascii() and r.contact.isascii() and r.time >= 0
        for r in webhook(form([data])).receipts
    )


def test_a_poll_reads_the_same_reports_and_replies() -> None:
    written = {"content": "TD", "phone": "15822889320", "replyTime": 1492150741392}
    transport = ScriptedTransport(reply([REPORT]), reply([written]))
    with Jsms(http(transport)).connect(account()) as session:
        assert session.poll({}) == [
            *webhook(form(REPORT)).receipts,
            *webhook(form(written, "SMS_REPLY")).replies,
        ]
