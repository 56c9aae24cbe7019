"""What a CMPP gateway reports: status reports as receipts, and what people wrote back.

Source: "CMPP V3.0.0" 8.4.6, table of Stat. Ids are ours: a Msg_Id and a short hash of the number, since gateways differ in how they
name the messages of a SUBMIT to several numbers: by consecutive ids (the standard), or all by the same one.
"""

from __future__ import annotations

import datetime
import logging
import re
from collections.abc import Iterable
from hashlib import sha256

from chalicelib.domain.sending import Receipt, ReceiptKind, Reply
from chalicelib.providers.sms import cmpp_codec, cmpp_text
from chalicelib.providers.sms.cmpp_codec import Deliver, Report
from chalicelib.providers.sms.cmpp_fields import Malformed

log = logging.getLogger(__name__)

CHINA = datetime.timezone(datetime.timedelta(hours=8))  # what gateways' clocks show; they report in minutes

DELIVERED = "DELIVRD"
FAILED = frozenset({"EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})
UNDER_WAY = frozenset({"ACCEPTD"})
# MA:0001, DB:0141 …: error codes of the networks' own. The document lists MA to MC, CA, CB, DA, DB, SA, SB and IA to IC; there are more.
_ERROR = re.compile(r"[A-Z]{2}:[0-9A-Za-z]{1,4}")
# Of numbers that do not exist. Not in the document: what China Mobile's centres are known to report; `options.dead_stats` replaces it.
DEAD = ("MK:0001",)


def canonical(number: str) -> str:
    """The same for every spelling of a number: gateways report with or without the country's code, whatever was sent."""
    digits = number.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits


def name(message: int, number: str) -> str:
    """24 bits of a hash tell the 99 numbers of a SUBMIT apart, and do not give a number away."""
    return f"{message:016x}-{sha256(f'{message >> 16:x}{canonical(number)}'.encode()).hexdigest()[:6]}"


def following(message: int, n: int) -> int:
    """The n-th id after this one, of the same SUBMIT: the last 16 bits are a counter that begins again."""
    return message & ~0xFFFF | (message + n) & 0xFFFF


def receipt(report: Report, now: int, dead: Iterable[str] = DEAD) -> Receipt | None:
    """None for what is no final word. An unknown one leaves the delivery open, so that the strategy's time limit decides."""
    stat = report.stat.upper()
    if stat == DELIVERED:
        kind, code = ReceiptKind.DELIVERED, ""
    elif stat in FAILED or _ERROR.fullmatch(stat):
        kind, code = ReceiptKind.DELIVERY_FAILED, stat
    else:
        if stat not in UNDER_WAY:
            log.warning("receipts not understood", extra={"provider": "cmpp", "count": 1})
        return None
    time = _milliseconds(report.done) or _milliseconds(report.submitted) or now
    return Receipt(name(report.id, report.number), kind, time, code=code, gone=stat in dead)


def _milliseconds(stamp: str) -> int | None:
    """YYMMDDHHMM."""
    if not re.fullmatch(r"\d{10}", stamp, re.ASCII):
        return None
    try:
        at = datetime.datetime.strptime(stamp, "%y%m%d%H%M").replace(tzinfo=CHINA)
    except ValueError:
        return None
    return int(at.timestamp() * 1000)


def read(deliver: Deliver, now: int, dead: Iterable[str] = DEAD) -> Receipt | Reply | None:
    """None for a report that says nothing, or that nobody could read."""
    if not deliver.is_report:
        text = cmpp_text.read(deliver.content, deliver.format, deliver.has_header)
        return Reply(deliver.number, text, now, f"{deliver.id:016x}")
    try:
        return receipt(cmpp_codec.decode_report(deliver.content), now, dead)
    except Malformed:
        log.warning("receipts not understood", extra={"provider": "cmpp", "count": 1})
        return None
