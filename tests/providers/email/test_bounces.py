"""Reports of mail servers and readers, raw and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import (
    ContactReport,
    Receipt,
    ReceiptKind,
    Webhook,
    WebhookRequest,
)
from chalicelib.providers.email import bounces
from chalicelib.providers.email.smtp import Smtp
from tests.providers.email.calls import POLICY
from tests.providers.email.returned import EXCHANGE, EXIM, GMAIL, REFERENCE, complaint, failed, mail

NOW = 1_800_000_000_000
AT = 1_700_000_000_000  # as the reports say
DEAD, SOFT, NEITHER = (True, False), (False, True), (False, False)


def posted(body: bytes) -> Webhook:
    request = WebhookRequest("POST", {}, {}, body, NOW)
    return Smtp(POLICY).read_webhook(request, {})


def as_json(value: Any) -> Webhook:
    return posted(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("report", "code", "flags"),
    [
        (failed("5.1.1", "smtp; 550 5.1.1 <ann>: User unknown in virtual table"), "5.1.1", DEAD),
        (failed("5.4.4", "X-Postfix; Host or domain name not found"), "5.4.4", DEAD),
        (failed("5.2.2", "smtp; 552 5.2.2 Mailbox full"), "5.2.2", SOFT),
        (failed("4.4.1", "X-Postfix; connect to mail.example.org: timed out"), "4.4.1", SOFT),
        (failed("5.7.1", "smtp; 550 5.7.1 Message refused as spam"), "5.7.1", NEITHER),
        (failed("4.7.650", "smtp; 451 4.7.650 [192.0.2.7] has a bad record"), "4.7.650", NEITHER),
        (failed("4.1.8", "smtp; 450 4.1.8 Sender address rejected: no DNS"), "4.1.8", NEITHER),
        (failed("4.0.0", "smtp; 451 Sender verify failed"), "4.0.0", NEITHER),
        (failed("5.7.28", "smtp; 550 5.7.28 unusual rate of mail from you"), "5.7.28", NEITHER),
        (failed("5.0.0", "smtp; 550 Ip frequency limited"), "5.0.0", NEITHER),
        (failed("5.0.0", "smtp; 550 Mailbox not found"), "5.0.0", DEAD),
        (EXCHANGE, "5.1.10", DEAD),
        (GMAIL, "5.1.1", DEAD),
        (EXIM, "5.0.0", DEAD),
    ],
)
def test_a_report_of_a_server_names_the_delivery_and_the_reason(
    report: str, code: str, flags: tuple[bool, bool]
) -> None:
    (receipt,) = posted(mail(report)).receipts
    dead, soft = flags
    assert receipt == Receipt(REFERENCE, ReceiptKind.BOUNCED, AT, "", code, dead, soft)


@pytest.mark.parametrize(
    "parts",
    [
        {"message_id": "somebody-else"},
        {"to": "news@corp.example"},
        {"to": "news@corp.example", "message_id": REFERENCE.upper()},
        {"to": "x@y.example", "returned": "text/rfc822-headers"},
        {"to": f"Bounces <BOUNCES+{REFERENCE.upper()}@CORP.EXAMPLE>", "message_id": "x"},
    ],
)
def test_our_reference_is_in_the_address_or_in_the_mail_that_came_back(
    parts: dict[str, str],
) -> None:
    (receipt,) = posted(mail(EXIM, **parts)).receipts
    assert receipt.provider_id == REFERENCE


def test_or_in_the_id_of_its_envelope() -> None:
    report = f"Original-Envelope-Id: {REFERENCE}" + EXIM
    (receipt,) = posted(mail(report, to="x@y.example", message_id="x")).receipts
    assert receipt.provider_id == REFERENCE


@pytest.mark.parametrize(
    "raw",
    [
        mail(EXIM, to="x@y.example", message_id="x"),  # says only whom it means, as anybody could
        mail(failed("4.4.1", "x", action="delayed")),
        mail(failed("2.0.0", "x", action="delivered")),
        mail(EXIM, kind="delivery-status").replace(b"multipart/report", b"multipart/mixed"),
        complaint("not-spam"),
        b"Subject: I am on holiday\r\nAuto-Submitted: auto-replied\r\n\r\nuntil Monday",
        b"no header at all",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x\r\n--x--",
    ],
)
def test_whatever_is_not_a_report_of_a_failed_mail_of_ours_is_taken_and_ignored(raw: bytes) -> None:
    webhook = posted(raw)
    assert (webhook.receipts, webhook.contacts) == ((), ())
    assert webhook.reply


@pytest.mark.parametrize("kind", ["abuse", "fraud", "opt-out"])
def test_a_complaint_of_a_reader_names_the_delivery(kind: str) -> None:
    (receipt,) = posted(complaint(kind)).receipts
    assert receipt == Receipt(REFERENCE, ReceiptKind.COMPLAINED, AT, code=kind)


def test_a_report_before_a_long_mail_is_read_and_the_mail_is_not() -> None:
    raw = mail(EXIM) + b"x" * 5_000_000
    assert posted(raw).receipts == posted(mail(EXIM)).receipts
    far = mail("x" * bounces.MOST + EXIM)
    assert posted(far).receipts == ()


@given(st.binary(max_size=400), st.integers(0, 2000), st.integers(0, 400))
def test_any_bytes_in_a_report_are_read(noise: bytes, at: int, gone: int) -> None:
    raw = mail(EXIM)
    broken = raw[:at] + noise + raw[at + gone :]
    if not broken.lstrip().startswith((b"{", b"[")):
        assert all(receipt.provider_id for receipt in bounces.read(broken, NOW))


@pytest.mark.parametrize("field", ["code", "contact"])
def test_half_a_surrogate_pair_in_our_own_form_can_be_stored(field: str) -> None:
    """The post would fail each time that it is repeated, and the entries beside it with it."""
    entry = {"contact": "ann@example.org", "type": "hard", field: "a\ud800"}
    (report,) = as_json(entry).contacts
    assert (report.contact + report.code).encode()


def test_our_own_form_names_a_mail_or_a_contact() -> None:
    webhook = as_json(
        [
            {"message_id": f"<{REFERENCE}@corp.example>", "type": "hard", "code": "5.1.1"},
            {"message_id": f"<{REFERENCE}@corp.example>", "type": "soft", "time": AT},
            {"contact": "ann@example.org", "type": "complaint"},
            {"contact": "bob@example.org", "type": "hard", "code": "550"},
        ]
    )
    bounced, complained = ReceiptKind.BOUNCED, ReceiptKind.COMPLAINED
    assert webhook.receipts == [
        Receipt(REFERENCE, bounced, 0, "", "5.1.1", undeliverable=True),
        Receipt(REFERENCE, bounced, AT, "", "soft", soft=True),
    ]
    assert webhook.contacts == [
        ContactReport("ann@example.org", complained, 0, "complaint"),
        ContactReport("bob@example.org", bounced, 0, "550", undeliverable=True),
    ]


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        ([1], "body[0]"),
        ({"type": "gone", "contact": "x"}, "body.type"),
        ({"type": "hard"}, "body.message_id"),
        ({"type": "hard", "message_id": "<x@y>"}, "body.message_id"),
        ({"type": "hard", "contact": 1}, "body.contact"),
        ({"type": "hard", "contact": "x", "time": "now"}, "body.time"),
        ({"type": "hard", "contact": "x", "other": 1}, "body.other"),
        ([{"type": "hard", "contact": "x"}] * 101, "body"),
    ],
)
def test_an_entry_that_cannot_be_meant_is_refused_by_name(entry: Any, field: str) -> None:
    with pytest.raises(Invalid) as error:
        as_json(entry)
    assert error.value.field == field


def test_an_empty_post_is_refused() -> None:
    with pytest.raises(Invalid):
        posted(b" ")
