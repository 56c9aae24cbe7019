"""The app behind an HTTP API or a function URL, whose events (payload 2.0) Chalice cannot read.

Such an event becomes the event of a REST API, which Chalice knows. Routes are matched here, so
that an unknown path is answered in our own shape.
Source: docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda
(November 2026).
"""

from __future__ import annotations

import base64
import gzip
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs

from chalice.app import Chalice

from chalicelib import config
from chalicelib.entrypoints.http.contract import Auth, Contract
from chalicelib.entrypoints.http.errors import NO_ROUTE
from chalicelib.entrypoints.http.problems import problem, ums_error

Event = dict[str, Any]

COMPRESSED_FROM = 1024  # bytes. A REST API compresses by itself, an HTTP API does not

# Routes that providers post to.
RECEIPTS = ("/receipts/", "/v1/{type}/callback")
_FUNCTION_URL = ".lambda-url."  # in its domain

_PARAMETER = re.compile(r"\\\{(\w+)\\\}")
_MAY_HOLD_SLASHES = re.compile(r"(?<=<target>)\[\^/\]\+|\[\^/\]\+(?=\)$)")
_TEXT = re.compile(r"(text/|application/(json|problem\+json|javascript|xml)\b)")


class App(Chalice):  # type: ignore[misc]
    """Chalice's app for events of a REST API, an HTTP API and a function URL."""

    def __call__(self, event: Any, context: Any) -> Event:
        if is_payload_2(event):
            return self._answer(event, context)
        return dict(super().__call__(event, context))

    def _answer(self, event: Event, context: Any) -> Event:
        route = self._matcher.match(event["rawPath"], event["requestContext"]["http"]["method"])
        if route is None or (_is_function_url(event) and not self._is_for_urls(event, route[0])):
            language = str(event.get("headers", {}).get("accept-language", ""))
            answer = ums_error(problem(NO_ROUTE.refuse()), language).to_dict()
        else:
            answer = dict(super().__call__(rest_event(event, *route), context))
        return payload_2(answer, event.get("headers", {}).get("accept-encoding", ""))

    def _is_for_urls(self, event: Event, route: str) -> bool:
        """Tell if a function URL serves a route. It has no throttle for those who guess passwords.

        The function of receipts serves receipts. The API's serves those who know a long secret.
        """
        if config.is_receipts_function():
            return route.startswith(RECEIPTS)
        view = self.routes[route][event["requestContext"]["http"]["method"]].view_function
        contract: Contract | None = getattr(view, "contract", None)
        return contract is not None and contract.auth is Auth.CHANNEL

    @cached_property
    def _matcher(self) -> Matcher:
        """Match routes. They are complete when the first event comes."""
        return Matcher(self.routes)


class Matcher:
    """Routes as patterns, by the first part of their paths. Routes without parameters go first."""

    def __init__(self, routes: Mapping[str, Mapping[str, Any]]) -> None:
        self._fixed = {route: methods for route, methods in routes.items() if "{" not in route}
        self._open: dict[str, list[tuple[Any, ...]]] = {}
        for route, methods in sorted(routes.items()):
            if "{" in route:
                compiled = (route, *_patterns(route), methods)
                self._open.setdefault(_first_part(route), []).append(compiled)

    def match(self, path: str, method: str) -> tuple[str, dict[str, str]] | None:
        """Return the route and the parameters of a path, or None.

        HTTP APIs decode paths before they come. A target, and any parameter at the end, may
        therefore hold slashes.
        """
        path = path.removesuffix("/") or "/"
        if path in self._fixed:
            return (path, {}) if method in self._fixed[path] else None
        for is_greedy in (False, True):
            for route, exact, greedy, methods in self._open.get(_first_part(path), ()):
                match = (greedy if is_greedy else exact).fullmatch(path)
                if match and method in methods:
                    return route, match.groupdict()
        return None


def _first_part(path: str) -> str:
    """Return the first part of a path. No route has a parameter there."""
    return path[1:].partition("/")[0]


def _patterns(route: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return the pattern of a route, and the pattern whose parameters may hold slashes."""
    exact = _PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(route))
    greedy = _MAY_HOLD_SLASHES.sub(".+", exact)
    return re.compile(exact, re.DOTALL), re.compile(greedy, re.DOTALL)


def is_payload_2(event: Any) -> bool:
    return (
        isinstance(event, dict)
        and event.get("version") == "2.0"
        and "http" in event.get("requestContext", {})
    )


def _is_function_url(event: Event) -> bool:
    return _FUNCTION_URL in event["requestContext"].get("domainName", "")


def rest_event(event: Event, route: str, parameters: Mapping[str, str]) -> Event:
    """Return an event of payload 2.0 as a REST API would have sent it."""
    query = parse_qs(event.get("rawQueryString", ""), keep_blank_values=True, errors="replace")
    headers = dict(event.get("headers") or {})
    if event.get("cookies"):
        headers["cookie"] = "; ".join(event["cookies"])
    return {
        "resource": route,
        "path": event["rawPath"],
        "httpMethod": event["requestContext"]["http"]["method"],
        "headers": headers,
        "multiValueHeaders": {name: [value] for name, value in headers.items()},
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(parameters) or None,
        "stageVariables": None,
        "requestContext": _rest_context(event["requestContext"], route),
        "body": event.get("body"),
        "isBase64Encoded": event.get("isBase64Encoded", False),
    }


def _rest_context(context: Event, route: str) -> Event:
    http = context["http"]
    return {
        "requestId": context.get("requestId", ""),
        "resourcePath": route,
        "httpMethod": http["method"],
        "path": http.get("path", ""),
        "stage": context.get("stage", ""),
        "identity": {
            "sourceIp": http.get("sourceIp", ""),
            "userAgent": http.get("userAgent", ""),
        },
    }


def payload_2(answer: Event, accepted: str) -> Event:
    """Return Chalice's answer as payload 2.0, compressed if the caller accepts that.

    `accepted` is the caller's Accept-Encoding.
    """
    repeated = {**(answer.pop("multiValueHeaders", None) or {})}
    cookies: list[str] = []
    headers = dict(answer.get("headers") or {})
    for name, values in repeated.items():
        if name.lower() == "set-cookie":
            cookies += values
        else:
            headers[name] = ", ".join(values)
    answer = {**answer, "headers": headers} | ({"cookies": cookies} if cookies else {})
    return _compressed(answer) if _accepts_gzip(accepted) else answer


def _accepts_gzip(accepted: str) -> bool:
    encodings = (encoding.strip().lower() for encoding in accepted.split(","))
    return any(
        encoding.split(";")[0].strip() == "gzip" and not _is_zero(encoding)
        for encoding in encodings
    )


def _is_zero(encoding: str) -> bool:
    """Tell whether an encoding is refused: `gzip;q=0`."""
    return re.search(r";\s*q=0(\.0*)?$", encoding) is not None


def _compressed(answer: Event) -> Event:
    headers, body = answer["headers"], answer.get("body") or ""
    lower = {name.lower(): str(value) for name, value in headers.items()}
    is_text = _TEXT.match(lower.get("content-type", ""))
    if answer.get("isBase64Encoded") or not is_text or "content-encoding" in lower:
        return answer
    raw = body.encode()
    if len(raw) < COMPRESSED_FROM:
        return answer
    packed = base64.b64encode(gzip.compress(raw, compresslevel=5, mtime=0)).decode()
    encoded = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return {**answer, "headers": headers | encoded, "body": packed, "isBase64Encoded": True}
