"""One CMPP connection as a state machine: bytes and times in, bytes and events out. No I/O, clock
or threads.

Times are seconds of any steady clock. Source of C, T, N and the window: "CMPP V3.0.0" 6.1, long
connections.
"""

from __future__ import annotations

import hmac
import math
from collections.abc import Iterator
from dataclasses import field
from enum import Enum, auto
from typing import TypeAlias

from chalicelib.domain.values import frozen
from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import HEADER, Framer, Malformed
from chalicelib.providers.sms.cmpp.messages import (
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Submit,
    SubmitResp,
)

# The document recommends C 180, T 60 and N 3. A connection that is dead on the other side alone
# would take 6 minutes to notice, and messages would wait so long.
IDLE = 60.0  # C: seconds without traffic after which ACTIVE_TEST is sent
PATIENCE = 20.0  # T: seconds that an answer may take
TRIES = 3  # N: unanswered ACTIVE_TESTs after which the connection counts as dead
WINDOW = 16  # SUBMITs that may be unanswered at once

# CONNECT_RESP's Status. 1 is also DELIVER_RESP's Result.
STRUCTURE, BAD_SOURCE, BAD_SECRET, VERSION_TOO_HIGH = range(1, 5)


NOT_AUTHENTIC = "gateway_not_authentic"  # it did not prove that it knows the password


@frozen
class Login:
    account: str
    secret: str = field(repr=False)
    version: int = messages.V2
    check_gateway: bool = True  # whether its authenticator must be right, too


@frozen
class Opened:
    """The gateway has let us in."""


@frozen
class Submitted:
    """The answer to a SUBMIT."""

    sequence: int
    answer: SubmitResp


@frozen
class Delivered:
    """A DELIVER. Answer it with its sequence when its facts are stored."""

    sequence: int
    deliver: Deliver


@frozen
class Unreadable:
    """A message of a known command with malformed fields. The messages before and after it are
    valid.
    """

    command: int


@frozen
class Closed:
    """The end of the connection: nothing more comes or goes.

    `code`: the reason, empty after a TERMINATE from either side. `lost`: SUBMITs without an answer.
    """

    code: str
    lost: tuple[int, ...] = ()
    by_operator: bool = False  # an operator must act: account, secret, version


Event: TypeAlias = Opened | Submitted | Delivered | Unreadable | Closed


class State(Enum):
    NEW = auto()
    CONNECTING = auto()
    OPEN = auto()
    CLOSING = auto()
    CLOSED = auto()


class Link:
    """The state of a connection. `out` gathers the bytes to send. The caller takes them after each
    call.
    """

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
        self._last_received = 0.0  # when the last bytes came
        self._last_request = 0.0  # when the last ACTIVE_TEST or CONNECT went
        self._tests = 0  # without an answer

    @property
    def free(self) -> int:
        """Number of SUBMITs that may be sent now: 0 while an ACTIVE_TEST is unanswered."""
        if self.state is not State.OPEN or self._tests:
            return 0
        return self._window - len(self._waiting)

    @property
    def unanswered(self) -> int:
        return len(self._waiting)

    def take(self) -> bytes:
        out, self.out = bytes(self.out), bytearray()
        return out

    def connect(self, now: float, timestamp: int) -> None:
        """Send CONNECT. `timestamp`: the time as MMDDHHMMSS."""
        login = self._login
        self._proof = codec.authenticator(login.account, login.secret, timestamp)
        self.state, self._last_received, self._last_request = State.CONNECTING, now, now
        self._write(Connect(login.account, self._proof, login.version, timestamp))

    def submit(self, submit: Submit, now: float) -> int:
        """Send a SUBMIT and return its sequence, under which the answer will come. Needs `free`.

        Raises Malformed for a value that its field cannot hold.
        """
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
            self.state, self._last_request = State.CLOSING, now
            self._write(Plain(Command.TERMINATE))

    def give_up(self, sequence: int) -> None:
        """Stop waiting for an answer, which frees its slot in the window.

        If nothing has come since the SUBMIT, the connection is tested at once.
        """
        if self._last_received < self._waiting.pop(sequence, 0.0):
            self._last_received = -math.inf

    def feed(self, data: bytes, now: float) -> Iterator[Event]:
        """Yield the events in received bytes.

        Empty bytes mean that the gateway has closed the connection.
        """
        if not data:
            yield from self._close("connection_lost")
            return
        self._last_received, self._tests = now, 0
        try:
            for frame in self._framer.feed(data):
                yield from self._read(frame)
        except Malformed:
            yield from self._close("malformed")

    def tick(self, now: float) -> Iterator[Event]:
        """Test an idle connection, and end one that does not answer, when either is due."""
        if self.state in (State.CONNECTING, State.CLOSING):
            if now - self._last_request >= self._patience:
                yield from self._close("timeout" if self.state is State.CONNECTING else "")
        elif self.state is State.OPEN:
            yield from self._test(now)

    def _test(self, now: float) -> Iterator[Event]:
        if now < self._next_test:
            return
        if self._tests >= TRIES:
            yield from self._close("no_answer_to_active_test")
            return
        self._tests, self._last_request = self._tests + 1, now
        self._write(Plain(Command.ACTIVE_TEST))

    @property
    def _next_test(self) -> float:
        """The time of the next test: after silence, earlier where a SUBMIT has no answer."""
        if self._tests:
            return self._last_request + self._patience
        asked = min(self._waiting.values(), default=math.inf)
        is_silent = asked >= self._last_received
        return min(
            self._last_received + self._idle, asked + self._patience if is_silent else math.inf
        )

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
            if self._waiting.pop(sequence, None) is not None:  # else it comes too late
                yield Submitted(sequence, body)
        elif isinstance(body, Deliver):
            yield Delivered(sequence, body)
        elif isinstance(body, Plain):
            yield from self._plain(sequence, body.command)

    def _unreadable(self, frame: bytes) -> Unreadable:
        """Refuse a malformed DELIVER: otherwise the gateway repeats it for ever, on every
        connection.
        """
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

    def _greeted(self, body: messages.Body) -> Iterator[Event]:
        if not isinstance(body, ConnectResp):
            yield from self._close("no_connect_resp")
        elif body.status:
            by_operator = body.status in (BAD_SOURCE, BAD_SECRET, VERSION_TOO_HIGH)
            yield from self._close(f"connect_{body.status}", by_operator=by_operator)
        elif self._login.check_gateway and not self._is_genuine(body):
            yield from self._close(NOT_AUTHENTIC, by_operator=True)
        else:
            self.state = State.OPEN
            yield Opened()

    def _is_genuine(self, body: ConnectResp) -> bool:
        """Check the digest, which gateways make over one byte of Status or over four.

        The version does not tell: SMSGate uses four for 2.0 as well.
        """
        expected = [
            codec.counter_authenticator(body.status, size, self._proof, self._login.secret)
            for size in (1, 4)
        ]
        return any(hmac.compare_digest(digest, body.authenticator) for digest in expected)

    def _close(self, code: str, *, by_operator: bool = False) -> Iterator[Event]:
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            lost, self._waiting = tuple(self._waiting), {}
            yield Closed(code, lost, by_operator)

    def _write(self, body: messages.Body, sequence: int | None = None) -> int:
        """Append a frame to `out` and return its sequence. An answer has the sequence of its
        request.
        """
        if sequence is None:
            sequence = self._sequence = self._sequence % 0xFFFF_FFFF + 1
        self.out += codec.encode(body, sequence, self._login.version)
        return sequence
