"""Posts to the webhook of a delivery channel for e-mail: raw reports, JSON, and SES over SNS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import (
    ContactReport,
    Receipt,
    ReceiptKind,
    Webhook,
    WebhookRequest,
)
from chalicelib.providers.base import check_names, optional_text, read_json
from chalicelib.providers.email import bounces, ses_events, sns
from chalicelib.web.http import Http

MAX_ENTRIES = 100
_TYPES = ("hard", "soft", "complaint")


def read(request: WebhookRequest, secret: Mapping[str, str], http: Http) -> Webhook:
    """Read what was posted. The token in the address authenticates a post, and SNS signs its own.

    A mail that is not a report is taken, too: otherwise a mail server would post it for ever.
    """
    if request.method != "POST" or not request.body.strip():
        raise Invalid("body", "is empty")
    if not request.body.lstrip().startswith((b"{", b"[")):
        receipts = bounces.read(request.body, request.now)
        return Webhook(receipts, reply="ok" if receipts else "not a report of a mail of ours")
    posted = read_json(request.body, "body")
    if sns.is_envelope(posted):
        return ses_events.read(sns.opened(posted, secret, http), request.now)
    return _own(posted)


def _own(posted: Any) -> Webhook:
    """Read entries of our own form: `{"message_id" or "contact", "type", "code", "time"}`."""
    entries = posted if isinstance(posted, list) else [posted]
    if len(entries) > MAX_ENTRIES:
        raise Invalid("body", "must have at most {most} entries", most=MAX_ENTRIES)
    reports = [
        _entry(entry, f"body[{n}]" if isinstance(posted, list) else "body")
        for n, entry in enumerate(entries)
    ]
    return Webhook(
        [report for report in reports if isinstance(report, Receipt)],
        reply="ok",
        contacts=[report for report in reports if isinstance(report, ContactReport)],
    )


def _entry(entry: Any, path: str) -> Receipt | ContactReport:
    if not isinstance(entry, Mapping):
        raise Invalid(path, "must be an object")
    check_names(entry, ("message_id", "contact", "type", "code", "time"), path)
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise Invalid(f"{path}.type", "must be hard, soft or complaint")
    time = entry.get("time", 0)
    if isinstance(time, bool) or not isinstance(time, int) or not 0 <= time < 10**14:
        raise Invalid(f"{path}.time", "must be milliseconds")
    message_id = optional_text(entry, "message_id", path, 1000)
    contact = _storable(optional_text(entry, "contact", path, 320))
    code = _storable(optional_text(entry, "code", path, bounces.MAX_CODE)) or kind
    means = ReceiptKind.COMPLAINED if kind == "complaint" else ReceiptKind.BOUNCED
    is_hard, is_soft = kind == "hard", kind == "soft"
    if message_id:
        id = bounces.reference_in(message_id)
        if not id:
            raise Invalid(f"{path}.message_id", "is not the Message-ID of a mail of ours")
        return Receipt(id, means, time, "", code, is_hard, is_soft)
    if not contact:
        raise Invalid(f"{path}.message_id", "or contact is required")
    return ContactReport(contact, means, time, code, is_hard, is_soft)


def _storable(text: str) -> str:
    """Return a text without halves of surrogate pairs, which UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode()


def needed(credentials: Mapping[str, Any]) -> Mapping[str, str]:
    """Return what the API needs to verify a post of SNS."""
    topic = credentials.get("topic_arn")
    return {"topic_arn": str(topic)} if topic else {}


def check_topic(credentials: Mapping[str, Any]) -> None:
    """Raise Invalid for a topic that SNS cannot have."""
    topic = optional_text(credentials, "topic_arn", "credentials", 300)
    if topic and not sns.TOPIC.fullmatch(topic):
        raise Invalid("credentials.topic_arn", "must be the ARN of a topic of SNS")
