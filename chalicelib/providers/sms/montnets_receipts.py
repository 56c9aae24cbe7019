"""What Montnets reports: its pushes, and the lists of get_rpt and get_mo, which have the same fields.

Source: "梦网平台 API 接口说明" V5.7.2: pushes (2.9, 2.10), authentication (3.1), which report belongs to which message (3.3).
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import md5
from typing import Any
from urllib.parse import unquote_to_bytes

from chalicelib.domain.errors import Invalid, Unverified
from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, Webhook, WebhookRequest
from chalicelib.providers.base import (
    CHINA,
    JSON,
    china_time,
    identifier,
    read_entries,
    read_form,
    read_json,
)
from chalicelib.providers.sms import receipts

log = logging.getLogger(__name__)

TIME = "%Y-%m-%d %H:%M:%S"
MAX_AGE_MS = 24 * 3600 * 1000  # how long a push that failed is repeated is not said
CLOCK_SKEW_MS = 10 * 60 * 1000

_COMMAND = re.compile(r"([A-Z_]{1,20})_REQ", re.ASCII)
_STAMP = re.compile(r"\d{10}", re.ASCII)


def password_digest(userid: str, password: str, stamp: str) -> str:
    """`pwd` of calls and pushes; `stamp` is MMDDHHMMSS on China's clock."""
    return md5(
        f"{userid.upper()}00000000{password}{stamp}".encode("utf-8", "replace"),
        usedforsecurity=False,
    ).hexdigest()


def long(value: Any) -> int:
    """A message id: 64 bits, negative or not, as number or digits; 0 when it is none."""
    text = identifier(value)
    return int(text) if re.fullmatch(r"-?\d{1,20}", text, re.ASCII) else 0


def delivery_id(msgid: int) -> str:
    """Calls answer with the id of their first number, and the others follow. Ids may be written signed or not."""
    return str(msgid % 2**64)


def read_push(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """Raises Unverified, or Invalid for what cannot be read. The digest does not cover the reports; the token in the path does more."""
    form = _form(request)
    _verify(form, secret, request.now)
    command = _COMMAND.fullmatch(identifier(form.get("cmd")))
    if command is None:
        raise Invalid("cmd", "must be RPT_REQ or MO_REQ")
    answer = json.dumps(
        {"cmd": f"{command[1]}_RESP", "seqid": long(form.get("seqid")), "result": 0}
    )
    if command[1] == "RPT":
        return Webhook(read_reports(_list(form, "rpts")), answer, media=JSON)
    if command[1] == "MO":
        return Webhook((), answer, media=JSON, replies=read_replies(_list(form, "mos")))
    log.info("callback ignored", extra={"provider": "montnets", "callback_type": command[0]})
    return Webhook((), answer, media=JSON)


def _form(request: WebhookRequest) -> Mapping[str, Any]:
    """A form, or JSON. The bytes of a form may be UTF-8 or GBK."""
    if request.body.lstrip()[:1] == b"{":
        parsed = read_json(request.body, "body")
        if not isinstance(parsed, dict):
            raise Invalid("body", "must be an object")
        return parsed
    return {
        name: _decoded(value.encode("latin-1"))
        for name, value in read_form(request.body, "latin-1").items()
    }


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("gb18030", "replace")


def _list(form: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = form.get(name)
    listed = read_json(value, name) if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise Invalid(name, "must be a list")
    return listed


def _verify(form: Mapping[str, Any], secret: Mapping[str, str], now: int) -> None:
    """By digest and time, or, where the account has that arranged, by the password itself."""
    userid, given, stamp = (identifier(form.get(name)) for name in ("userid", "pwd", "timestamp"))
    if not hmac.compare_digest(
        userid.upper().encode(), secret["userid"].upper().encode("utf-8", "replace")
    ):
        raise Unverified("userid")
    expected = password_digest(secret["userid"], secret["password"], stamp)
    if _STAMP.fullmatch(stamp) and hmac.compare_digest(given.lower().encode(), expected.encode()):
        if not _is_recent(stamp, now):
            raise Unverified("timestamp")
    elif not hmac.compare_digest(
        str(form.get("pwd", "")).encode("utf-8", "replace"),
        secret["password"].encode("utf-8", "replace"),
    ):
        raise Unverified("pwd")


def _is_recent(stamp: str, now: int) -> bool:
    """The time has no year: it is the one that brings it nearest."""
    year = datetime.fromtimestamp(now / 1000, CHINA).year
    times = [china_time(f"{y}{stamp}", "%Y%m%d%H%M%S") for y in (year - 1, year, year + 1)]
    return any(time is not None and -CLOCK_SKEW_MS <= now - time <= MAX_AGE_MS for time in times)


def read_reports(listed: Sequence[Any]) -> Sequence[Receipt]:
    """The first part of a long text speaks for all of it."""
    mine = [each for each in listed if not (isinstance(each, Mapping) and _is_further(each))]
    return read_entries("receipts", mine, _receipt, "montnets")


def _is_further(report: Mapping[str, Any]) -> bool:
    """A further part of a long text, or a report that somebody downloaded what a text leads to."""
    return (
        identifier(report.get("pknum")) not in ("", "0", "1")
        or identifier(report.get("rpttype")) == "2"
    )


def _receipt(report: Mapping[str, Any]) -> Receipt | None:
    """`status` is 0 for delivered, another number for not; what else it may be nobody knows."""
    msgid, status = long(report.get("msgid")), identifier(report.get("status"))
    time = china_time(report.get("rtime"), TIME) or 0
    if not msgid or not status:
        return None
    identity, number = delivery_id(msgid), identifier(report.get("mobile"))
    if not re.fullmatch(r"-?\d{1,9}", status, re.ASCII):
        return Receipt(identity, ReceiptKind.OTHER, time, number, status[:40])
    if int(status) == 0:
        return Receipt(identity, ReceiptKind.DELIVERED, time, number)
    code = identifier(report.get("errcode")) or status
    return Receipt(
        identity,
        ReceiptKind.DELIVERY_FAILED,
        time,
        number,
        code,
        receipts.is_gone(code, _text(report.get("errdesc"))),
    )


def read_replies(listed: Sequence[Any]) -> Sequence[Reply]:
    return read_entries("replies", listed, _reply, "montnets")


def _reply(each: Mapping[str, Any]) -> Reply | None:
    msgid = long(each.get("msgid"))
    text = _text(each.get("content"))
    return receipts.reply(
        each.get("mobile"),
        text,
        china_time(each.get("rtime"), TIME),
        delivery_id(msgid) if msgid else "",
    )


def _text(value: Any) -> str:
    """URL-encoded in UTF-8, or as the account's texts are in GBK."""
    return (
        _decoded(unquote_to_bytes(value.encode("utf-8", "ignore")))
        if isinstance(value, str)
        else ""
    )
