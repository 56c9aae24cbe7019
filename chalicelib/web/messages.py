"""An outgoing HTTP request, its response, and the transport that exchanges them."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from chalicelib.domain.values import frozen

MAX_RESPONSE_BYTES = 4 * 1024 * 1024  # an answer for 1,000 recipients is about 100 KB


@frozen
class Request:
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    most: int = MAX_RESPONSE_BYTES  # of the answer's body


@frozen
class Response:
    """A response. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def json(self) -> Any:
        """Return the body as JSON, or None for other bodies."""
        try:
            return jsonlib.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Transport(Protocol):
    """Interface of one HTTP exchange. Tests put a fake in its place."""

    def send(self, request: Request, timeout: float) -> Response:
        """Make one exchange within `timeout` seconds in all, without following redirects.

        Raises Misconfigured or Unavailable if nothing was sent, and Uncertain if the answer did not
        come.
        """
