"""What Chuanglan reports: its pushes, one report or reply each, and the lists of its pulls, which have the same fields.

Source: https://doc.chuanglan.com/document/W89EY1H130AX6W6M (reports, by GET, sent thrice at most). The page for replies is not public;
its fields are those of "1.4 reply details" under https://apifox.com/apidoc/docs-site/473703 and of the pulls. POST is read, too.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.sending import Receipt, ReceiptKind, Reply, Webhook, WebhookRequest
from chalicelib.providers.base import JSON, china_time, milliseconds, read_json, word
from chalicelib.providers.sms import texts

log = logging.getLogger(__name__)

TAKEN = '{"clcode":"000000"}'  # else the vendor pushes again, twice at most
DELIVERED = "DELIVRD"
OPEN = frozenset({"ACCEPTD", "UNKNOWN"})  # says nothing yet; every other state means that it was not delivered


def delivery_id(msg_id: str, number: str) -> str:
    """A call has one message id; with the number, it names a delivery however the number is written in the user's contacts."""
    return f"{msg_id}.{number}"


def read_push(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    pushed: Sequence[Mapping[str, Any]] = [request.query] if request.method.upper() == "GET" else _posted(request)
    for each in pushed:
        for name, expected in secret.items():
            if not hmac.compare_digest(str(each.get(name, "")).encode("utf-8", "replace"), expected.encode("utf-8", "replace")):
                raise Unverified(name)
    if not all("status" in each or "moTime" in each for each in pushed):
        raise Invalid("status", "is missing")
    reports = [each for each in pushed if "status" in each]
    return Webhook(read_reports(reports), TAKEN, media=JSON, replies=read_replies([each for each in pushed if "status" not in each]))


def _posted(request: WebhookRequest) -> Sequence[Mapping[str, Any]]:
    """A form, or JSON: one object, or a list of them. Name and password may also stand in the address."""
    if request.body.lstrip()[:1] in (b"{", b"["):
        parsed = read_json(request.body, "body")
        listed = parsed if isinstance(parsed, list) else [parsed]
        if not all(isinstance(each, Mapping) for each in listed):
            raise Invalid("body", "must be objects")
        return [{**request.query, **each} for each in listed]
    try:
        return [{**request.query, **dict(parse_qsl(request.body.decode("utf-8"), max_num_fields=30))}]
    except ValueError:
        raise Invalid("body", "is not a readable form") from None


def read_reports(reports: Sequence[Any]) -> Sequence[Receipt]:
    """Those that cannot be understood, or say nothing yet, are counted in the log."""
    receipts = [receipt for report in reports if isinstance(report, Mapping) for receipt in _receipt(report)]
    if len(receipts) < len(reports):
        log.warning("receipts not understood", extra={"provider": "chuanglan", "count": len(reports) - len(receipts)})
    return receipts


def _receipt(report: Mapping[str, Any]) -> Iterator[Receipt]:
    msg_id, status = word(report.get("msgid")) or word(report.get("msgId")), word(report.get("status"))
    number, time = texts.mainland(word(report.get("mobile"))), _time(report.get("notifyTime")) or _time(report.get("reportTime"))
    if not msg_id or not status or number is None or time is None or status in OPEN:
        return
    if status == DELIVERED:
        yield Receipt(delivery_id(msg_id, number), ReceiptKind.DELIVERED, time, number)
    else:
        gone = texts.is_gone(status, str(report.get("statusDesc", "")))
        yield Receipt(delivery_id(msg_id, number), ReceiptKind.DELIVERY_FAILED, time, number, status, gone)


def read_replies(listed: Sequence[Any]) -> Sequence[Reply]:
    return texts.replies(listed, _reply, "chuanglan")


def _reply(each: Mapping[str, Any]) -> Reply | None:
    """Pushes call the text `msg`, pulls `messageContent` too."""
    return texts.reply(each.get("mobile"), each.get("msg") or each.get("messageContent"), _time(each.get("moTime")))


def _time(value: Any) -> int | None:
    """yyMMddHHmmss, yyMMddHHmm, or milliseconds as digits."""
    digits = word(value)
    if len(digits) == 12:
        return china_time(digits, "%y%m%d%H%M%S")
    return china_time(digits, "%y%m%d%H%M") if len(digits) == 10 else milliseconds(digits)
