"""Outgoing HTTP: requests and responses.

The transport (web/transport.py) makes the connections. It is loaded with the first request: a
function that only checks settings or webhooks does not pay for the import.
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
    """An HTTP client for the life of a container. Its connections are pooled."""

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
        raw: bytes | None = None,
        most: int = MAX_RESPONSE_BYTES,
    ) -> Response:
        """Send a request.

        Raises as Transport does.

        `json`, `data` (a form) or `raw` is the body. `auth` is sent as Basic credentials.
        """
        if self.policy.refusal(url) is not None:
            raise Blocked("egress_url")
        content_type, body = _encode(json, data)
        all_headers = {"accept": "application/json", **(headers or {}), **content_type}
        if auth is not None:
            all_headers["authorization"] = basic(*auth)
        if params:
            url += ("&" if urlsplit(url).query else "?") + urlencode(params)
        body = raw if body is None else body
        return self._open().send(Request(method, url, all_headers, body, most), self.timeout)

    def _open(self) -> Transport:
        if self._transport is None:
            from chalicelib.web.transport import RequestsTransport

            self._transport = RequestsTransport(self.policy)
        return self._transport


def basic(user: str, password: str) -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode("ascii")


def _encode(json: Any, form: Mapping[str, str] | None) -> tuple[dict[str, str], bytes | None]:
    """Return the Content-Type header and the bytes of a body: JSON, a form, or none."""
    if json is not None:
        text = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":"))
        return {"content-type": "application/json; charset=utf-8"}, text.encode("utf-8")
    if form is not None:
        form_type = "application/x-www-form-urlencoded"
        return {"content-type": form_type}, urlencode(form).encode("ascii")
    return {}, None
