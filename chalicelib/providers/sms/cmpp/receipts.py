"""Reports of a CMPP gateway: status reports become receipts, and texts of people become replies.

Source: "CMPP V3.0.0" 8.4.6, table of Stat. Our ids are a Msg_Id and a short hash of the number. The
hash is needed because many gateways name all messages of a SUBMIT by the same id (group_ids.py).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from chalicelib.domain.provider_io import Receipt, ReceiptKind, Reply
from chalicelib.providers.base import china_time, identifier
from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.fields import Malformed
from chalicelib.providers.sms.cmpp.group_ids import GroupIds, canonical
from chalicelib.providers.sms.cmpp.messages import Deliver, Report
from chalicelib.providers.sms.cmpp.settings import Settings
from chalicelib.providers.sms.receipts import NO_SUCH_NUMBER

log = logging.getLogger(__name__)

DELIVERED = "DELIVRD"
# ACCEPTD is the only one of the document that may be followed by another. The others are SMPP's.
ON_THE_WAY = frozenset({"ACCEPTD", "ENROUTE", "SCHEDLD", "SCHEDUL"})
# All others are final. The document lists five and the networks' own, such as MA:0001. Gateways
# add BLACK, NOROUTE and many more. A number alone may mean anything, also success.
_NUMBER = re.compile(r"\d+")


def dialled(number: str) -> str:
    """Return a number as a SUBMIT names it: without `+`.

    A number abroad whose digits are also a Chinese mobile number keeps the prefix of calls abroad.
    """
    digits = number.removeprefix("+")
    is_ambiguous = digits != number and re.fullmatch(r"1[0-9]{10}", digits)
    return f"00{digits}" if is_ambiguous else digits


def name(message: int, number: str) -> str:
    """Return our id of the message to a number.

    24 bits of a hash tell the 99 numbers of a SUBMIT apart, and do not give a number away.
    """
    salted = f"{message >> 16:x}{canonical(number)}"
    return f"{message:016x}-{sha256(salted.encode()).hexdigest()[:6]}"


def receipt(report: Report, now: int, dead: Iterable[str] = NO_SUCH_NUMBER) -> Receipt | None:
    """Return the receipt of a status report, or None for a report without a state.

    A state that is not final leaves the delivery open: the strategy's time limit decides.
    """
    stat = identifier(report.stat.upper())
    if not stat:
        return None
    receipt_kind = ReceiptKind.DELIVERY_FAILED
    if stat == DELIVERED:
        receipt_kind = ReceiptKind.DELIVERED
    elif stat in ON_THE_WAY or _NUMBER.fullmatch(stat):
        receipt_kind = ReceiptKind.OTHER
    time = _milliseconds(report.done) or _milliseconds(report.submitted) or now
    code = "" if receipt_kind is ReceiptKind.DELIVERED else stat
    return Receipt(
        name(report.id, report.number), receipt_kind, time, code=code, undeliverable=stat in dead
    )


def _milliseconds(stamp: str) -> int | None:
    """Read a time as YYMMDDHHMM."""
    return china_time(stamp, "%y%m%d%H%M") if re.fullmatch(r"\d{10}", stamp, re.ASCII) else None


def read(
    deliver: Deliver, now: int, group_ids: GroupIds, dead: Iterable[str] = NO_SUCH_NUMBER
) -> Receipt | Reply | None:
    """Return a receipt or a reply. An unreadable report returns None and is counted in the log."""
    if not deliver.is_report:
        text = cmpp_text.read(deliver.content, deliver.format, deliver.has_header)
        return Reply(deliver.number, text, now, f"{deliver.id:016x}")
    report = _report(deliver, group_ids)
    read_receipt = receipt(report, now, dead) if report else None
    if report is None or read_receipt is None:
        log.warning("receipts not understood", extra={"provider": "cmpp", "count": 1})
        return None
    return replace(read_receipt, may_be_derived=group_ids.may_be_derived(report.id))


def is_undecided(deliver: Deliver, group_ids: GroupIds) -> bool:
    """Tell if a report must come again, since nobody knows yet which message it is about."""
    report = _report(deliver, group_ids) if deliver.is_report else None
    return report is not None and group_ids.is_undecided(report.id, report.number)


def _report(deliver: Deliver, group_ids: GroupIds) -> Report | None:
    """Return the report with its number, which some gateways give beside it, or not at all."""
    try:
        report = codec.decode_report(deliver.content)
    except Malformed:
        return None
    number = report.number or deliver.number or group_ids.only_number(report.id)
    return replace(report, number=number)


def addressed(number: str, channels: Mapping[str, Settings]) -> Sequence[str]:
    """Return the channels of an account that a person wrote to.

    People may write to an extension of an access number. A number that is nobody's is everybody's.
    """
    fitting = {
        code: len(settings.access_number)
        for code, settings in channels.items()
        if number.startswith(settings.access_number)
    }
    longest = max(fitting.values(), default=0)
    return [code for code, length in fitting.items() if length == longest] or list(channels)
