"""Outgoing TCP connections that stay open, through the egress policy, for protocols of bytes. Import this module only inside functions."""

from __future__ import annotations

import contextlib
import selectors
import socket

from chalicelib.domain.errors import Unavailable
from chalicelib.web.egress import Policy

CHUNK = 65_536


class Stream:
    """One thread may read while another one writes."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        connection.settimeout(patience)
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)

    def read(self, wait: float) -> bytes | None:
        """What has come; None when nothing came within `wait` seconds, empty when the other side has closed."""
        try:
            return self._connection.recv(CHUNK) if self._selector.select(wait) else None
        except (OSError, ValueError):
            return b""

    def write(self, data: bytes) -> bool:
        """Whether all of it went; if not, the connection can't be used any more."""
        try:
            self._connection.sendall(data)
        except OSError:
            return False
        return True

    def shut(self) -> None:
        """Ends it from any thread: who reads gets an empty answer."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """For the thread that reads."""
        self._selector.close()
        self._connection.close()


def dial(policy: Policy, host: str, port: int, *, ports: frozenset[int], timeout: float) -> Stream:
    """Raises Unavailable, or Misconfigured for an address that the policy does not let through."""
    try:
        return Stream(policy.connect(host, port, timeout=timeout, ports=ports), timeout)
    except OSError as error:
        raise Unavailable("connect") from error
