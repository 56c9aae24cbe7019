"""Outgoing HTTP: what is sent and what came back. The connection itself is the transport's (web/transport.py), loaded with the
first request, so that a function which only checks settings or webhooks does not pay for importing it.
"""

from __future__ import annotations

import json as jsonlib
from base64 import b64encode
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from chalicelib.web.egress import Blocked, Policy
from chalicelib.web.messages import MAX_RESPONSE_BYTES, Request, Response, Transport


class Http:
    """An HTTP client for the life of a container; its connections are pooled."""

    def __init__(
        self, policy: Policy, timeout: float = 10.0, transport: Transport | None = None
    ) -> None:
        self.policy, self.timeout = policy, timeout
        self._transport = transport

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        data: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        most: int = MAX_RESPONSE_BYTES,
    ) -> Response:
        """Send a request; `json` or `data` (a form) is its body, `auth` is sent as Basic credentials. Raises as Transport does."""
        if self.policy.refusal(url) is not None:
            raise Blocked("egress_url")
        sent = {"accept": "application/json", **(headers or {})}
        body: bytes | None = None
        if json is not None:
            sent["content-type"] = "application/json; charset=utf-8"
            body = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
        elif data is not None:
            sent["content-type"] = "application/x-www-form-urlencoded"
            body = urlencode(data).encode("ascii")
        if auth is not None:
            sent["authorization"] = basic(*auth)
        if params:
            url += ("&" if urlsplit(url).query else "?") + urlencode(params)
        return self._open().send(Request(method, url, sent, body, most), self.timeout)

    def _open(self) -> Transport:
        if self._transport is None:
            from chalicelib.web.transport import RequestsTransport

            self._transport = RequestsTransport(self.policy)
        return self._transport


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")
