"""CMPP on the wire: messages to bytes and back, in versions 2 and 3. Pure.

Source: China Mobile's "CMPP V3.0.0" (QB-GF-028-2003) for all fields; what version 2 has instead is as public implementations have
it. All numbers are big endian, texts are ASCII filled up with NUL. A header is Total_Length 4, Command_Id 4, Sequence_Id 4.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from hashlib import md5
from typing import TypeAlias

from chalicelib.providers.sms.cmpp.fields import HEADER, Malformed, Reader, text, uint

MAX_NUMBERS = 99  # of one SUBMIT: DestUsr_tl < 100
RESPONSE = 0x8000_0000
V2, V3 = 0x20, 0x30  # Version: high four bits major, low four minor


class Command(IntEnum):
    CONNECT = 1
    TERMINATE = 2
    SUBMIT = 4
    DELIVER = 5
    ACTIVE_TEST = 8
    CONNECT_RESP = RESPONSE | 1
    TERMINATE_RESP = RESPONSE | 2
    SUBMIT_RESP = RESPONSE | 4
    DELIVER_RESP = RESPONSE | 5
    ACTIVE_TEST_RESP = RESPONSE | 8


@dataclass(frozen=True)
class Connect:
    source: str
    authenticator: bytes = field(repr=False)
    version: int
    timestamp: int  # MMDDHHMMSS as a number


@dataclass(frozen=True)
class ConnectResp:
    status: int
    authenticator: bytes = field(repr=False)
    version: int
    status_size: int = 1  # bytes: 4 in version 3; the authenticator is made from them


@dataclass(frozen=True, kw_only=True)
class Submit:
    """One part of a message to up to 99 numbers."""

    numbers: tuple[str, ...] = field(repr=False)
    content: bytes = field(repr=False)  # with its user data header, where `has_header`
    format: int  # Msg_Fmt: 0 ASCII, 3 write to card, 4 binary, 8 UCS-2, 15 GBK
    account: str  # Msg_src, the SP's id
    source: str  # Src_Id, the access number that the person sees
    part: int = 1
    parts: int = 1
    report: int = 1  # Registered_Delivery
    level: int = 1
    service: str = ""
    has_header: bool = False  # TP_udhi
    fee_user_type: int = 2  # who pays: 2 is the SP
    fee_number: str = field(default="", repr=False)
    fee_type: str = "01"
    fee_code: str = "0"
    valid_until: str = ""
    send_at: str = ""


@dataclass(frozen=True)
class SubmitResp:
    id: int
    result: int


@dataclass(frozen=True, kw_only=True)
class Deliver:
    """What a person wrote, or (`is_report`) what became of a message."""

    id: int
    to: str
    number: str = field(repr=False)
    content: bytes = field(repr=False)
    format: int = 0
    is_report: bool = False
    service: str = ""
    has_header: bool = False


@dataclass(frozen=True)
class DeliverResp:
    id: int
    result: int


@dataclass(frozen=True)
class Report:
    """The content of a DELIVER that is a status report. Times are YYMMDDHHMM."""

    id: int
    stat: str
    submitted: str
    done: str
    number: str = field(repr=False)
    sequence: int = 0


@dataclass(frozen=True)
class Plain:
    """A message without a body of interest: TERMINATE, ACTIVE_TEST, their answers, and commands that we do not know."""

    command: int


Body: TypeAlias = Connect | ConnectResp | Submit | SubmitResp | Deliver | DeliverResp | Plain


def authenticator(account: str, secret: str, timestamp: int) -> bytes:
    """AuthenticatorSource: who connects proves that it knows the secret."""
    return _md5(account.encode() + bytes(9) + secret.encode() + f"{timestamp:010d}".encode())


def counter_authenticator(status: int, status_size: int, source: bytes, secret: str) -> bytes:
    """AuthenticatorISMG: the gateway proves it in turn."""
    return _md5(status.to_bytes(status_size, "big") + source + secret.encode())


def _md5(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).digest()  # the protocol's algorithm


def encode(body: Body, sequence: int, version: int) -> bytes:
    """Raises Malformed for a value that its field cannot hold."""
    command, payload = _payload(body, version >= V3)
    return HEADER.pack(HEADER.size + len(payload), command, sequence) + payload


def _payload(body: Body, v3: bool) -> tuple[int, bytes]:
    match body:
        case Connect():
            return Command.CONNECT, text(body.source, 6) + body.authenticator + struct.pack(
                ">BI", body.version, body.timestamp
            )
        case ConnectResp():
            return Command.CONNECT_RESP, uint(
                body.status, 4 if v3 else 1
            ) + body.authenticator + uint(body.version, 1)
        case Submit():
            return Command.SUBMIT, _submit(body, v3)
        case SubmitResp() | DeliverResp():
            command = Command.SUBMIT_RESP if isinstance(body, SubmitResp) else Command.DELIVER_RESP
            return command, uint(body.id, 8) + uint(body.result, 4 if v3 else 1)
        case Deliver():
            return Command.DELIVER, _deliver(body, v3)
        case Plain():
            return body.command, b"\0" if body.command == Command.ACTIVE_TEST_RESP else b""


def _submit(body: Submit, v3: bool) -> bytes:
    if not 0 < len(body.numbers) <= MAX_NUMBERS:
        raise Malformed("DestUsr_tl")
    number = 32 if v3 else 21
    return b"".join(
        (
            bytes(8),
            uint(body.parts, 1),
            uint(body.part, 1),
            uint(body.report, 1),
            uint(body.level, 1),
            text(body.service, 10),
            uint(body.fee_user_type, 1),
            text(body.fee_number, number),
            bytes(1) if v3 else b"",  # Fee_terminal_type: a real number
            bytes(1),
            uint(body.has_header, 1),
            uint(body.format, 1),
            text(body.account, 6),
            text(body.fee_type, 2),
            text(body.fee_code, 6),
            text(body.valid_until, 17),
            text(body.send_at, 17),
            text(body.source, 21),
            uint(len(body.numbers), 1),
            *(text(each, number) for each in body.numbers),
            bytes(1) if v3 else b"",  # Dest_terminal_type
            uint(len(body.content), 1),
            body.content,
            bytes(20 if v3 else 8),  # LinkID; Reserve
        )
    )


def _deliver(body: Deliver, v3: bool) -> bytes:
    return b"".join(
        (
            uint(body.id, 8),
            text(body.to, 21),
            text(body.service, 10),
            bytes(1),
            uint(body.has_header, 1),
            uint(body.format, 1),
            text(body.number, 32 if v3 else 21),
            bytes(1) if v3 else b"",
            uint(body.is_report, 1),
            uint(len(body.content), 1),
            body.content,
            bytes(20 if v3 else 8),
        )
    )


def encode_report(report: Report, size: int) -> bytes:
    """60 bytes as in version 2, or 71 as in version 3."""
    number = {60: 21, 71: 32}[size]
    texts = (
        text(report.stat, 7)
        + text(report.submitted, 10)
        + text(report.done, 10)
        + text(report.number, number)
    )
    return uint(report.id, 8) + texts + uint(report.sequence, 4)


def decode(frame: bytes, version: int) -> tuple[int, Body]:
    """Sequence and body of one frame; raises Malformed."""
    _, command, sequence = HEADER.unpack_from(frame)
    read = _READERS.get(command)
    if read is None:
        return sequence, Plain(command)
    reader = Reader(frame[HEADER.size :])
    body = read(reader, version >= V3)
    reader.end()
    return sequence, body


def decode_report(content: bytes) -> Report:
    """By its length, not by the version: gateways mix them. Raises Malformed."""
    number = {60: 21, 71: 32}.get(len(content))
    if number is None:
        raise Malformed("Msg_Length of a report")
    reader = Reader(content)
    return Report(
        reader.uint(8),
        reader.text(7),
        reader.text(10),
        reader.text(10),
        reader.text(number),
        reader.uint(4),
    )


def _read_connect(read: Reader, v3: bool) -> Body:
    return Connect(read.text(6), read.raw(16), read.uint(1), read.uint(4))


def _read_connect_resp(read: Reader, v3: bool) -> Body:
    """A gateway may answer in its own version: the length tells."""
    size = 4 if read.left == 21 else 1
    return ConnectResp(read.uint(size), read.raw(16), read.uint(1), size)


def _read_submit(read: Reader, v3: bool) -> Body:
    number = 32 if v3 else 21
    read.raw(8)
    parts, part, report, level, service = (
        read.uint(1),
        read.uint(1),
        read.uint(1),
        read.uint(1),
        read.text(10),
    )
    fee_user_type, fee_number = read.uint(1), read.text(number)
    read.raw(2 if v3 else 1)  # Fee_terminal_type, TP_pId
    has_header, format, account = read.uint(1), read.uint(1), read.text(6)
    fee_type, fee_code, valid_until, send_at, source = (
        read.text(2),
        read.text(6),
        read.text(17),
        read.text(17),
        read.text(21),
    )
    numbers = tuple(read.text(number) for _ in range(read.uint(1)))
    read.raw(1 if v3 else 0)
    content = read.raw(read.uint(1))
    read.raw(20 if v3 else 8)
    return Submit(
        numbers=numbers,
        content=content,
        format=format,
        account=account,
        source=source,
        part=part,
        parts=parts,
        report=report,
        level=level,
        service=service,
        has_header=has_header == 1,
        fee_user_type=fee_user_type,
        fee_number=fee_number,
        fee_type=fee_type,
        fee_code=fee_code,
        valid_until=valid_until,
        send_at=send_at,
    )


def _read_submit_resp(read: Reader, v3: bool) -> Body:
    return SubmitResp(read.uint(8), read.uint(4 if read.left == 4 else 1))


def _read_deliver(read: Reader, v3: bool) -> Body:
    identity, to, service = read.uint(8), read.text(21), read.text(10)
    read.raw(1)
    has_header, format, number = read.uint(1), read.uint(1), read.text(32 if v3 else 21)
    read.raw(1 if v3 else 0)
    is_report = read.uint(1) == 1
    content = read.raw(read.uint(1))
    read.raw(20 if v3 else 8)
    return Deliver(
        id=identity,
        to=to,
        number=number,
        content=content,
        format=format,
        is_report=is_report,
        service=service,
        has_header=has_header == 1,
    )


def _read_deliver_resp(read: Reader, v3: bool) -> Body:
    return DeliverResp(read.uint(8), read.uint(4 if read.left == 4 else 1))


_READERS: Mapping[int, Callable[[Reader, bool], Body]] = {
    Command.CONNECT: _read_connect,
    Command.CONNECT_RESP: _read_connect_resp,
    Command.SUBMIT: _read_submit,
    Command.SUBMIT_RESP: _read_submit_resp,
    Command.DELIVER: _read_deliver,
    Command.DELIVER_RESP: _read_deliver_resp,
}
