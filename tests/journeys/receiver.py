"""A receiver of callbacks, written by UMS's published fields alone: nothing of OpenUMS is in it.

It answers as UMS's published client does. A wrong key gets 403, and a test its echo. An array of
records that it can decode gets 200.
"""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

REQUIRED = {"type": int, "channelkey": str, "msgid": str, "userid": str, "sender": int}
OPTIONAL = {
    "sender_id": str,
    "wechatwk_sender": int,
    "app_platform": int,
    "app_sender": int,
    "sent_time": int,
    "error": dict,
    "params": dict,
}
FAILURES = (1, 3, 5, 8)
SENDERS = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10)


def decode(body: bytes) -> list[dict[str, Any]]:
    """Decode a body. Raise ValueError for anything that UMS would not send."""
    records = json.loads(body)
    if not isinstance(records, list) or not 1 <= len(records) <= 100:
        raise ValueError("not an array of up to 100 records")
    for record in records:
        _check(record)
    return records


def _check(record: dict[str, Any]) -> None:
    kinds = {**REQUIRED, **OPTIONAL}
    if not REQUIRED.keys() <= record.keys() <= kinds.keys():
        raise ValueError(f"fields {sorted(record)}")
    for name, value in record.items():
        if type(value) is not kinds[name]:
            raise ValueError(f"{name}: {type(value).__name__}")
    if record["type"] not in range(9) or record["sender"] not in SENDERS:
        raise ValueError("an unknown type or sender")
    if ("error" in record) != (record["type"] in FAILURES):
        raise ValueError("an error belongs to a failure")
    if "error" in record:
        error = record["error"]
        if set(error) != {"code", "message"} or type(error["code"]) is not int:
            raise ValueError("not an error")
    if not 10**9 < record["sent_time"] < 10**10:
        raise ValueError("sent_time is not in seconds")


@dataclass
class Receiver:
    """A server on this machine. `statuses` are given before everything is 200."""

    credentials: str = ""  # `key:secret`, empty: not checked
    statuses: list[int] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    echoes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def records(self) -> list[dict[str, Any]]:
        """Return the records of all posts that were answered with 200."""
        return [record for _, body in list(self.posts) for record in decode(body)]

    def types(self, msgid: str) -> set[int]:
        return {record["type"] for record in self.records if record["msgid"] == msgid}


@contextmanager
def receiving(**options: Any) -> Iterator[Receiver]:
    """Run a receiver on a port of this machine."""
    receiver = Receiver(**options)
    server = Server(receiver)
    receiver.url = f"http://127.0.0.1:{server.server_port}/callbacks"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()


class Server(ThreadingHTTPServer):
    """A server whose requests belong to one receiver."""

    def __init__(self, receiver: Receiver) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.receiver = receiver


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        echo = parse_qs(urlsplit(self.path).query).get("echostr", [""])[0]
        self.server.receiver.echoes.append(echo)
        self._answer(200 if self._is_known() and echo else 400, echo.encode())

    def do_POST(self) -> None:
        body, receiver = self.rfile.read(int(self.headers["Content-Length"])), self.server.receiver
        if not self._is_known():
            self._answer(403)
        elif receiver.statuses:
            self._answer(receiver.statuses.pop(0))
        else:
            self._take(receiver, body)

    def _take(self, receiver: Receiver, body: bytes) -> None:
        try:
            decode(body)
        except (ValueError, KeyError, AttributeError) as error:
            receiver.faults.append(f"{error}: {body.decode()}")
            return self._answer(400)
        headers = {name.lower(): value for name, value in self.headers.items()}
        receiver.posts.append((headers, body))
        return self._answer(200)

    def _is_known(self) -> bool:
        credentials = self.server.receiver.credentials
        expected = base64.b64encode(credentials.encode()).decode()
        return not credentials or self.headers.get("Authorization", "") == f"Basic {expected}"

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass
