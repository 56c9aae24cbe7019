"""Events of Amazon SES about a mail, as a topic of SNS publishes them.

SES knows two forms: event publishing (`eventType`) and notifications of an identity
(`notificationType`). Sources are two pages of docs.aws.amazon.com (2026-11). They are "Contents of
event data that Amazon SES publishes to Amazon SNS" and "SNS notification contents for Amazon SES".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from chalicelib.domain.provider_io import Receipt, ReceiptKind, Webhook
from chalicelib.providers.base import identifier
from chalicelib.providers.email import bounces
from chalicelib.providers.email.replies import came_back, is_of_sender

# An event that says nothing new: a mail was sent, is late, or its reader changed a subscription.
_SILENT = frozenset({"Send", "DeliveryDelay", "Subscription", "Open"})
_COMPLAINTS_NOT = "not-spam"
# Subtypes of a transient bounce that a server has for the mail, and not for its reader.
_OF_MAIL = frozenset({"AttachmentRejected", "ContentRejected", "MessageTooLarge"})
# SES did not send the mail, since its reader complained, or it came back, at an earlier time.
_HELD = "OnAccountSuppressionList"


def read(event: Any, now: int) -> Webhook:
    """Return the receipts of an event. `event` is None for a message of SNS itself."""
    if not isinstance(event, Mapping):
        return Webhook(reply="ok")
    kind = event.get("eventType") or event.get("notificationType")
    ids = _ids(event.get("mail"))
    if not isinstance(kind, str) or kind in _SILENT or not ids:
        return Webhook(reply="ok")
    details = event.get(kind.lower())
    receipts = list(_receipts(kind, details if isinstance(details, Mapping) else {}, ids, now))
    return Webhook(receipts, reply="ok")


def _ids(mail: Any) -> Sequence[str]:
    """Return SES's own id of a mail, or our reference, if SES relayed a mail over SMTP."""
    if not isinstance(mail, Mapping):
        return ()
    common = mail.get("commonHeaders")
    message_id = common.get("messageId") if isinstance(common, Mapping) else ""
    names = (bounces.reference_in(str(message_id)), identifier(mail.get("messageId")))
    return [name for name in names if name][:1]


def _receipts(
    kind: str, details: Mapping[str, Any], ids: Sequence[str], now: int
) -> Iterator[Receipt]:
    time = _time(details.get("timestamp"), now)
    for id in ids:
        if kind == "Delivery":
            yield Receipt(id, ReceiptKind.DELIVERED, time)
        elif kind == "Bounce":
            yield _bounce(id, details, time)
        elif kind == "Complaint":
            yield from _complaint(id, details, time)
        elif kind == "Click":
            yield Receipt(id, ReceiptKind.CLICKED, time)
        elif kind in ("Reject", "Rendering Failure"):
            yield Receipt(id, ReceiptKind.DELIVERY_FAILED, time, code=kind.lower())
        else:
            yield Receipt(id, ReceiptKind.OTHER, time, code=identifier(kind)[:50])


def _complaint(id: str, details: Mapping[str, Any], time: int) -> Iterator[Receipt]:
    """Yield the receipts of a complaint, also of an earlier one, for which SES held a mail back."""
    feedback = identifier(details.get("complaintFeedbackType"))
    if feedback == _COMPLAINTS_NOT:
        return
    if details.get("complaintSubType") == _HELD:
        feedback = feedback or _HELD
        yield Receipt(id, ReceiptKind.DELIVERY_FAILED, time, code=_HELD)
    yield Receipt(id, ReceiptKind.COMPLAINED, time, code=feedback or "complaint")


def _bounce(id: str, details: Mapping[str, Any], time: int) -> Receipt:
    """Return the receipt of a bounce. Each mail that OpenUMS sends has one recipient.

    `Permanent` with `Suppressed` is a contact on SES's own list, which holds dead ones.
    """
    recipients = details.get("bouncedRecipients")
    first = recipients[0] if isinstance(recipients, list) and recipients else {}
    recipient = first if isinstance(first, Mapping) else {}
    status = identifier(recipient.get("status"))
    kind, detail = details.get("bounceType"), identifier(details.get("bounceSubType"))
    diagnosis = str(recipient.get("diagnosticCode", ""))[: bounces.MAX_DIAGNOSIS]
    dead, soft = came_back(status, diagnosis)
    if kind == "Permanent":
        dead, soft = detail in ("General", "NoEmail", "Suppressed") or dead, False
    elif kind == "Transient":
        dead, soft = False, detail not in _OF_MAIL and not is_of_sender(status, diagnosis)
    code = (status or detail)[: bounces.MAX_CODE]
    return Receipt(id, ReceiptKind.BOUNCED, time, code=code, undeliverable=dead, soft=soft)


def _time(value: Any, now: int) -> int:
    try:
        moment = datetime.fromisoformat(str(value)[:40].replace("Z", "+00:00"))
        time = int(moment.timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
    return time if 0 < time <= now else 0
