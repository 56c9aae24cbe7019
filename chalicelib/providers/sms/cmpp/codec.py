"""CMPP on the wire: encode messages to bytes and decode them, in versions 2 and 3. Pure.

Source: China Mobile's "CMPP V3.0.0" (QB-GF-028-2003) for all fields. The fields of version 2 follow
public implementations. All numbers are big endian. Texts are ASCII, filled up with NUL. A header is
Total_Length 4, Command_Id 4, Sequence_Id 4.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from hashlib import md5
from typing import Any

from chalicelib.providers.sms.cmpp.fields import HEADER, Malformed, Reader, text, uint
from chalicelib.providers.sms.cmpp.messages import (
    V3,
    Body,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Report,
    Submit,
    SubmitResp,
)

MAX_NUMBERS = 99  # of one SUBMIT: DestUsr_tl < 100


def authenticator(account: str, secret: str, timestamp: int) -> bytes:
    """Return AuthenticatorSource: it proves to the gateway that we know the secret."""
    return _md5(account.encode() + bytes(9) + secret.encode() + f"{timestamp:010d}".encode())


def counter_authenticator(status: int, status_size: int, source: bytes, secret: str) -> bytes:
    """Return AuthenticatorISMG: it proves to us that the gateway knows the secret."""
    return _md5(status.to_bytes(status_size, "big") + source + secret.encode())


def _md5(data: bytes) -> bytes:
    return md5(data, usedforsecurity=False).digest()  # the protocol's algorithm


def encode(body: Body, sequence: int, version: int) -> bytes:
    """Return one frame. Raises Malformed for a value that its field cannot hold."""
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
    number_size = _number_size(v3)
    return b"".join(
        (
            bytes(8),
            uint(body.parts, 1),
            uint(body.part, 1),
            uint(body.report, 1),
            uint(body.level, 1),
            text(body.service, 10),
            *_fee_user(body, v3),
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
            *(text(number, number_size) for number in body.numbers),
            bytes(1) if v3 else b"",  # Dest_terminal_type
            uint(len(body.content), 1),
            body.content,
            bytes(20 if v3 else 8),  # LinkID or Reserve
        )
    )


def _fee_user(body: Submit, v3: bool) -> tuple[bytes, ...]:
    terminal_type = bytes(1) if v3 else b""  # Fee_terminal_type: a real number
    return uint(body.fee_user_type, 1), text(body.fee_number, _number_size(v3)), terminal_type


def _number_size(v3: bool) -> int:
    return 32 if v3 else 21


def _deliver(body: Deliver, v3: bool) -> bytes:
    return b"".join(
        (
            uint(body.id, 8),
            text(body.to, 21),
            text(body.service, 10),
            bytes(1),
            uint(body.has_header, 1),
            uint(body.format, 1),
            text(body.number, _number_size(v3)),
            bytes(1) if v3 else b"",
            uint(body.is_report, 1),
            uint(len(body.content), 1),
            body.content,
            bytes(20 if v3 else 8),
        )
    )


def encode_report(report: Report, size: int) -> bytes:
    """Return the content of a status report: 60 bytes as in version 2, or 71 as in version 3."""
    number = {60: 21, 71: 32}[size]
    texts = (
        text(report.stat, 7)
        + text(report.submitted, 10)
        + text(report.done, 10)
        + text(report.number, number)
    )
    return uint(report.id, 8) + texts + uint(report.sequence, 4)


def decode(frame: bytes, version: int) -> tuple[int, Body]:
    """Return sequence and body of one frame. Raises Malformed."""
    _, command, sequence = HEADER.unpack_from(frame)
    read = _READERS.get(command)
    if read is None:
        return sequence, Plain(command)
    reader = Reader(frame[HEADER.size :])
    body = read(reader, version >= V3)
    reader.end()
    return sequence, body


def decode_report(content: bytes) -> Report:
    """Read a status report. Its length tells the version, because gateways mix them. Raises
    Malformed.
    """
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
    """Read the answer to CONNECT. Its length tells the version, which may be the gateway's own."""
    size = 4 if read.left == 21 else 1
    return ConnectResp(read.uint(size), read.raw(16), read.uint(1), size)


_SUBMIT_TEXTS = (
    ("account", 6),
    ("fee_type", 2),
    ("fee_code", 6),
    ("valid_until", 17),
    ("send_at", 17),
    ("source", 21),
)


def _read_submit(read: Reader, v3: bool) -> Body:
    number_size = _number_size(v3)
    read.raw(8)
    fields: dict[str, Any] = {}
    for name in ("parts", "part", "report", "level"):
        fields[name] = read.uint(1)
    fields["service"] = read.text(10)
    fields["fee_user_type"], fields["fee_number"] = read.uint(1), read.text(number_size)
    read.raw(2 if v3 else 1)  # Fee_terminal_type, TP_pId
    fields["has_header"], fields["format"] = read.uint(1) == 1, read.uint(1)
    for name, size in _SUBMIT_TEXTS:
        fields[name] = read.text(size)
    fields["numbers"] = tuple(read.text(number_size) for _ in range(read.uint(1)))
    read.raw(1 if v3 else 0)  # Dest_terminal_type
    fields["content"] = read.raw(read.uint(1))
    read.raw(20 if v3 else 8)  # LinkID or Reserve
    return Submit(**fields)


def _read_submit_resp(read: Reader, v3: bool) -> Body:
    return SubmitResp(read.uint(8), read.uint(4 if read.left == 4 else 1))


def _read_deliver(read: Reader, v3: bool) -> Body:
    identity, to, service = read.uint(8), read.text(21), read.text(10)
    read.raw(1)
    has_header, format, number = read.uint(1), read.uint(1), read.text(_number_size(v3))
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
