"""The messages of CMPP as values, without their bytes. Pure."""

from __future__ import annotations

from dataclasses import field
from enum import IntEnum
from typing import TypeAlias

from chalicelib.domain.values import frozen

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


@frozen
class Connect:
    source: str
    authenticator: bytes = field(repr=False)
    version: int
    timestamp: int  # MMDDHHMMSS as a number


@frozen
class ConnectResp:
    status: int
    authenticator: bytes = field(repr=False)
    version: int
    status_size: int = 1  # bytes: 4 in version 3. The authenticator is made from them.


@frozen(kw_only=True)
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


@frozen
class SubmitResp:
    id: int
    result: int


@frozen(kw_only=True)
class Deliver:
    """A text from a person, or (`is_report`) the status report of a message."""

    id: int
    to: str
    number: str = field(repr=False)
    content: bytes = field(repr=False)
    format: int = 0
    is_report: bool = False
    service: str = ""
    has_header: bool = False


@frozen
class DeliverResp:
    id: int
    result: int


@frozen
class Report:
    """The content of a DELIVER that is a status report. Times are YYMMDDHHMM."""

    id: int
    stat: str
    submitted: str
    done: str
    number: str = field(repr=False)
    sequence: int = 0


@frozen
class Plain:
    """A message whose body is of no interest: TERMINATE, ACTIVE_TEST, their answers, unknown
    commands.
    """

    command: int


Body: TypeAlias = Connect | ConnectResp | Submit | SubmitResp | Deliver | DeliverResp | Plain
