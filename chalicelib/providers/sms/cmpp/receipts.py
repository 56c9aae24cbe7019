"""What a CMPP gateway reports: status reports as receipts, and what people wrote back.

Source: "CMPP V3.0.0" 8.4.6, table of Stat. Ids are ours: a Msg_Id and a short hash of the number, since gateways differ in how they
name the messages of a SUBMIT to several numbers: by consecutive ids (the standard), or all by the same one.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from hashlib import sha256

from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.providers.base import china_time, word
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.codec import Deliver, Report
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

log = logging.getLogger(__name__)

DELIVERED = "DELIVRD"
FAILED = frozenset({"EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})
# MA:0001, DB:0141 …: error codes of the networks' own. The document lists MA to MC, CA, CB, DA, DB, SA, SB and IA to IC; there are more.
_ERROR = re.compile(r"[A-Z]{2}:[0-9A-Za-z]{1,4}")


def canonical(number: str) -> str:
    """The same for every spelling of a number: gateways report with or without the country's code, whatever was sent."""
    digits = number.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits


def name(message: int, number: str) -> str:
    """24 bits of a hash tell the 99 numbers of a SUBMIT apart, and do not give a number away."""
    return (
        f"{message:016x}-{sha256(f'{message >> 16:x}{canonical(number)}'.encode()).hexdigest()[:6]}"
    )


def following(message: int, n: int) -> int:
    """The n-th id after this one, of the same SUBMIT: the last 16 bits are a counter that begins again."""
    return message & ~0xFFFF | (message + n) & 0xFFFF


def receipt(report: Report, now: int, dead: Iterable[str] = NO_SUCH_NUMBER) -> Receipt | None:
    """What is no final word (ACCEPTD), or an unknown one, leaves the delivery open, so that the strategy's time limit decides."""
    stat = word(report.stat.upper())
    if not stat:
        return None
    kind = ReceiptKind.OTHER
    if stat == DELIVERED:
        kind = ReceiptKind.DELIVERED
    elif stat in FAILED or _ERROR.fullmatch(stat):
        kind = ReceiptKind.DELIVERY_FAILED
    time = _milliseconds(report.done) or _milliseconds(report.submitted) or now
    code = "" if kind is ReceiptKind.DELIVERED else stat
    return Receipt(
        name(report.id, report.number), kind, time, code=code, undeliverable=stat in dead
    )


def _milliseconds(stamp: str) -> int | None:
    """YYMMDDHHMM."""
    return china_time(stamp, "%y%m%d%H%M") if re.fullmatch(r"\d{10}", stamp, re.ASCII) else None


def read(
    deliver: Deliver, now: int, dead: Iterable[str] = NO_SUCH_NUMBER
) -> Receipt | Reply | None:
    """None for a report that nobody could read, which is counted in the log."""
    if not deliver.is_report:
        text = cmpp_text.read(deliver.content, deliver.format, deliver.has_header)
        return Reply(deliver.number, text, now, f"{deliver.id:016x}")
    try:
        found = receipt(codec.decode_report(deliver.content), now, dead)
    except Malformed:
        found = None
    if found is None:
        log.warning("receipts not understood", extra={"provider": "cmpp", "count": 1})
    return found
