"""Reports of a CMPP gateway: status reports become receipts, and texts of people become replies.

Source: "CMPP V3.0.0" 8.4.6, table of Stat. Our ids are a Msg_Id and the number, which is concealed.
The number is needed because gateways name the messages of a SUBMIT to several numbers in two ways:
by consecutive ids (the standard), or all by the same id.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable

from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply, personal_id
from chalicelib.providers.base import china_time, identifier
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.messages import Deliver, Report
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

log = logging.getLogger(__name__)

DELIVERED = "DELIVRD"
FAILED = frozenset({"EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"})
# MA:0001, DB:0141 …: error codes of the networks themselves.
# The document lists MA to MC, CA, CB, DA, DB, SA, SB and IA to IC. There are more.
_ERROR = re.compile(r"[A-Z]{2}:[0-9A-Za-z]{1,4}")


def canonical(number: str) -> str:
    """Return one spelling of a number.

    Gateways may report it with or without the country's code.
    """
    digits = number.removeprefix("+").removeprefix("00")
    return digits[2:] if len(digits) == 13 and digits.startswith("861") else digits


def dialled(number: str) -> str:
    """Return a number as a SUBMIT names it: without `+`.

    A number abroad whose digits are also a Chinese mobile number keeps the prefix of calls abroad.
    """
    digits = number.removeprefix("+")
    is_ambiguous = digits != number and re.fullmatch(r"1[0-9]{10}", digits)
    return f"00{digits}" if is_ambiguous else digits


def name(message: int, number: str) -> str:
    """Return our id of the message to a number, which tells the 99 numbers of a SUBMIT apart."""
    return personal_id(f"{message:016x}", canonical(number))


def following(message: int, n: int) -> int:
    """Return the n-th id after this one in the same SUBMIT. Its last 16 bits are a wrapping
    counter.
    """
    return message & ~0xFFFF | (message + n) & 0xFFFF


def receipt(report: Report, now: int, dead: Iterable[str] = NO_SUCH_NUMBER) -> Receipt | None:
    """Return the receipt of a status report, or None for a report without a state.

    A state that is not final (ACCEPTD) or unknown leaves the delivery open: the strategy's time
    limit decides.
    """
    stat = identifier(report.stat.upper())
    if not stat:
        return None
    receipt_kind = ReceiptKind.OTHER
    if stat == DELIVERED:
        receipt_kind = ReceiptKind.DELIVERED
    elif stat in FAILED or _ERROR.fullmatch(stat):
        receipt_kind = ReceiptKind.DELIVERY_FAILED
    time = _milliseconds(report.done) or _milliseconds(report.submitted) or now
    code = "" if receipt_kind is ReceiptKind.DELIVERED else stat
    return Receipt(
        name(report.id, report.number), receipt_kind, time, code=code, undeliverable=stat in dead
    )


def _milliseconds(stamp: str) -> int | None:
    """Read a time as YYMMDDHHMM."""
    return china_time(stamp, "%y%m%d%H%M") if re.fullmatch(r"\d{10}", stamp, re.ASCII) else None


def read(
    deliver: Deliver, now: int, dead: Iterable[str] = NO_SUCH_NUMBER
) -> Receipt | Reply | None:
    """Return a receipt or a reply. An unreadable report returns None and is counted in the log."""
    if not deliver.is_report:
        text = cmpp_text.read(deliver.content, deliver.format, deliver.has_header)
        return Reply(deliver.number, text, now, f"{deliver.id:016x}")
    try:
        report = receipt(codec.decode_report(deliver.content), now, dead)
    except Malformed:
        report = None
    if report is None:
        log.warning("receipts not understood", extra={"provider": "cmpp", "count": 1})
    return report
