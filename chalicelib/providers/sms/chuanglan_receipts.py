"""Reports of Chuanglan: its pushes, one report or reply each, and the lists of its pulls.

Both have the same fields. Source: https://doc.chuanglan.com/document/W89EY1H130AX6W6M (reports, by
GET, sent thrice at most).
The page for replies is not public. Its fields are those of "1.4 reply details" under
https://apifox.com/apidoc/docs-site/473703 and of the pulls. POST is read, too.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, Webhook, WebhookRequest
from chalicelib.providers.base import (
    JSON,
    china_time,
    identifier,
    milliseconds,
    read_entries,
    read_form,
    read_json,
)
from chalicelib.providers.sms import platform, receipts

TAKEN = '{"clcode":"000000"}'  # else the vendor pushes again, twice at most
DELIVERED = "DELIVRD"
# States that say nothing. Every other state, of which there are many, means "not delivered".
OPEN = frozenset({"ACCEPTD", "UNKNOWN"})


def read_push(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    pushed: Sequence[Any] = [request.query] if request.method.upper() == "GET" else _posted(request)
    entries = [entry for entry in pushed if isinstance(entry, Mapping)]
    for entry in entries:
        _verify(entry, secret)
    if not any("status" in entry or "moTime" in entry for entry in entries):
        raise Invalid("status", "is missing")
    reports = [entry for entry in pushed if not _is_reply(entry)]
    replies = read_replies([entry for entry in entries if _is_reply(entry)])
    return Webhook(read_reports(reports), TAKEN, media=JSON, replies=replies)


def _verify(entry: Mapping[str, Any], secret: Mapping[str, str]) -> None:
    for name, expected in secret.items():
        received = str(entry.get(name, "")).encode("utf-8", "replace")
        if not hmac.compare_digest(received, expected.encode("utf-8", "replace")):
            raise Unverified(name)


def _is_reply(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "moTime" in entry and "status" not in entry


def _posted(request: WebhookRequest) -> Sequence[Any]:
    """Return the entries of a form, or of JSON: one object, or a list of them.

    Name and password may also stand in the address.
    """
    if request.body.lstrip()[:1] in (b"{", b"["):
        parsed = read_json(request.body, "body")
        listed = parsed if isinstance(parsed, list) else [parsed]
        return [
            {**request.query, **entry} if isinstance(entry, Mapping) else entry for entry in listed
        ]
    return [{**request.query, **read_form(request.body)}]


def read_reports(listed: Sequence[Any]) -> Sequence[Receipt]:
    return read_entries("receipts", listed, _receipt, "chuanglan")


def _receipt(report: Mapping[str, Any]) -> Receipt | None:
    """Read a report, which names its delivery by the id of the call and the number."""
    msg_id = identifier(report.get("msgid")) or identifier(report.get("msgId"))
    status = identifier(report.get("status"))
    number = platform.mainland(identifier(report.get("mobile")))
    time = _time(report.get("notifyTime")) or _time(report.get("reportTime")) or 0
    if not msg_id or not status or number is None:
        return None
    if status == DELIVERED:
        return Receipt(msg_id, ReceiptKind.DELIVERED, time, number)
    if status in OPEN:
        return Receipt(msg_id, ReceiptKind.OTHER, time, number, status)
    undeliverable = receipts.is_dead(status, str(report.get("statusDesc", "")))
    return Receipt(msg_id, ReceiptKind.DELIVERY_FAILED, time, number, status, undeliverable)


def read_replies(listed: Sequence[Any]) -> Sequence[Reply]:
    return read_entries("replies", listed, _reply, "chuanglan")


def _reply(entry: Mapping[str, Any]) -> Reply | None:
    """Read a person's reply. Its text is in `msg`, or in `messageContent` of a polled reply."""
    text = entry.get("msg") or entry.get("messageContent")
    return receipts.reply(entry.get("mobile"), text, _time(entry.get("moTime")))


def _time(value: Any) -> int | None:
    """Return milliseconds of yyMMddHHmmss, yyMMddHHmm, or of milliseconds as digits."""
    digits = identifier(value)
    if len(digits) == 12:
        return china_time(digits, "%y%m%d%H%M%S")
    return china_time(digits, "%y%m%d%H%M") if len(digits) == 10 else milliseconds(digits)
