"""Head and body of an answer leave the emulator together."""

from __future__ import annotations

import asyncio
import http.client
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from infra.local.one_write import OneWrite, _Gathered

PARTS = [b"a" * 10, b"b" * 200_000, b"c"]


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def test_what_is_written_at_once_leaves_at_once_and_in_order() -> None:
    async def written() -> list[bytes]:
        transport = Transport()
        gathered = _Gathered(transport, asyncio.get_running_loop())
        gathered.write(b"head ")
        gathered.write(b"body")
        await asyncio.sleep(0)
        gathered.write(b"last")
        gathered.close()
        assert transport.closed
        return transport.written

    assert asyncio.run(written()) == [b"head body", b"last"]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    length = [] if scope["path"] == "/chunked" else [(b"content-length", b"200011")]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    for part in PARTS:
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, http=OneWrite, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(20)


@pytest.mark.parametrize("path", ["/length", "/chunked"])
def test_a_client_reads_whole_answers_on_one_connection(port: int, path: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    for method in ("GET", "HEAD", "GET"):
        connection.request(method, path)
        body = connection.getresponse().read()
        assert body == (b"" if method == "HEAD" else b"".join(PARTS))
    connection.request("GET", path, headers={"Connection": "close"})
    assert connection.getresponse().read() == b"".join(PARTS)
    connection.close()
