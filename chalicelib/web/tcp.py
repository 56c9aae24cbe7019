"""Outgoing TCP connections that stay open, through the egress policy, for protocols of bytes.

Import this module only inside functions.
"""

from __future__ import annotations

import contextlib
import selectors
import socket

from chalicelib.domain.errors import Unavailable
from chalicelib.web.egress import Policy

CHUNK = 65_536


class Stream:
    """An open connection. One thread may read while another one writes."""

    def __init__(self, connection: socket.socket, patience: float) -> None:
        connection.settimeout(patience)
        self._connection = connection
        self._selector = selectors.DefaultSelector()
        self._selector.register(connection, selectors.EVENT_READ)

    def read(self, wait: float) -> bytes | None:
        """Return received bytes.

        None: nothing came within `wait` seconds. Empty: the other side has closed the connection.
        """
        try:
            return self._connection.recv(CHUNK) if self._selector.select(wait) else None
        except (OSError, ValueError):
            return b""

    def write(self, data: bytes) -> bool:
        """Send all bytes. Return False if that failed: the connection cannot be used any more."""
        try:
            self._connection.sendall(data)
        except OSError:
            return False
        return True

    def shut(self) -> None:
        """End the connection from any thread. The reading thread gets empty bytes."""
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection. Only for the reading thread."""
        self._selector.close()
        self._connection.close()


def dial(policy: Policy, host: str, port: int, *, ports: frozenset[int], timeout: float) -> Stream:
    """Connect to an address.

    Raises Unavailable, or Misconfigured for an address that the policy forbids.
    """
    try:
        return Stream(policy.connect(host, port, timeout=timeout, ports=ports), timeout)
    except OSError as error:
        raise Unavailable("connect") from error
