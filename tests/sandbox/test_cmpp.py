"""The sandbox's CMPP gateway, asked by hand: it refuses what a real one would refuse."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.providers.sms.cmpp import codec, messages
from chalicelib.providers.sms.cmpp.fields import Framer
from chalicelib.providers.sms.cmpp.messages import (
    V2,
    V3,
    Command,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Plain,
    Submit,
    SubmitResp,
)
from infra.sandbox.cmpp import rules
from tests.liveness import eventually
from tests.providers.sandboxes import Sandbox, running

ACCOUNT, SECRET, STAMP = "900001", "secret", 1121080510
TEXT = Submit(numbers=("13800001111",), content=b"hi", format=0, account=ACCOUNT, source="10690001")


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with running() as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def _fresh(sandbox: Sandbox) -> None:
    sandbox.clear()
    sandbox.register("cmpp", ACCOUNT)


class Client:
    def __init__(self, connection: socket.socket, version: int) -> None:
        self.connection, self.version, self.sequence = connection, version, 0
        self._framer, self._read = Framer(), list[tuple[int, messages.Body]]()

    def say(self, body: messages.Body, sequence: int | None = None) -> int:
        self.sequence += 1
        number = self.sequence if sequence is None else sequence
        self.connection.sendall(codec.encode(body, number, self.version))
        return number

    def hear(self) -> tuple[int, messages.Body]:
        while not self._read:
            data = self.connection.recv(65_536)
            if not data:
                raise EOFError
            self._read += [codec.decode(frame, self.version) for frame in self._framer.feed(data)]
        return self._read.pop(0)

    def connect(
        self, secret: str = SECRET, account: str = ACCOUNT, version: int = 0
    ) -> ConnectResp:
        self.say(
            Connect(
                account, codec.authenticator(account, secret, STAMP), version or self.version, STAMP
            )
        )
        answer = self.hear()[1]
        assert isinstance(answer, ConnectResp)
        return answer

    def submit(self, submit: Submit) -> SubmitResp:
        """Reports that come first are answered."""
        sequence = self.say(submit)
        while True:
            heard, body = self.hear()
            if isinstance(body, SubmitResp):
                assert heard == sequence
                return body
            if isinstance(body, Deliver):
                self.say(DeliverResp(body.id, 0), heard)


@contextmanager
def client(sandbox: Sandbox, version: int = V2, **login: Any) -> Iterator[Client]:
    with socket.create_connection(("127.0.0.1", sandbox.about["cmpp_port"]), 5) as connection:
        opened = Client(connection, version)
        if login.pop("greet", True):
            assert opened.connect(**login).status == 0
        yield opened


@pytest.mark.parametrize("version", [V2, V3])
def test_the_gateway_proves_that_it_knows_the_secret(sandbox: Sandbox, version: int) -> None:
    with client(sandbox, version, greet=False) as gateway:
        answer = gateway.connect()
        proof = codec.authenticator(ACCOUNT, SECRET, STAMP)
        assert answer == ConnectResp(
            0,
            codec.counter_authenticator(0, answer.status_size, proof, SECRET),
            version,
            4 if version == V3 else 1,
        )


@pytest.mark.parametrize(
    ("login", "status"),
    [
        ({"secret": "wrong"}, 3),
        ({"account": "nobody"}, 2),
        ({"version": 0x40}, 4),
        ({"version": 0x31}, 4),
        ({"version": 0x21}, 0),
    ],
)
def test_who_may_not_connect_is_told_why(
    sandbox: Sandbox, login: dict[str, Any], status: int
) -> None:
    with client(sandbox, greet=False) as gateway:
        assert gateway.connect(**login).status == status
        if status:
            with pytest.raises(EOFError):
                gateway.hear()


def test_an_account_has_so_many_connections_and_no_more(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", ACCOUNT, connections=1)
    with client(sandbox), client(sandbox, greet=False) as other:
        assert other.connect().status == 5
    eventually(lambda: sandbox.get("cmpp")["connections"] == {})


@pytest.mark.parametrize(
    ("changes", "result"),
    [
        ({}, 0),
        ({"content": b"x" * 159}, 0),
        ({"content": b"x" * 160}, 6),
        ({"content": b"xx" * 70, "format": 8}, 0),
        ({"content": b"xx" * 71, "format": 8}, 6),
        ({"content": b"x", "format": 8}, 1),
        ({"content": b""}, 1),
        ({"account": "900002"}, 11),
        ({"source": "shop"}, 10),
        ({"numbers": ("12",)}, 13),
        ({"numbers": ("13800001111", "13800000001")}, 13),
        ({"parts": 2}, 1),
        ({"parts": 2, "has_header": True, "content": b"\x05\x00\x03\x07\x02\x01hi"}, 0),
        ({"parts": 2, "part": 2, "has_header": True, "content": b"\x05\x00\x03\x07\x02\x01hi"}, 1),
        ({"has_header": True}, 1),
    ],
)
def test_a_submit_is_checked(sandbox: Sandbox, changes: dict[str, Any], result: int) -> None:
    for version in (V2, V3):
        with client(sandbox, version) as gateway:
            assert gateway.submit(replace(TEXT, **changes)).result == result


def test_more_than_a_window_is_refused(sandbox: Sandbox) -> None:
    sandbox.register("cmpp", ACCOUNT, answer_delay=0.3)
    with client(sandbox) as gateway:
        sent = [gateway.say(replace(TEXT, report=0)) for _ in range(18)]
        heard = dict(gateway.hear() for _ in sent)
        results = [heard[sequence].result for sequence in sent]  # type: ignore[union-attr]
        assert results == [0] * 16 + [8] * 2


@pytest.mark.parametrize(
    ("settings", "version", "size"),
    [({}, V2, 60), ({}, V3, 71), ({"report_bytes": 60}, V3, 60), ({"report_bytes": 71}, V2, 71)],
)
def test_a_report_has_the_size_of_its_version_unless_told_otherwise(
    sandbox: Sandbox, settings: dict[str, int], version: int, size: int
) -> None:
    sandbox.register("cmpp", ACCOUNT, receipt_delay=0.1, **settings)
    with client(sandbox, version) as gateway:
        taken = gateway.submit(TEXT)
        _, body = gateway.hear()
        assert isinstance(body, Deliver)
        assert len(body.content) == size
        report = codec.decode_report(body.content)
        assert (report.id, report.stat, report.number) == (taken.id, "DELIVRD", "13800001111")


@pytest.mark.parametrize("consecutive", [0, 1])
def test_the_numbers_of_a_submit_have_one_id_or_consecutive_ones(
    sandbox: Sandbox, consecutive: int
) -> None:
    sandbox.register("cmpp", ACCOUNT, receipt_delay=0.1, consecutive_ids=consecutive)
    with client(sandbox) as gateway:
        first = gateway.submit(replace(TEXT, numbers=("13800001111", "13800002222"))).id
        reports = [
            codec.decode_report(body.content)
            for _, body in (gateway.hear(), gateway.hear())
            if isinstance(body, Deliver)
        ]
        assert {report.number: report.id - first for report in reports} == {
            "13800001111": 0,
            "13800002222": consecutive,
        }
        assert gateway.submit(TEXT).id > first + consecutive


def test_an_early_report_comes_before_the_answer_and_again(sandbox: Sandbox) -> None:
    with client(sandbox) as gateway:
        gateway.say(replace(TEXT, numbers=("13800000006",)))
        sequence, early = gateway.hear()
        assert isinstance(early, Deliver)
        gateway.say(DeliverResp(early.id, 0), sequence)
        assert isinstance(gateway.hear()[1], SubmitResp)
        assert isinstance(gateway.hear()[1], Deliver)


def test_a_report_that_nobody_answers_comes_again_on_another_connection(sandbox: Sandbox) -> None:
    with client(sandbox) as gateway:
        gateway.say(TEXT)
        bodies = [gateway.hear()[1], gateway.hear()[1]]
        (report,) = [body for body in bodies if isinstance(body, Deliver)]
    with client(sandbox) as other:
        sequence, again = other.hear()
        assert again == report
        other.say(DeliverResp(report.id, 0), sequence)
        eventually(lambda: sandbox.get("cmpp")["acknowledged"] == 1)


def test_the_ids_of_a_group_turn_over_in_their_last_sixteen_bits() -> None:
    """The counter begins at a time, so a group stands at its end once in 18 hours."""
    first = 0xBF003A400001FFFE
    ids = [rules.following(first, n) for n in range(3)]
    assert ids == [first, 0xBF003A400001FFFF, 0xBF003A4000010000]


def test_tests_and_goodbyes_are_answered(sandbox: Sandbox) -> None:
    with client(sandbox) as gateway:
        sequence = gateway.say(Plain(Command.ACTIVE_TEST))
        assert gateway.hear() == (sequence, Plain(Command.ACTIVE_TEST_RESP))
        sequence = gateway.say(Plain(Command.TERMINATE))
        assert gateway.hear() == (sequence, Plain(Command.TERMINATE_RESP))
        with pytest.raises(EOFError):
            gateway.hear()


def test_what_is_no_cmpp_is_cut(sandbox: Sandbox) -> None:
    with socket.create_connection(("127.0.0.1", sandbox.about["cmpp_port"]), 5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100) == b""


def test_connections_are_cut_on_command(sandbox: Sandbox) -> None:
    with client(sandbox) as gateway:
        assert sandbox.ask("POST", "/_sandbox/cmpp/cut", json={"account": ACCOUNT}).json() == {
            "cut": 1
        }
        with pytest.raises((EOFError, ConnectionError)):
            gateway.hear()
