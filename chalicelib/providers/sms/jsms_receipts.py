"""Reports of JSMS: its signed callback, and the lists of GET /v1/report and /v1/reply.

Both have the same fields. Sources: https://docs.jiguang.cn/jsms/server/callback,
…/rest_api_jsms_inquire
"""

from __future__ import annotations

import hmac
import logging
import re
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, Webhook, WebhookRequest
from chalicelib.domain.third_party import Family, Report, Review
from chalicelib.providers.base import (
    identifier,
    milliseconds,
    number,
    read_entries,
    read_form,
    read_json,
)
from chalicelib.providers.registries import readable
from chalicelib.providers.sms import receipts

log = logging.getLogger(__name__)

# A failed callback is repeated after 3 minutes, 1 hour and 12 hours. The page does not say that a
# repeat has a new timestamp.
REPLAY_WINDOW_MS = 24 * 3600 * 1000
CLOCK_SKEW_MS = 10 * 60 * 1000

# Callback page, "status codes of sending". Other codes are kept without a meaning, so that the
# strategy's time limit decides.
STATES = {
    "4001": ReceiptKind.DELIVERED,
    "4002": ReceiptKind.DELIVERY_FAILED,  # on the carrier's blacklist
    "4003": ReceiptKind.DELIVERY_FAILED,  # phone off or suspended
    "4004": ReceiptKind.DELIVERY_FAILED,  # no such number
    "4005": ReceiptKind.DELIVERY_FAILED,  # no balance
    "4006": ReceiptKind.DELIVERY_FAILED,  # more often than the carrier allows
    "4007": ReceiptKind.DELIVERY_FAILED,  # voice: no answer
    "4008": ReceiptKind.DELIVERY_FAILED,  # voice: busy
    "4009": ReceiptKind.DELIVERY_FAILED,  # voice: out of reach
    "4010": ReceiptKind.DELIVERY_FAILED,  # sensitive word
    "4100": ReceiptKind.DELIVERY_FAILED,  # other
}
NO_SUCH_NUMBER = "4004"

# Callback page, samples: what was reviewed, and the name of its id.
REVIEWED = {
    "SMS_TEMPLATE": (Family.TEMPLATE, "tempId"),
    "SMS_SIGN": (Family.SIGNATURE, "signId"),
}
REVIEWS = {"1": Review.APPROVED, "2": Review.REFUSED}


def signature(app_key: str, master_secret: str, nonce: str, timestamp: str) -> str:
    signed = f"appKey={app_key}&appMasterSecret={master_secret}&nonce={nonce}&timestamp={timestamp}"
    return sha1(signed.encode(), usedforsecurity=False).hexdigest()  # the vendor's algorithm


def read_callback(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """Answer a GET, which proves that the address is ours, or read the reports of a POST.

    Raises Unverified, or Invalid for an unreadable post.
    """
    if request.method.upper() == "GET":
        return _echo(request.query)
    form = read_form(request.body)
    _verify(form, secret, request.now)
    # The signature covers nonce and timestamp only. As the nonce it refuses a captured pair with
    # another body, and lets a repeat with a new timestamp through.
    nonce = form["signature"].lower()
    callback_type = form.get("type", "")
    if callback_type == "SMS_REPLY":
        return Webhook(nonce=nonce, replies=read_replies(read_json(form.get("data", ""), "data")))
    if callback_type == "SMS_REPORT":
        return Webhook(read_reports(read_json(form.get("data", ""), "data")), nonce=nonce)
    if callback_type in REVIEWED:
        reviews = read_reviews(callback_type, read_json(form.get("data", ""), "data"))
        return Webhook(nonce=nonce, reviews=reviews)
    extra = {"provider": "jsms", "callback_type": identifier(callback_type)[:40]}
    log.info("callback ignored", extra=extra)
    return Webhook(nonce=nonce)


def _echo(query: Mapping[str, str]) -> Webhook:
    echo = query.get("echostr", "")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", echo):  # sent back as it came, so without markup
        raise Invalid("echostr", "is missing or malformed")
    return Webhook(reply=echo)


def _verify(form: Mapping[str, str], secret: Mapping[str, str], now: int) -> None:
    nonce, timestamp = form.get("nonce", ""), form.get("timestamp", "")
    expected = signature(secret["app_key"], secret["master_secret"], nonce, timestamp)
    if not hmac.compare_digest(form.get("signature", "").lower().encode(), expected.encode()):
        raise Unverified("signature")
    if not re.fullmatch(r"\d{1,16}", timestamp, re.ASCII):
        raise Unverified("timestamp")
    if not -CLOCK_SKEW_MS <= now - int(timestamp) <= REPLAY_WINDOW_MS:
        raise Unverified("timestamp")


def read_reviews(callback_type: str, listed: Any) -> Sequence[Report]:
    """Read what JSMS has decided on texts or signatures."""
    family, id_name = REVIEWED[callback_type]

    def read(entry: Mapping[str, Any]) -> Report | None:
        id, review = number(entry.get(id_name)), REVIEWS.get(str(entry.get("status")))
        if id is None or review is None:
            return None
        return Report(family, str(id), review, readable(entry.get("refuseReason"), 500))

    return read_entries("reviews", listed, read, "jsms")


def read_reports(listed: Any) -> Sequence[Receipt]:
    return read_entries("receipts", listed, _receipt, "jsms")


def _receipt(report: Mapping[str, Any]) -> Receipt | None:
    msg_id, code = identifier(report.get("msgId")), identifier(report.get("status"))
    time = milliseconds(report.get("receiveTime")) or 0
    if not code or not msg_id:
        return None
    receipt_kind = STATES.get(code, ReceiptKind.OTHER)
    failed = "" if receipt_kind is ReceiptKind.DELIVERED else code
    return Receipt(
        msg_id, receipt_kind, time, identifier(report.get("phone")), failed, code == NO_SUCH_NUMBER
    )


def read_replies(listed: Any) -> Sequence[Reply]:
    return read_entries("replies", listed, _reply, "jsms")


def _reply(entry: Mapping[str, Any]) -> Reply | None:
    return receipts.reply(
        entry.get("phone"), entry.get("content"), milliseconds(entry.get("replyTime"))
    )
