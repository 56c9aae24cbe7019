"""A stream of CMPP whose other end is scripted."""

from __future__ import annotations

import threading

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Framer
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    Command,
    Connect,
    ConnectResp,
    Plain,
    Submit,
    SubmitResp,
)

SECRET = "secret"


class Line:
    """A stream whose other end is scripted: a status to CONNECT, then answers to SUBMITs.

    While it is `mute` the SUBMITs stay unanswered. A `lively` end answers tests of the connection.
    """

    def __init__(self, status: int = 0, *, lively: bool = False, secret: str = SECRET) -> None:
        self.status, self.lively, self.secret, self.tests = status, lively, secret, 0
        self.mute = self.broken = self.parted = False
        self.submits: list[int] = []
        self._framer, self._answers = Framer(), bytearray()
        self._said = threading.Condition()

    def write(self, data: bytes) -> bool:
        with self._said:
            if self.broken:
                return False
            for frame in self._framer.feed(data):
                self._hear(*codec.decode(frame, V2))
            self._said.notify_all()
            return True

    def _hear(self, sequence: int, body: messages.Body) -> None:
        if isinstance(body, Connect):
            proof = codec.counter_authenticator(self.status, 1, body.authenticator, self.secret)
            self.answer(ConnectResp(self.status, proof, V2), sequence)
        elif isinstance(body, Submit):
            self.submits.append(sequence)
            if not self.mute:
                self.answer(SubmitResp(self.id_of(sequence), 0), sequence)
        elif isinstance(body, Plain) and body.command == Command.ACTIVE_TEST:
            self.tests += 1
            if self.lively:
                self.answer(Plain(Command.ACTIVE_TEST_RESP), sequence)
        elif isinstance(body, Plain) and body.command == Command.TERMINATE:
            self.parted = True
            self.answer(Plain(Command.TERMINATE_RESP), sequence)

    def id_of(self, sequence: int) -> int:
        return sequence

    def answer(self, body: messages.Body, sequence: int) -> None:
        with self._said:
            self._answers += codec.encode(body, sequence, V2)
            self._said.notify_all()

    def read(self, wait: float) -> bytes | None:
        with self._said:
            if not self._answers and not self.broken:
                self._said.wait(wait)
            data, self._answers = bytes(self._answers), bytearray()
            return data or (b"" if self.broken else None)

    def shut(self) -> None:
        with self._said:
            self.broken = True
            self._said.notify_all()

    close = shut
