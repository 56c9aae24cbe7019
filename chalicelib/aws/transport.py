"""Connections to AWS over the standard library, in less time than the SDK's own take.

They are for requests whose answers are small and come whole, as of DynamoDB and SQS. Like the
SDK's, they stay open, verify certificates, and raise the SDK's exceptions. They know no proxies.
"""

from __future__ import annotations

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from http.client import HTTPException
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from botocore.awsrequest import HeadersDict
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.httpsession import get_cert_path

from chalicelib.aws.signing import host

KEPT = 16  # open connections that wait for a request
LONGEST = 1 << 16  # bytes of the lines before a body
PORTS = {"http": 80, "https": 443}


class Answer(NamedTuple):
    """An answer of AWS, with the names that the SDK reads."""

    url: str
    status_code: int
    headers: HeadersDict  # found without regard to case
    content: bytes
    is_last: bool = False  # of its connection

    @property
    def text(self) -> str:
        return self.content.decode()


class Transport:
    """Sends the requests of a client, in place of botocore.httpsession.URLLib3Session.

    A connection serves one request at a time. After a failure none that waits is used: they were
    left earlier, and a container that was frozen may have missed the ends of them all.
    """

    def __init__(
        self, connect_timeout: float, read_timeout: float, authorities: str | bool = True
    ) -> None:
        """Take the file of the authorities that certificates need, or True: those of the SDK."""
        self._connect_timeout, self._read_timeout = connect_timeout, read_timeout
        self.authorities = authorities
        self._idle: list[tuple[str, socket.socket]] = []

    def send(self, request: Any) -> Answer:
        """Return the answer to a request that the SDK has prepared and signed."""
        parts = urlsplit(request.url)
        origin, sent = f"{parts.scheme}://{parts.netloc}", _written(request, parts)
        connection = self._taken(origin) or self._connected(request.url, parts)
        is_reusable = False
        try:
            _deliver(connection, sent)
            answer = _answer(_Reader(connection), request.url)
            is_reusable = not answer.is_last and len(self._idle) < KEPT
        except TimeoutError as error:
            self.close()
            raise ReadTimeoutError(endpoint_url=request.url, error=error) from error
        except (OSError, HTTPException) as error:
            self.close()
            of_request = {"endpoint_url": request.url, "request": request, "error": error}
            raise ConnectionClosedError(**of_request) from error
        finally:
            if is_reusable:
                self._idle.append((origin, connection))
            else:
                connection.close()
        return answer

    def close(self) -> None:
        """Close the connections that wait."""
        with suppress(IndexError):  # none is left
            while True:
                self._idle.pop()[1].close()

    __del__ = close  # with its client

    def _taken(self, origin: str) -> socket.socket | None:
        """Take an open connection to a host. Close those that the host has closed."""
        while self._idle:
            try:
                its_origin, connection = self._idle.pop()
            except IndexError:  # another thread took it
                break
            if its_origin == origin and not _is_readable(connection):
                return connection
            connection.close()
        return None

    def _connected(self, url: str, parts: SplitResult) -> socket.socket:
        address = str(parts.hostname), parts.port or PORTS[parts.scheme]
        try:
            context = _context(self.authorities) if parts.scheme == "https" else None
            connection = socket.create_connection(address, self._connect_timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                connection = context.wrap_socket(connection, server_hostname=address[0])
        except TimeoutError as error:
            raise ConnectTimeoutError(endpoint_url=url, error=error) from error
        except ssl.SSLError as error:
            raise SSLError(endpoint_url=url, error=error) from error
        except OSError as error:
            raise EndpointConnectionError(endpoint_url=url, error=error) from error
        connection.settimeout(self._read_timeout)
        return connection


def _written(request: Any, parts: SplitResult) -> bytes:
    """Return the bytes of a request, which leave together."""
    query = f"?{parts.query}" if parts.query else ""
    lines = [
        f"{request.method} {parts.path or '/'}{query} HTTP/1.1".encode(),
        f"Host: {host(request.url)}".encode(),
        b"Accept-Encoding: identity",  # without it, an answer may be compressed
    ]
    for name, value in request.headers.items():
        text = value if isinstance(value, bytes) else value.encode()
        lines.append(b"%s: %s" % (name.encode(), text))
    head = b"\r\n".join(lines)
    if {head.count(b"\r"), head.count(b"\n")} != {len(lines) - 1}:
        raise ValueError("a header of more than one line")
    return head + b"\r\n\r\n" + (request.body or b"")


def _deliver(connection: socket.socket, sent: bytes) -> None:
    """Send a request, unless the host ends the connection after an early answer to it."""
    try:
        connection.sendall(sent)
    except ConnectionError:
        if not _is_readable(connection):
            raise


class _Reader:
    """The bytes of an answer, in order. It raises HTTPException where they end too soon."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection, self.rest = connection, bytearray()

    def until(self, mark: bytes) -> bytes:
        """Read the bytes before a mark, which has to come soon. Drop the mark."""
        while (end := self.rest.find(mark)) < 0:
            if len(self.rest) > LONGEST:
                raise HTTPException("an answer with too long a line")
            self._more()
        return self.take(end + len(mark))[:end]

    def take(self, number: int) -> bytes:
        while len(self.rest) < number:
            self._more()
        taken = bytes(self.rest[:number])
        del self.rest[:number]
        return taken

    def _more(self) -> None:
        read = self._connection.recv(LONGEST)
        if not read:
            raise HTTPException("an answer that breaks off")
        self.rest += read


def _answer(reader: _Reader, url: str) -> Answer:
    try:
        status = 100
        while status < 200:  # more is to come
            status, headers = _head(reader.until(b"\r\n\r\n").decode("latin-1"))
        if headers.get("transfer-encoding", "identity").lower() != "identity":
            content = b"".join(_chunks(reader))
        else:
            content = reader.take(_size(headers["content-length"], 10))
    except (ValueError, KeyError) as error:
        raise HTTPException("an answer that is none of HTTP, or does not tell its end") from error
    is_last = bool(reader.rest) or "close" in headers.get("connection", "").lower()
    return Answer(url, status, HeadersDict(headers), content, is_last)


def _head(text: str) -> tuple[int, dict[str, str]]:
    """Return the status and the headers of an answer. ValueError means that they are none.

    Names are in small letters. The values of a repeated one are joined.
    """
    first, *lines = text.split("\r\n")
    version, status = first.split(" ", 2)[:2]
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(line)
        name, value = name.lower(), value.strip()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    if version != "HTTP/1.1":
        headers["connection"] = "close"
    return int(status), headers


def _chunks(reader: _Reader) -> Iterator[bytes]:
    """Read the parts of a body, each with its size before it, and the lines after the last."""
    while size := _size(reader.until(b"\r\n").partition(b";")[0].decode("ascii"), 16):
        yield reader.take(size + 2)[:size]
    while reader.until(b"\r\n"):
        continue


def _size(text: str, base: int) -> int:
    if not text.strip().isalnum():  # a sign, for one
        raise ValueError(text)
    return int(text, base)


def _is_readable(connection: socket.socket) -> bool:
    """Tell if a connection has something to read. Before a request, that is its end."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))


@cache
def _context(authorities: str | bool) -> ssl.SSLContext:
    """Return what verifies the certificates of AWS."""
    return ssl.create_default_context(cafile=get_cert_path(authorities))
