"""Messages of SNS: only signed ones of the channel's own topic, and events of SES in them."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Webhook
from chalicelib.providers.email import reports
from tests.providers.email.returned import REFERENCE
from tests.providers.email.topics import CERTIFICATE, CONFIRM, TOPIC, Aws, envelope, request

SECRET = {"topic_arn": TOPIC}
AT = 1_700_000_000_000
STAMP = "2023-11-14T22:13:20.000Z"
SES_ID = "0102018bcfe568b4-8f3c2a1e-aaaa-bbbb-cccc-ddddeeeeffff-000000"
MAIL = {"timestamp": STAMP, "source": "news@corp.example", "messageId": SES_ID}


def taken(posted: Any, aws: Aws | None = None, secret: dict[str, str] = SECRET) -> Webhook:
    return reports.read(request(posted), secret, (aws or Aws()).http)


def event(kind: str, details: dict[str, Any], **mail: Any) -> list[Receipt]:
    """Return the receipts of an event, the same in both forms that SES has."""
    body = {"mail": {**MAIL, **mail}, kind.lower(): {"timestamp": STAMP, **details}}
    both = [
        taken(envelope({name: kind, **body})).receipts for name in ("eventType", "notificationType")
    ]
    assert both[0] == both[1]
    return list(both[0])


def bounce(kind: str, detail: str, status: str = "", diagnosis: str = "") -> Receipt:
    recipient = {"emailAddress": "ann@example.org"}
    if status:
        recipient |= {"action": "failed", "status": status, "diagnosticCode": diagnosis}
    details = {"bounceType": kind, "bounceSubType": detail, "bouncedRecipients": [recipient]}
    (receipt,) = event("Bounce", details)
    return receipt


@pytest.mark.parametrize(
    ("arguments", "code", "dead", "soft"),
    [
        (("Permanent", "General", "5.1.1", "smtp; 550 5.1.1 User unknown"), "5.1.1", True, False),
        (("Permanent", "NoEmail"), "NoEmail", True, False),
        (("Permanent", "Suppressed"), "Suppressed", True, False),
        (("Permanent", "OnAccountSuppressionList"), "OnAccountSuppressionList", False, False),
        (("Transient", "MailboxFull", "5.2.2", "smtp; 552 5.2.2 full"), "5.2.2", False, True),
        (("Transient", "General"), "General", False, True),
        (("Transient", "General", "4.7.650", "smtp; 451 4.7.650 blocked"), "4.7.650", False, False),
        (("Transient", "ContentRejected", "5.0.0"), "5.0.0", False, False),
        (("Transient", "AttachmentRejected"), "AttachmentRejected", False, False),
        (("Transient", "MessageTooLarge"), "MessageTooLarge", False, False),
        (("Undetermined", "Undetermined"), "Undetermined", False, False),
    ],
)
def test_a_bounce_is_hard_soft_or_neither(
    arguments: tuple[str, ...], code: str, dead: bool, soft: bool
) -> None:
    expected = Receipt(SES_ID, ReceiptKind.BOUNCED, AT, "", code, dead, soft)
    assert bounce(*arguments) == expected


@pytest.mark.parametrize(
    ("kind", "details", "receipt"),
    [
        ("Delivery", {"recipients": ["ann@example.org"]}, (ReceiptKind.DELIVERED, "")),
        ("Complaint", {"complaintFeedbackType": "abuse"}, (ReceiptKind.COMPLAINED, "abuse")),
        ("Complaint", {}, (ReceiptKind.COMPLAINED, "complaint")),
        ("Click", {"link": "https://shop.example/"}, (ReceiptKind.CLICKED, "")),
        ("Reject", {"reason": "Bad content"}, (ReceiptKind.DELIVERY_FAILED, "reject")),
        ("Novelty", {}, (ReceiptKind.OTHER, "Novelty")),
    ],
)
def test_each_event_is_a_receipt(
    kind: str, details: dict[str, Any], receipt: tuple[ReceiptKind, str]
) -> None:
    meaning, code = receipt
    assert event(kind, details) == [Receipt(SES_ID, meaning, AT, "", code)]


@pytest.mark.parametrize("kind", ["Send", "DeliveryDelay", "Subscription", "Open"])
def test_some_events_say_nothing_new(kind: str) -> None:
    assert event(kind, {}) == []


def test_a_reader_who_finds_a_mail_in_the_spam_and_likes_it_does_not_complain() -> None:
    assert event("Complaint", {"complaintFeedbackType": "not-spam"}) == []


def test_a_mail_that_ses_relayed_over_smtp_is_named_by_our_reference() -> None:
    headers = {"messageId": f"<{REFERENCE}@corp.example>"}
    (receipt,) = event("Delivery", {}, commonHeaders=headers)
    assert receipt.provider_id == REFERENCE


def test_a_complaint_of_long_ago_for_which_ses_held_a_mail_back_is_a_loss_of_that_mail() -> None:
    held = {"complaintSubType": "OnAccountSuppressionList", "complaintFeedbackType": None}
    lost, complaint = event("Complaint", held)
    code = "OnAccountSuppressionList"
    assert lost == Receipt(SES_ID, ReceiptKind.DELIVERY_FAILED, AT, "", code)
    assert complaint == Receipt(SES_ID, ReceiptKind.COMPLAINED, AT, "", code)


@pytest.mark.parametrize("version", ["1", "2"])
def test_both_signatures_are_verified_and_a_certificate_is_fetched_once(version: str) -> None:
    aws = Aws()
    http = aws.http
    posted = envelope({"eventType": "Send", "mail": MAIL}, version=version, Subject="with one")
    for _ in range(2):
        reports.read(request(posted), SECRET, http)
    assert aws.asked == [CERTIFICATE]


@pytest.mark.parametrize("field", ["Message", "MessageId", "Timestamp", "Type", "Signature"])
def test_a_changed_message_is_refused(field: str) -> None:
    posted = envelope({"eventType": "Delivery", "mail": MAIL})
    other = "UnsubscribeConfirmation" if field == "Type" else posted[field] + "0"
    with pytest.raises((Unverified, Invalid)):
        taken({**posted, field: other})


@pytest.mark.parametrize(
    "url",
    [
        CERTIFICATE.replace("amazonaws.com", "amazonaws.com.evil.example"),
        CERTIFICATE.replace("sns.", "s3."),
        CERTIFICATE.replace("https", "http"),
        CERTIFICATE.replace("sns.", "user@sns."),
        CERTIFICATE.replace(".com/", ".com:8443/"),
        CERTIFICATE.replace("/SimpleNotificationService", "/bucket/SimpleNotificationService"),
        "https://evil.example/#" + CERTIFICATE,
        "not an address",
    ],
)
def test_a_certificate_comes_from_sns_only(url: str) -> None:
    aws = Aws()
    with pytest.raises(Unverified):
        taken({**envelope({}), "SigningCertURL": url}, aws)
    assert aws.asked == []


def test_what_is_not_a_certificate_verifies_nothing() -> None:
    with pytest.raises(Unverified):
        taken(envelope({}), Aws(body=b"<html>"))
    with pytest.raises(Unverified):
        taken(envelope({}), Aws(status=403))


def test_a_subscription_is_confirmed_for_the_channels_own_topic() -> None:
    aws = Aws()
    assert taken(envelope("please", "SubscriptionConfirmation"), aws).receipts == ()
    assert aws.asked == [CERTIFICATE, CONFIRM]


@pytest.mark.parametrize("secret", [{}, {"topic_arn": TOPIC + "2"}])
def test_another_topic_is_neither_confirmed_nor_read(secret: dict[str, str]) -> None:
    aws = Aws()
    for posted in (envelope("please", "SubscriptionConfirmation"), envelope({"eventType": "Send"})):
        with pytest.raises(Unverified):
            taken(posted, aws, secret)
    assert aws.asked == []


def test_a_confirmation_at_another_host_is_not_opened() -> None:
    aws = Aws()
    url = "https://evil.example/?Action=ConfirmSubscription"
    with pytest.raises(Unverified):
        taken(envelope("please", "SubscriptionConfirmation", SubscribeURL=url), aws)
    assert aws.asked == [CERTIFICATE]


@pytest.mark.parametrize("message", ["no json", "[]", "{}", '{"mail": 1, "eventType": "Bounce"}'])
def test_an_event_of_another_shape_says_nothing(message: str) -> None:
    posted = envelope(message)
    if message == "no json":
        with pytest.raises(Invalid):
            taken(posted)
    else:
        assert taken(posted).receipts == ()
