"""Reports of Montnets: its pushes, and the lists of get_rpt and get_mo with the same fields.

Source: "梦网平台 API 接口说明" V5.7.2: pushes (2.9, 2.10), authentication (3.1), and which report
belongs to which message (3.3).
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
MAX_AGE_MS = 24 * 3600 * 1000  # the document does not say how long a failed push is repeated
CLOCK_SKEW_MS = 10 * 60 * 1000

_COMMAND = re.compile(r"([A-Z_]{1,20})_REQ", re.ASCII)
_STAMP = re.compile(r"\d{10}", re.ASCII)


def password_digest(userid: str, password: str, stamp: str) -> str:
    """Return `pwd` of calls and pushes. `stamp` is MMDDHHMMSS on China's clock."""
    text = f"{userid.upper()}00000000{password}{stamp}"
    return md5(text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def long(value: Any) -> int:
    """Return a message id: 64 bits, negative or not, as number or digits. 0 for anything else."""
    text = identifier(value)
    return int(text) if re.fullmatch(r"-?\d{1,20}", text, re.ASCII) else 0


def delivery_id(msgid: int) -> str:
    """Return the id of a delivery.

    Calls answer with the id of their first number, and the others follow. Ids may be written signed
    or not.
    """
    return str(msgid % 2**64)


def read_push(request: WebhookRequest, secret: Mapping[str, str]) -> Webhook:
    """Read a push.

    Raises Unverified, or Invalid for an unreadable one.

    The digest does not cover the reports. The token in the path protects more.
    """
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
    """Return the fields of a form or of JSON. The bytes of a form may be UTF-8 or GBK."""
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
    """Verify digest and time, or the password itself, if the account has arranged that."""
    userid, digest, stamp = (identifier(form.get(name)) for name in ("userid", "pwd", "timestamp"))
    expected_userid = secret["userid"].upper().encode("utf-8", "replace")
    if not hmac.compare_digest(userid.upper().encode(), expected_userid):
        raise Unverified("userid")
    expected = password_digest(secret["userid"], secret["password"], stamp)
    if _STAMP.fullmatch(stamp) and hmac.compare_digest(digest.lower().encode(), expected.encode()):
        if not _is_recent(stamp, now):
            raise Unverified("timestamp")
        return
    password = str(form.get("pwd", "")).encode("utf-8", "replace")
    if not hmac.compare_digest(password, secret["password"].encode("utf-8", "replace")):
        raise Unverified("pwd")


def _is_recent(stamp: str, now: int) -> bool:
    """Return True for a recent time. The stamp has no year, so the nearest year is taken."""
    year = datetime.fromtimestamp(now / 1000, CHINA).year
    times = [china_time(f"{y}{stamp}", "%Y%m%d%H%M%S") for y in (year - 1, year, year + 1)]
    return any(time is not None and -CLOCK_SKEW_MS <= now - time <= MAX_AGE_MS for time in times)


def read_reports(listed: Sequence[Any]) -> Sequence[Receipt]:
    """Read reports. The first part of a long text stands for the whole text."""
    reports = [
        report for report in listed if not (isinstance(report, Mapping) and _is_ignored(report))
    ]
    return read_entries("receipts", reports, _receipt, "montnets")


def _is_ignored(report: Mapping[str, Any]) -> bool:
    """Return True for a later part of a long text, or a report of a download behind a link."""
    is_later_part = identifier(report.get("pknum")) not in ("", "0", "1")
    return is_later_part or identifier(report.get("rpttype")) == "2"


def _receipt(report: Mapping[str, Any]) -> Receipt | None:
    """Read a report.

    `status` is 0 for delivered, and another number for not. Other values are unknown.
    """
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
    undeliverable = receipts.is_dead(code, _text(report.get("errdesc")))
    return Receipt(identity, ReceiptKind.DELIVERY_FAILED, time, number, code, undeliverable)


def read_replies(listed: Sequence[Any]) -> Sequence[Reply]:
    return read_entries("replies", listed, _reply, "montnets")


def _reply(entry: Mapping[str, Any]) -> Reply | None:
    msgid, time = long(entry.get("msgid")), china_time(entry.get("rtime"), TIME)
    identity = delivery_id(msgid) if msgid else ""
    return receipts.reply(entry.get("mobile"), _text(entry.get("content")), time, identity)


def _text(value: Any) -> str:
    """Decode a URL-encoded text, in UTF-8, or in GBK like the account's own texts."""
    if not isinstance(value, str):
        return ""
    return _decoded(unquote_to_bytes(value.encode("utf-8", "ignore")))
