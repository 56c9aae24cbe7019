"""The HTTP client on real sockets: its requests, their destinations, and its errors."""

from __future__ import annotations

import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests.adapters
import trustme

from chalicelib.aws import files
from chalicelib.domain.errors import Misconfigured, Rejected, Unavailable, Uncertain
from chalicelib.web import transport
from chalicelib.web.egress import Blocked, Policy
from chalicelib.web.http import Http
from chalicelib.web.messages import Request
from tests import ports
from tests.contracts import emulator
from tests.fakes.clock import FakeClock
from tests.liveness import HANG, PATIENCE

LOCAL = ("127.0.0.1", "push.example.test")


def complete(received: bytes) -> bool:
    head, end, body = received.partition(b"\r\n\r\n")
    length = re.search(rb"(?im)^content-length: (\d+)", head)
    return bool(end) and len(body) >= int(length[1] if length else 0)


class Server:
    """Answers each connection with `serve(connection, request bytes)`."""

    def __init__(
        self,
        serve: Callable[[socket.socket, bytes], bool | None],
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.seen: list[bytes] = []
        self.connections = 0
        self.names: list[str | None] = []
        self._serve, self._context = serve, context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        if context is not None:
            context.sni_callback = lambda s, name, c: self.names.append(name)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        self.connections += 1
        try:
            if self._context is not None:
                connection = self._context.wrap_socket(connection, server_side=True)
            while True:
                received = b""
                while not complete(received):
                    part = connection.recv(65536)
                    if not part:
                        return
                    received += part
                self.seen.append(received)
                if not self._serve(connection, received):
                    return
        except OSError:
            pass
        finally:
            connection.close()

    def close(self) -> None:
        self._listener.close()


@contextmanager
def serving(
    serve: Callable[[socket.socket, bytes], bool | None], context: ssl.SSLContext | None = None
) -> Iterator[Server]:
    server = Server(serve, context)
    try:
        yield server
    finally:
        server.close()


def ok(connection: socket.socket, request: bytes) -> bool:
    connection.sendall(
        b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nX-Rate-Limit-Reset: 7\r\n\r\n{"ok":true}'
    )
    return True


def client(timeout: float = PATIENCE, *allow: str) -> Http:
    return Http(Policy(allow or LOCAL, resolve=lambda host, port: ["127.0.0.1"]), timeout)


def test_a_request_and_its_answer() -> None:
    with serving(ok) as server:
        reply = client().request(
            "POST",
            f"http://push.example.test:{server.port}/v3/push",
            json={"a": "\u4e2d"},
            params={"b": "c d"},
            auth=("k", "s"),
        )
    assert reply.status == 200
    assert reply.json() == {"ok": True}
    assert reply.headers["x-rate-limit-reset"] == "7"
    sent = server.seen[0]
    assert sent.startswith(b"POST /v3/push?b=c+d HTTP/1.1\r\n")
    assert f"Host: push.example.test:{server.port}".encode() in sent
    assert b"authorization: Basic azpz" in sent
    assert sent.endswith('{"a":"\u4e2d"}'.encode())


def test_connections_are_used_again_but_not_old_ones() -> None:
    clock = FakeClock()
    sender = transport.RequestsTransport(Policy(LOCAL), clock.monotonic)
    with serving(ok) as server:
        request = Request("GET", f"http://127.0.0.1:{server.port}/", {}, None)
        for _ in range(3):
            sender.send(request, PATIENCE)
        assert server.connections == 1
        clock.advance(3600)  # the container was frozen meanwhile
        sender.send(request, PATIENCE)
        assert server.connections == 2


def test_redirects_are_answers_and_not_followed() -> None:
    def redirect(connection: socket.socket, request: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
        )

    with serving(redirect) as server:
        assert client().request("GET", f"http://127.0.0.1:{server.port}/").status == 302
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"302 Found\r\nLocation: http://169.254.169.254/", "http_302"),
        (b"404 Not Found", "http_404"),
    ],
)
def test_a_file_is_what_an_address_answers_itself(head: bytes, code: str) -> None:
    allowed = {"KMS_KEY": "k", "EGRESS_ALLOW": "127.0.0.1", "PROVIDER_TIMEOUT": "2"}

    def answer(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\n\r\n")

    with (
        emulator.in_environment(emulator.environment("") | allowed),
        serving(answer) as server,
        pytest.raises(Rejected, match=code),
    ):
        files.Files().fetch(f"http://127.0.0.1:{server.port}/a.pdf", 100, 10)
    assert len(server.seen) == 1


def test_proxies_and_cookies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    def cookie(connection: socket.socket, request: bytes) -> bool:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: tenant=1; Path=/\r\nContent-Length: 0\r\n\r\n"
        )
        return True

    with serving(cookie) as server:
        http = client()
        http.request("GET", f"http://127.0.0.1:{server.port}/")
        http.request("GET", f"http://127.0.0.1:{server.port}/")
    assert b"tenant" not in server.seen[1]


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/", "http://name.example/", "ftp://127.0.0.1/", "http://u:p@127.0.0.1/"]
)
def test_a_forbidden_address_is_misconfigured(url: str) -> None:
    with pytest.raises(Misconfigured):
        client().request("GET", url)


def test_nobody_listening_was_surely_not_sent() -> None:
    with ports.taken() as port, pytest.raises(Unavailable, match="connect"):
        client().request("POST", f"http://127.0.0.1:{port}/")


def test_an_answer_that_stays_away_is_uncertain() -> None:
    given_up = threading.Event()

    def silent(connection: socket.socket, request: bytes) -> None:
        given_up.wait(HANG)

    with serving(silent) as server:
        with pytest.raises(Uncertain, match="timeout"):
            client(0.2).request("POST", f"http://127.0.0.1:{server.port}/")
        given_up.set()


def test_a_connection_that_breaks_after_the_request_is_uncertain() -> None:
    with (
        serving(lambda connection, request: None) as server,
        pytest.raises(Uncertain, match="connection_lost"),
    ):
        client().request("POST", f"http://127.0.0.1:{server.port}/")


@pytest.mark.parametrize(
    "part",
    [b"HTTP/1.1 200 OK\r\n" + b"X-A: 1\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"],
)
def test_a_server_that_trickles_is_cut_off_in_time(part: bytes) -> None:
    def trickle(connection: socket.socket, request: bytes) -> None:
        connection.sendall(part)
        while True:
            time.sleep(0.05)
            connection.sendall(b"x")

    with serving(trickle) as server, pytest.raises(Uncertain, match="timeout"):
        client(0.4).request("POST", f"http://127.0.0.1:{server.port}/")


def test_an_answer_of_any_size_is_cut_off() -> None:
    def large(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            connection.sendall(b"x" * 65536)

    with serving(large) as server, pytest.raises(Uncertain, match="too_large"):
        client().request("GET", f"http://127.0.0.1:{server.port}/", most=100_000)


@pytest.fixture
def authority(monkeypatch: pytest.MonkeyPatch, tmp_path) -> trustme.CA:
    ca = trustme.CA()
    bundle = tmp_path / "ca.pem"
    ca.cert_pem.write_to_path(str(bundle))
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(bundle))
    return ca


def tls(ca: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


def test_the_certificate_is_checked_for_the_name_though_the_address_is_pinned(
    authority: trustme.CA,
) -> None:
    with serving(ok, tls(authority, "push.example.test")) as server:
        assert client().request("GET", f"https://push.example.test:{server.port}/").status == 200
    assert server.names == ["push.example.test"]
    assert f"Host: push.example.test:{server.port}".encode() in server.seen[0]


def test_a_certificate_of_another_name_is_refused_before_anything_is_sent(
    authority: trustme.CA,
) -> None:
    with (
        serving(ok, tls(authority, "other.example.test")) as server,
        pytest.raises(Misconfigured, match="tls_certificate"),
    ):
        client().request("POST", f"https://push.example.test:{server.port}/")
    assert server.seen == []


def test_each_new_connection_is_resolved_and_checked_again(authority: trustme.CA) -> None:
    def close(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    answers = [["127.0.0.1"], ["10.0.0.1"]]
    http = Http(Policy(("127.0.0.1",), resolve=lambda host, port: answers.pop(0)), 2)
    with serving(close, tls(authority, "push.example.test")) as server:
        assert http.request("GET", f"https://push.example.test:{server.port}/").status == 200
        with pytest.raises(Blocked):
            http.request("GET", f"https://push.example.test:{server.port}/")


def test_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with (
        serving(ok, tls(trustme.CA(), "push.example.test")) as server,
        pytest.raises(Misconfigured, match="tls_certificate"),
    ):
        client().request("POST", f"https://push.example.test:{server.port}/")


def test_a_broken_handshake_was_surely_not_sent(authority: trustme.CA) -> None:
    with serving(ok) as server, pytest.raises(Unavailable, match="tls"):
        client(0.5).request("POST", f"https://push.example.test:{server.port}/")


def test_secrets_and_contents_do_not_show_in_representations() -> None:
    from chalicelib.web.messages import Request, Response

    shown = repr(Request("POST", "https://h/", {"authorization": "secret"}, b"content")) + repr(
        Response(200, {"a": "secret"}, b"content")
    )
    assert "secret" not in shown
    assert "content" not in shown
