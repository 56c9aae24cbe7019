"""Mails that came back: the report of a mail server (RFC 3464), and of a reader (RFC 5965).

Anybody can send such a mail. So a report counts only with a reference that we made. It stands in
the address that the mail came back to. Else the report names the envelope, or returns the header.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime

from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.providers.email.replies import came_back

MOST = 262_144  # bytes that are read: the report stands before the mail that it returns
MAX_PARTS = 20
MAX_CODE = 100  # characters
MAX_DIAGNOSIS = 1000
_BOUNDARY = re.compile(r'boundary="?([^";\s]{1,70})', re.IGNORECASE)
_REFERENCE = re.compile(r"(?<![0-9A-Za-z])[0-9a-v]{40}(?![0-9A-Za-z])", re.IGNORECASE)
_STATUS = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}\b")

# RFC 3464, and RFC 6533 for addresses of other scripts
_OF_SERVER = ("message/delivery-status", "message/global-delivery-status")
_OF_READER = ("message/feedback-report",)
_RETURNED = ("message/rfc822", "message/global", "text/rfc822-headers", "message/global-headers")
_COMPLAINTS = frozenset({"abuse", "fraud", "opt-out"})  # RFC 5965 7.3, and an older draft
# Servers note here to which address a report came.
_RECIPIENTS = ("to", "delivered-to", "x-original-to", "envelope-to", "x-rcpt-to")

Fields = Mapping[str, str]


def reference_in(*texts: str) -> str:
    """Return the first of our references that stands in the texts, in lower case, or nothing."""
    for text in texts:
        reference = _REFERENCE.search(text[:2000])
        if reference is not None:
            return reference[0].lower()
    return ""


def read(raw: bytes, now: int) -> Sequence[Receipt]:
    """Return the receipts of a report. A mail that is not a report has none."""
    text = raw[:MOST].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    head, _, body = text.partition("\n\n")
    top = _fields(head)
    boundary = _BOUNDARY.search(top.get("content-type", ""))
    if boundary is None or not top["content-type"].lower().startswith("multipart/report"):
        return ()
    parts = dict(_parts(body, boundary[1]))
    reference = reference_in(*_places(top, parts))
    if not reference:
        return ()
    time = _time(top.get("date", ""), now)
    receipt = _of_server(parts, reference, time) or _of_reader(parts, reference, time)
    return () if receipt is None else (receipt,)


def _places(top: Fields, parts: Mapping[str, str]) -> Iterator[str]:
    """Yield the texts that may hold our reference, those that nobody has touched first."""
    yield from (top.get(name, "") for name in _RECIPIENTS)
    for kind in (*_OF_SERVER, *_OF_READER):
        of_message = _fields(parts.get(kind, "").lstrip("\n").partition("\n\n")[0])
        yield of_message.get("original-envelope-id", "")
        yield of_message.get("original-mail-from", "")
    for kind in _RETURNED:
        yield _fields(parts.get(kind, "").lstrip("\n").partition("\n\n")[0]).get("message-id", "")


def _of_server(parts: Mapping[str, str], reference: str, time: int) -> Receipt | None:
    """Return the receipt of a mail that has failed. One that is merely delayed has none."""
    report = next((parts[kind] for kind in _OF_SERVER if kind in parts), "")
    for block in re.split(r"\n\n+", report)[:MAX_PARTS]:
        fields = _fields(block)
        if fields.get("action", "").strip().lower() == "failed":
            diagnosis = fields.get("diagnostic-code", "")[:MAX_DIAGNOSIS]
            status = _STATUS.search(fields.get("status", "")) or _STATUS.search(diagnosis)
            return bounced(reference, status[0] if status else "", diagnosis, time)
    return None


def bounced(id: str, status: str, diagnosis: str, time: int) -> Receipt:
    """Return the receipt of a mail that came back with a status of RFC 3463."""
    dead, soft = came_back(status, diagnosis)
    return Receipt(
        id, ReceiptKind.BOUNCED, time, code=status[:MAX_CODE], undeliverable=dead, soft=soft
    )


def _of_reader(parts: Mapping[str, str], reference: str, time: int) -> Receipt | None:
    report = next((parts[kind] for kind in _OF_READER if kind in parts), "")
    kind = _fields(report).get("feedback-type", "").strip().lower()
    if kind not in _COMPLAINTS:
        return None
    return Receipt(reference, ReceiptKind.COMPLAINED, time, code=kind)


def _parts(body: str, boundary: str) -> Iterator[tuple[str, str]]:
    """Yield the media type and the content of each part, the first ones last."""
    parts = f"\n{body}".split(f"\n--{boundary}", MAX_PARTS)[1:MAX_PARTS]
    for part in reversed(parts):
        head, _, content = part.lstrip(" \t").removeprefix("\n").partition("\n\n")
        kind = _fields(head).get("content-type", "text/plain")
        yield kind.partition(";")[0].strip().lower(), content


def _fields(head: str) -> Fields:
    """Return the fields of a header by their names in lower case. The first of a name counts."""
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", head).split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            fields.setdefault(name.strip().lower(), value.strip())
    return fields


def _time(date: str, now: int) -> int:
    """Return milliseconds of a report's date, 0 for a date that a report cannot have."""
    try:
        time = int(parsedate_to_datetime(date[:100]).timestamp() * 1000)
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0
    return time if 0 < time <= now else 0
