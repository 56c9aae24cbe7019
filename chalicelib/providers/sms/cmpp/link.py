"""One CMPP connection as a state machine: bytes and times go in, bytes and events come out. No I/O, no clock, no threads.

Times are seconds of any steady clock. Source of C, T, N and the window: "CMPP V3.0.0" 6.1, long connections.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeAlias

from chalicelib.providers.sms.cmpp import codec
from chalicelib.providers.sms.cmpp.codec import (
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Submit,
    SubmitResp,
)
from chalicelib.providers.sms.cmpp.fields import HEADER, Framer, Malformed

IDLE = 180.0  # C: seconds without traffic after which ACTIVE_TEST is sent
PATIENCE = 60.0  # T: seconds that an answer may take
TRIES = 3  # N: unanswered ACTIVE_TESTs after which the connection counts as dead
WINDOW = 16  # SUBMITs that may be unanswered at once

STRUCTURE, BAD_SOURCE, BAD_SECRET, VERSION_TOO_HIGH = (
    1,
    2,
    3,
    4,
)  # CONNECT_RESP's Status; 1 is also DELIVER_RESP's Result


@dataclass(frozen=True)
class Login:
    account: str
    secret: str = field(repr=False)
    version: int = codec.V2
    check_gateway: bool = True  # whether its authenticator must be right, too


@dataclass(frozen=True)
class Opened:
    """The gateway has let us in."""


@dataclass(frozen=True)
class QueryResult:
    sequence: int
    answer: SubmitResp


@dataclass(frozen=True)
class Delivered:
    """To be answered with the same sequence, when its facts are stored."""

    sequence: int
    deliver: Deliver


@dataclass(frozen=True)
class Unreadable:
    """A message of a known command whose fields are not as they should be. Those before and after it stand."""

    command: int


@dataclass(frozen=True)
class Closed:
    """Nothing more comes or goes. `code`: why; empty when one of both said TERMINATE. `lost`: SUBMITs without an answer."""

    code: str
    lost: tuple[int, ...] = ()
    by_operator: bool = False  # an operator must act: account, secret, version


Event: TypeAlias = Opened | QueryResult | Delivered | Unreadable | Closed


class State(Enum):
    NEW = auto()
    CONNECTING = auto()
    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


class Link:
    """`out` gathers what is to be sent; the caller takes it after each call."""

    def __init__(
        self, login: Login, window: int = WINDOW, *, idle: float = IDLE, patience: float = PATIENCE
    ) -> None:
        self._login, self._window, self._idle, self._patience = login, window, idle, patience
        self.state = State.NEW
        self.out = bytearray()
        self._framer = Framer()
        self._sequence = 0
        self._proof = b""  # our authenticator, from which the gateway's is made
        self._waiting: dict[int, float] = {}  # SUBMITs without an answer: when they were sent
        self._heard = self._asked = (
            0.0  # when something came last; when the last ACTIVE_TEST or CONNECT went
        )
        self._tests = 0  # without an answer

    @property
    def free(self) -> int:
        """SUBMITs that may be sent now: none while nobody knows whether the other side is there."""
        return (
            self._window - len(self._waiting) if self.state is State.OPEN and not self._tests else 0
        )

    @property
    def unanswered(self) -> int:
        return len(self._waiting)

    def take(self) -> bytes:
        out, self.out = bytes(self.out), bytearray()
        return out

    def connect(self, now: float, timestamp: int) -> None:
        """`timestamp`: the time as MMDDHHMMSS."""
        login = self._login
        self._proof = codec.authenticator(login.account, login.secret, timestamp)
        self.state, self._heard, self._asked = State.CONNECTING, now, now
        self._write(Connect(login.account, self._proof, login.version, timestamp))

    def submit(self, submit: Submit, now: float) -> int:
        """The sequence under which the answer will come; raises Malformed for what no field can hold. Needs `free`."""
        if self.free < 1:
            raise ValueError("the window is full")
        sequence = self._write(submit)
        self._waiting[sequence] = now
        return sequence

    def answer(self, sequence: int, answer: DeliverResp) -> None:
        if self.state in (State.OPEN, State.CLOSING):
            self._write(answer, sequence)

    def terminate(self, now: float) -> None:
        if self.state is State.OPEN:
            self.state, self._asked = State.CLOSING, now
            self._write(Plain(Command.TERMINATE))

    def give_up(self, sequence: int) -> None:
        """Nobody waits for this answer any more: its place is free again. When nothing has come since, the connection is tested at once."""
        if self._heard < self._waiting.pop(sequence, 0.0):
            self._heard = -math.inf

    def feed(self, data: bytes, now: float) -> Iterator[Event]:
        """What the bytes that came mean. Empty: the gateway has closed the connection."""
        if not data:
            yield from self._close("connection_lost")
            return
        self._heard, self._tests = now, 0
        try:
            for frame in self._framer.feed(data):
                yield from self._read(frame)
        except Malformed:
            yield from self._close("malformed")

    def tick(self, now: float) -> Iterator[Event]:
        """What is due: tests of an idle connection, and the end of one that does not answer."""
        if self.state in (State.CONNECTING, State.CLOSING):
            if now - self._asked >= self._patience:
                yield from self._close("timeout" if self.state is State.CONNECTING else "")
        elif self.state is State.OPEN:
            yield from self._test(now)

    def _test(self, now: float) -> Iterator[Event]:
        wait = self._patience if self._tests else self._idle
        since = self._asked if self._tests else self._heard
        if now - since < wait:
            return
        if self._tests >= TRIES:
            yield from self._close("no_answer_to_active_test")
            return
        self._tests, self._asked = self._tests + 1, now
        self._write(Plain(Command.ACTIVE_TEST))

    def _read(self, frame: bytes) -> Iterator[Event]:
        if self.state is State.CLOSED:
            return
        try:
            sequence, body = codec.decode(frame, self._login.version)
        except Malformed:
            if self.state is State.CONNECTING:
                raise
            yield self._unreadable(frame)
            return
        if self.state is State.CONNECTING:
            yield from self._greeted(body)
        elif isinstance(body, SubmitResp):
            if (
                self._waiting.pop(sequence, None) is not None
            ):  # else it comes too late, and nobody waits for it
                yield QueryResult(sequence, body)
        elif isinstance(body, Deliver):
            yield Delivered(sequence, body)
        elif isinstance(body, Plain):
            yield from self._plain(sequence, body.command)

    def _unreadable(self, frame: bytes) -> Unreadable:
        """A DELIVER is refused, so that the gateway does not send it for ever, on this connection and on the next ones."""
        _, command, sequence = HEADER.unpack_from(frame)
        if command == Command.DELIVER:
            identity = int.from_bytes(frame[HEADER.size :][:8], "big")
            self._write(DeliverResp(identity, STRUCTURE), sequence)
        return Unreadable(command)

    def _plain(self, sequence: int, command: int) -> Iterator[Event]:
        if command == Command.ACTIVE_TEST:
            self._write(Plain(Command.ACTIVE_TEST_RESP), sequence)
        elif command == Command.TERMINATE:
            self._write(Plain(Command.TERMINATE_RESP), sequence)
            yield from self._close("")
        elif command == Command.TERMINATE_RESP and self.state is State.CLOSING:
            yield from self._close("")

    def _greeted(self, body: codec.Body) -> Iterator[Event]:
        if not isinstance(body, ConnectResp):
            yield from self._close("no_connect_resp")
        elif body.status:
            by_operator = body.status in (BAD_SOURCE, BAD_SECRET, VERSION_TOO_HIGH)
            yield from self._close(f"connect_{body.status}", by_operator=by_operator)
        elif self._login.check_gateway and not self._is_genuine(body):
            yield from self._close("gateway_not_authentic", by_operator=True)
        else:
            self.state = State.OPEN
            yield Opened()

    def _is_genuine(self, body: ConnectResp) -> bool:
        wanted = codec.counter_authenticator(
            body.status, body.status_size, self._proof, self._login.secret
        )
        return hmac.compare_digest(wanted, body.authenticator)

    def _close(self, code: str, *, by_operator: bool = False) -> Iterator[Event]:
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            lost, self._waiting = tuple(self._waiting), {}
            yield Closed(code, lost, by_operator)

    def _write(self, body: codec.Body, sequence: int | None = None) -> int:
        """Answers have the sequence of what they answer."""
        if sequence is None:
            sequence = self._sequence = self._sequence % 0xFFFF_FFFF + 1
        self.out += codec.encode(body, sequence, self._login.version)
        return sequence
