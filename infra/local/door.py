"""The way of a request through the HTTP API: MiniStack's gateway, and nothing before it.

MiniStack 1.5.33 asks a dozen other addresses first, and looks for the route twice. Its gateway
still finds the route, builds the event and calls the function.

A route with an authorizer, and a request that is not plain, take MiniStack's own way.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from email.utils import formatdate
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs

from infra.local.short_way import CHANGING, plain_headers

STAGE = "$default"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
OPEN = "NONE"  # the authorization of a route whose function decides by itself

Scope = Mapping[str, Any]
Answer = tuple[int, dict[str, Any], bytes | str]


def headers_of(scope: Scope) -> dict[str, str] | None:
    """Return the headers of a plain request, None for any other."""
    headers = plain_headers(scope)
    is_plain = (
        headers is not None
        and scope["method"] in METHODS
        and CHANGING.isdisjoint(headers)
        and not headers.get("authorization", "").startswith("AWS4-")
    )
    return headers if is_plain else None


class Door:
    """The gateway's answers to plain requests.

    The constructor raises AttributeError if an update of MiniStack lacks a name that it uses.
    """

    def __init__(self) -> None:
        from ministack import app
        from ministack.services import apigateway

        self._gateway, self._is_reset = apigateway, app._get_reset_lock
        self.send = app._send_response
        self._decoded = lru_cache(maxsize=1000)(apigateway.decode_http_api_path)
        for name in ("handle_execute", "logger", "route_authorization_type"):
            getattr(apigateway, name)
        _match_once(apigateway)

    async def answer(
        self, api: str, scope: Scope, headers: dict[str, str], body: bytes
    ) -> Answer | None:
        """Return the answer of an API to a plain request, None if it has to go the long way."""
        if int(headers.get("content-length", 0)) != len(body) or self._is_reset().locked():
            return None
        try:
            path = self._decoded(scope["raw_path"].decode("ascii"))
            query = scope["query_string"].decode()
            request = scope["method"], path
            if self._gateway.route_authorization_type(api, STAGE, *request) != OPEN:
                return None
        except (KeyError, UnicodeDecodeError):
            return None
        status, lines, content = await self._executed(
            *(api, STAGE, path, scope["method"], headers, body),
            parse_qs(query, keep_blank_values=True),
            raw_query_string=query,
        )
        lines.setdefault("apigw-requestid", base64.b64encode(os.urandom(11)).decode())
        if not any(name.lower() == "date" for name in lines):
            lines["Date"] = formatdate(usegmt=True)
        return status, lines, content

    async def _executed(self, *request: Any, **more: Any) -> Answer:
        try:
            answer: Answer = await self._gateway.handle_execute(*request, **more)
        except Exception as error:  # a function's answer that is none, as MiniStack reports it
            self._gateway.logger.exception("Error in execute-api dispatch: %s", error)
            failure = json.dumps({"message": str(error)}).encode()
            return 500, {"Content-Type": "application/json"}, failure
        return answer


def _match_once(gateway: Any) -> None:
    """Keep which paths a route's pattern matches. MiniStack builds the pattern for each request."""
    extract = lru_cache(maxsize=10_000)(gateway._extract_path_params)

    def extract_once(route_path: str, request_path: str) -> dict[str, str] | None:
        found = extract(route_path, request_path)
        return None if found is None else dict(found)

    gateway._extract_path_params = extract_once
