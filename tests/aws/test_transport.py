"""Connections to AWS: they are kept, given up and verified as those of the SDK."""

from __future__ import annotations

import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from botocore.awsrequest import AWSPreparedRequest, HeadersDict
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)

from chalicelib.aws import transport
from chalicelib.aws.clients import client
from chalicelib.aws.transport import Transport
from tests.contracts import emulator

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: x/json\r\nX-Amzn-RequestId: 7\r\nContent-Length: 2\r\n\r\n{}"
)
LAST = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


class Server:
    """A server on a port of its own. It gives each connection its answers, and then ends it."""

    def __init__(self, *connections: list[bytes], context: ssl.SSLContext | None = None) -> None:
        self.connections, self.context = list(connections), context
        self.requests: list[list[bytes]] = []
        self._listens = socket.create_server(("127.0.0.1", 0))
        self.port = self._listens.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answers in self.connections:
            try:
                connection, _ = self._listens.accept()
            except OSError:
                return
            received: list[bytes] = []
            self.requests.append(received)
            with closing(connection):
                try:
                    self._answer(connection, answers, received)
                except OSError:
                    continue

    def _answer(
        self, connection: socket.socket, answers: list[bytes], received: list[bytes]
    ) -> None:
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True)
        for answer in answers:
            received.append(connection.recv(65536))
            connection.sendall(answer)

    def close(self) -> None:
        self._listens.shutdown(socket.SHUT_RDWR)  # ends the wait for a connection
        self._listens.close()
        self._thread.join(5)


@contextmanager
def serving(*connections: list[bytes]) -> Iterator[Server]:
    with closing(Server(*connections)) as server:
        yield server


def request(url: str, **headers: str | bytes) -> AWSPreparedRequest:
    named = HeadersDict({"Content-Length": "2", **headers})
    return AWSPreparedRequest("POST", url, named, b"{}", stream_output=False)


def of(server: Server) -> AWSPreparedRequest:
    return request(f"http://127.0.0.1:{server.port}/")


def test_requests_share_a_connection_and_each_leaves_as_one() -> None:
    with serving([OK] * 3) as server, closing(Transport(2, 2)) as sender:
        answers = [sender.send(of(server)) for _ in range(3)]
    assert [(a.status_code, a.content, a.text) for a in answers] == [(200, b"{}", "{}")] * 3
    assert answers[0].headers["x-amzn-requestid"] == "7"
    lines = (
        *("POST / HTTP/1.1", f"Host: 127.0.0.1:{server.port}"),
        *("Accept-Encoding: identity", "Content-Length: 2", "", "{}"),
    )
    assert server.requests == [["\r\n".join(lines).encode()] * 3]


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("https://sqs.us-east-1.amazonaws.com:443/", "sqs.us-east-1.amazonaws.com"),
        ("http://LocalHost:4566/", "localhost:4566"),
        ("http://[::1]:4566", "[::1]:4566"),
    ],
)
def test_a_host_is_sent_as_it_is_signed(url: str, sent: str) -> None:
    assert f"\r\nHost: {sent}\r\n".encode() in transport._written(request(url), urlsplit(url))


@pytest.mark.parametrize("name", ["中文", "中文".encode()])
def test_a_header_is_sent_as_the_sdk_encodes_it(name: str | bytes) -> None:
    with serving([OK]) as server, closing(Transport(2, 2)) as sender:
        sender.send(request(f"http://127.0.0.1:{server.port}/", Name=name))
    assert "\r\nName: 中文\r\n".encode() in server.requests[0][0]


def test_the_connections_of_a_forgotten_client_are_closed() -> None:
    with serving([OK]) as server:
        sender = Transport(2, 2)
        sender.send(of(server))
        ((_, connection),) = sender._idle
        del sender
        assert connection.fileno() == -1


@pytest.mark.parametrize("first", [[OK], [LAST]], ids=["ended later", "ended at once"])
def test_a_connection_that_the_host_has_ended_is_not_used_again(first: list[bytes]) -> None:
    with serving(first, [OK]) as server, closing(Transport(2, 2)) as sender:
        sender.send(of(server))
        for _, connection in sender._idle:
            select.select([connection], [], [], 5)
        assert sender.send(of(server)).status_code == 200
    assert [len(received) for received in server.requests] == [1, 1]


class Contended(list[tuple[str, socket.socket]]):
    """A list from which another thread takes all while one is about to take the last."""

    sender: Transport | None = None

    def pop(self, *_: object) -> tuple[str, socket.socket]:
        sender, self.sender = self.sender, None
        if sender is not None:
            sender.close()
        return super().pop()


def test_a_connection_is_taken_by_one_thread_only() -> None:
    """One that another thread closes meanwhile is not used."""
    with serving([OK], [OK]) as server, closing(Transport(2, 2)) as sender:
        sender.send(of(server))
        sender._idle = waiting = Contended(sender._idle)
        waiting.sender = sender
        assert sender.send(of(server)).status_code == 200
    assert [len(received) for received in server.requests] == [1, 1]


def test_the_connections_that_waited_longer_than_a_dead_one_are_not_used() -> None:
    """A container that was frozen did not learn of their ends."""
    pairs = [socket.socketpair() for _ in range(2)]
    with serving([OK]) as server, closing(Transport(2, 2)) as sender:
        for dead, _ in pairs:
            dead.shutdown(socket.SHUT_WR)
            sender._idle.append((f"http://127.0.0.1:{server.port}", dead))
        with pytest.raises(ConnectionClosedError):
            sender.send(of(server))
        assert sender.send(of(server)).status_code == 200
    for _, other in pairs:
        other.close()


def test_a_connection_to_another_host_is_not_used() -> None:
    with serving([OK, OK]) as one, serving([OK]) as other, closing(Transport(2, 2)) as sender:
        assert [sender.send(of(host)).status_code for host in (one, other)] == [200, 200]
    assert [len(host.requests) for host in (one, other)] == [1, 1]


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BROKEN = [
    *(b"", b"HTTP/1.1 200", b"nonsense\r\n\r\n", OK[:-1], HEAD + b"\r\n{}"),
    *(HEAD + b"Content-Length: %s\r\n\r\n{}" % size for size in (b"-2", b"+2", b"", b"2e0")),
    *(CHUNKED + rest for rest in (b"", b"2\r\n{}\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"z\r\n\r\n")),
    HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    *(HEAD + b"no header\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 ok\r\n\r\n"),
    HEAD + b"X: " + b"x" * (2 * transport.LONGEST) + b"\r\nContent-Length: 2\r\n\r\n{}",
]


@pytest.mark.parametrize("answer", BROKEN)
def test_an_answer_that_breaks_off_may_be_asked_for_again(answer: bytes) -> None:
    with serving([answer], [OK]) as server, closing(Transport(2, 2)) as sender:
        with pytest.raises(ConnectionClosedError):
            sender.send(of(server))
        assert sender.send(of(server)).status_code == 200


@pytest.mark.parametrize(
    ("answer", "is_reused"),
    [
        (CHUNKED + b"1\r\n{\r\n1;x=y\r\n}\r\n0\r\n\r\n", True),
        (CHUNKED + b"002\r\n{}\r\n0\r\nTrailer: x\r\n\r\n", True),
        (b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + OK, True),
        (OK.replace(b" OK", b""), True),
        (OK.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (OK.replace(b"Content-Length: ", b"content-length:"), True),
        (OK + b"more than announced", False),
        (LAST.replace(b"close", b"Close"), False),
        (LAST.replace(b"close", b"keep-alive, close"), False),
        (LAST.replace(b"close", b"close\r\nconnection: keep-alive"), False),
        (OK.replace(b"Content-Type", b"X: 1\r\nX: 2\r\nContent-Type"), True),
    ],
)
def test_an_answer_is_read_to_its_end_as_others_may_write_it(
    answer: bytes, is_reused: bool
) -> None:
    with serving([answer, OK], [OK]) as server, closing(Transport(2, 2)) as sender:
        read = sender.send(of(server))
        assert (read.status_code, read.content) == (200, b"{}")
        assert bool(sender._idle) == is_reused
        assert read.headers.get("X", "1, 2") == "1, 2"


def test_a_host_may_answer_before_it_has_the_whole_request() -> None:
    early = LAST.replace(b"200 OK", b"413 Too Large")
    with serving([early]) as server, closing(Transport(2, 2)) as sender:
        large = of(server)
        large.body = b"x" * (16 << 20)
        assert sender.send(large).status_code == 413


def test_an_answer_may_come_byte_by_byte() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = transport._Reader(ours)
        sending = threading.Thread(target=lambda: [theirs.send(bytes([byte])) for byte in OK])
        sending.start()
        read = transport._answer(reader, "")
        sending.join()
    assert (read.status_code, read.content, read.headers["Content-Type"]) == (200, b"{}", "x/json")


def test_a_host_that_does_not_answer_in_time_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(ReadTimeoutError):
            Transport(2, 0.05).send(request(url))


def test_a_host_that_cannot_be_reached_says_so() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        for host in (f"127.0.0.1:{deaf.getsockname()[1]}", "nowhere.invalid"):
            with pytest.raises(EndpointConnectionError):
                Transport(2, 2).send(request(f"http://{host}/"))


def test_a_host_that_takes_no_connection_in_time_is_given_up() -> None:
    """A full backlog leaves the next connection without an answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        with pytest.raises(ConnectTimeoutError):
            Transport(0.05, 2).send(request(f"http://127.0.0.1:{address[1]}/"))
        for each in waiting:
            each.close()


@pytest.mark.parametrize(
    ("host", "trusted"), [("localhost", True), ("localhost", False), ("elsewhere.example", True)]
)
def test_certificates_are_verified(host: str, trusted: bool, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(host).configure_cert(context)
    bundle = tmp_path / "authorities.pem"
    (authority if trusted else trustme.CA()).cert_pem.write_to_path(str(bundle))
    is_good = trusted and host == "localhost"
    expected = nullcontext() if is_good else pytest.raises(SSLError)
    with closing(Server([OK], context=context)) as server, expected:
        sender = Transport(2, 2, str(bundle))
        assert sender.send(request(f"https://localhost:{server.port}/")).content == b"{}"


@pytest.mark.parametrize("named_in", ["AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_CONFIG_FILE"])
def test_the_authorities_are_those_that_the_sdk_finds(
    named_in: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "config"
    file.write_text("[default]\nca_bundle = authorities.pem\n")
    named = str(file) if named_in == "AWS_CONFIG_FILE" else "authorities.pem"
    variables = emulator.environment("http://aws.example:1") | {named_in: named}
    with emulator.in_environment(variables), emulator.own_session():
        assert client("sqs")._endpoint.http_session.authorities == "authorities.pem"


@pytest.mark.parametrize("value", ["a\r\nX: b", "a\nb", "a\rb", b"a\r\nb"])
def test_a_header_is_one_line(value: str | bytes) -> None:
    with serving([OK]) as server, pytest.raises(ValueError, match="more than one line"):
        Transport(2, 2).send(request(f"http://127.0.0.1:{server.port}/", Name=value))
