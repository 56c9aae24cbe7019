"""SMTP servers for tests: an independent one (aiosmtpd), and one that follows a script byte by
byte.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword


class Inbox:
    """An aiosmtpd handler that keeps mails. `refuse` has the refusals by recipient."""

    def __init__(self, refuse: dict[str, str] | None = None) -> None:
        self.mails: list[Envelope] = []
        self.sessions: set[int] = set()
        self.refuse = refuse or {}

    async def handle_RCPT(
        self, server: Any, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        self.mails.append(envelope)
        self.sessions.add(id(session))
        return "250 queued"


@contextmanager
def independent(
    inbox: Inbox, context: ssl.SSLContext | None = None, mode: str = "none", **options: Any
) -> Iterator[int]:
    """Start an aiosmtpd server with mode none, tls or starttls, and yield its port."""

    starttls = {"tls_context": context, "require_starttls": True} if mode == "starttls" else {}
    loop = asyncio.new_event_loop()
    factory = partial(SMTP, inbox, hostname="mail.example.test", loop=loop, **starttls, **options)
    made = loop.create_server(factory, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    server = loop.run_until_complete(made)
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def authenticator(user: bytes, password: bytes) -> Callable[..., AuthResult]:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (user, password)
        return AuthResult(success=good, handled=False)

    return check


class ScriptedServer:
    """Answer each line of a client with `answer(line, number of the connection)`.

    None hangs up, and an empty text keeps silent.
    """

    def __init__(self, answer: Callable[[str, int], str | None], greeting: str = "220 hi") -> None:
        self.lines: list[str] = []
        self.connections = 0
        self._answer, self._greeting = answer, greeting
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            self.connections += 1
            threading.Thread(
                target=self._talk, args=(connection, self.connections), daemon=True
            ).start()

    def _talk(self, connection: socket.socket, number: int) -> None:
        in_data = False
        try:
            with connection, connection.makefile("rb") as lines:
                connection.sendall(self._greeting.encode() + b"\r\n")
                for raw in lines:
                    line = raw.decode().rstrip("\r\n")
                    line = line[:4].upper() + line[4:]
                    if in_data and line != ".":
                        continue
                    self.lines.append(line)
                    answer = self._answer(line, number)
                    if answer is None:
                        return
                    in_data = answer.startswith("354")
                    if answer:
                        connection.sendall(answer.encode() + b"\r\n")
        except OSError:
            pass


def usual(line: str) -> str:
    return "354 go on" if line == "DATA" else "250 OK"
