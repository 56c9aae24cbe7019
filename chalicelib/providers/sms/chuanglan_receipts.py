"""What Chuanglan reports: its pushes, one report or reply each, and the lists of its pulls, which have the same fields.

Source: https://doc.chuanglan.com/document/W89EY1H130AX6W6M (reports, by GET, sent thrice at most). The page for replies is not public;
its fields are those of "1.4 reply details" under https://apifox.com/apidoc/docs-site/473703 and of the pulls. POST is read, too.
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
    milliseconds,
    read_form,
    read_json,
    understood,
    word,
)
from chalicelib.providers.sms import platform, receipts

TAKEN = '{"clcode":"000000"}'  # else the vendor pushes again, twice at most
DELIVERED = "DELIVRD"
OPEN = frozenset(
    {"ACCEPTD", "UNKNOWN"}
)  # says nothing; every other state, of which there are many, means that it was not delivered


def delivery_id(msg_id: str, number: str) -> str:
    """A call has one message id; with the number, it names a delivery however the number is written in the user's contacts."""
    return f"{msg_id}.{number}"


def read_push(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    pushed: Sequence[Any] = [request.query] if request.method.upper() == "GET" else _posted(request)
    said = [each for each in pushed if isinstance(each, Mapping)]
    for each in said:
        for name, expected in secret.items():
            if not hmac.compare_digest(
                str(each.get(name, "")).encode("utf-8", "replace"),
                expected.encode("utf-8", "replace"),
            ):
                raise Unverified(name)
    if not any("status" in each or "moTime" in each for each in said):
        raise Invalid("status", "is missing")
    reports = [each for each in pushed if not _is_reply(each)]
    return Webhook(
        read_reports(reports),
        TAKEN,
        media=JSON,
        replies=read_replies([each for each in said if _is_reply(each)]),
    )


def _is_reply(each: Any) -> bool:
    return isinstance(each, Mapping) and "moTime" in each and "status" not in each


def _posted(request: WebhookRequest) -> Sequence[Any]:
    """A form, or JSON: one object, or a list of them. Name and password may also stand in the address."""
    if request.body.lstrip()[:1] in (b"{", b"["):
        parsed = read_json(request.body, "body")
        listed = parsed if isinstance(parsed, list) else [parsed]
        return [{**request.query, **each} if isinstance(each, Mapping) else each for each in listed]
    return [{**request.query, **read_form(request.body)}]


def read_reports(listed: Sequence[Any]) -> Sequence[Receipt]:
    return understood("receipts", listed, _receipt, "chuanglan")


def _receipt(report: Mapping[str, Any]) -> Receipt | None:
    msg_id, status = (
        word(report.get("msgid")) or word(report.get("msgId")),
        word(report.get("status")),
    )
    number, time = (
        platform.mainland(word(report.get("mobile"))),
        _time(report.get("notifyTime")) or _time(report.get("reportTime")) or 0,
    )
    if not msg_id or not status or number is None:
        return None
    identity = delivery_id(msg_id, number)
    if status == DELIVERED:
        return Receipt(identity, ReceiptKind.DELIVERED, time, number)
    if status in OPEN:
        return Receipt(identity, ReceiptKind.OTHER, time, number, status)
    undeliverable = receipts.is_gone(status, str(report.get("statusDesc", "")))
    return Receipt(identity, ReceiptKind.DELIVERY_FAILED, time, number, status, undeliverable)


def read_replies(listed: Sequence[Any]) -> Sequence[Reply]:
    return understood("replies", listed, _reply, "chuanglan")


def _reply(each: Mapping[str, Any]) -> Reply | None:
    """Pushes call the text `msg`, pulls `messageContent` too."""
    return receipts.reply(
        each.get("mobile"), each.get("msg") or each.get("messageContent"), _time(each.get("moTime"))
    )


def _time(value: Any) -> int | None:
    """yyMMddHHmmss, yyMMddHHmm, or milliseconds as digits."""
    digits = word(value)
    if len(digits) == 12:
        return china_time(digits, "%y%m%d%H%M%S")
    return china_time(digits, "%y%m%d%H%M") if len(digits) == 10 else milliseconds(digits)
