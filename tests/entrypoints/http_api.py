"""Requests as an HTTP API hands them on: events of payload 2.0, written from AWS's documents.

Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda
(November 2026).
"""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

TEXT = ("application/json", "application/xml", "application/javascript")


@dataclass
class Reply:
    status_code: int
    headers: dict[str, str]
    body: bytes


def decoded(path: str) -> str:
    """Decode a path once, except for `%25`."""
    return unquote(path.replace("%25", "%2525"))


def event(method: str, path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Build an event."""
    raw_path, _, query = path.partition("?")
    lower = {name.lower(): value for name, value in headers.items()}
    path = decoded(raw_path)
    media = lower.get("content-type", "").partition(";")[0].strip().lower()
    is_text = media.startswith("text/") or media in TEXT
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": query,
        "headers": lower,
        "requestContext": {
            "http": {"method": method, "path": path, "sourceIp": "192.0.2.1", "userAgent": "t"},
            "requestId": "JKJaXmPLvHcESHA=",
            "stage": "$default",
        },
        "isBase64Encoded": not is_text,
    }
    if body:
        text = body.decode(errors="replace") if is_text else base64.b64encode(body).decode()
        event["body"] = text
    return event


def request(
    app: Any, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> Reply:
    answer = app(event(method, path, headers, body), None)
    raw = answer.get("body") or ""
    content = base64.b64decode(raw) if answer.get("isBase64Encoded") else raw.encode()
    headers = dict(answer["headers"])
    if headers.pop("Content-Encoding", "") == "gzip":
        content = gzip.decompress(content)
    return Reply(answer["statusCode"], headers, content)
