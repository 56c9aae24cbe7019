"""Events of an HTTP API as requests of the console, and its replies as answers."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from chalicelib import observability
from chalicelib.console.door import Api, ApiError, Person, Reply, Request
from chalicelib.domain.members import MEMBERS
from chalicelib.entrypoints.http import problems
from chalicelib.entrypoints.http.console import forms
from chalicelib.entrypoints.http.console.api import MemberApi, api_error
from chalicelib.entrypoints.http.console.sessions import MemberSessions
from chalicelib.entrypoints.http.errors import PARAMETER, Refused
from chalicelib.entrypoints.http.language import Language, preferred
from chalicelib.entrypoints.http.payload import Event, payload_2
from chalicelib.ports import World

ROOT = "/console"
FAULT = "<!doctype html><title>OpenUMS</title><p>{text}</p><p><code>{request}</code></p>"


class WorldDoor:
    """Implements console.door.Door."""

    def __init__(self, world: World, language: str = "en") -> None:
        self._world = world
        self.utc_offset = world.limits.utc_offset
        self.currency = world.limits.currency
        self.public_url = world.limits.public_url
        self.submit_within = world.limits.submit_within
        self.sandbox_url = world.sandbox.url
        self.sessions = MemberSessions(world, language)

    def now(self) -> int:
        return self._world.clock.now()

    def api(self, person: Person, language: str) -> Api:
        member = self._world.records.of(MEMBERS).get(person.key)
        if member is None:
            raise LookupError("the member is gone")
        return MemberApi(self._world, member, language)

    def read(self, asked: Request, language: str, *, takes_files: bool) -> Request:
        try:
            return forms.read(asked, takes_files=takes_files)
        except Refused as error:
            raise api_error(error, language) from error

    def language(self, accepted: str) -> str:
        return preferred(accepted, default=Language.CHINESE).value


def answer(world: World, event: Event) -> Event:
    """Answer an event. It sees what other containers have just written."""
    from chalicelib.console import app

    begin = time.monotonic()
    headers: Mapping[str, str] = {}
    try:
        asked = request(event)
        headers = asked.headers
        world.records.forget()
        language = asked.cookies.get("lang", "")
        accepted = headers.get("accept-language", "")
        known = language if language in ("zh", "en") else _language(accepted)
        reply = app.serve(WorldDoor(world, known), asked)
    except Exception as error:  # noqa: BLE001 the last resort of a request
        reply = _fault(event, error)
    if reply.is_refusal or reply.status == HTTPStatus.FORBIDDEN:
        observability.security("page_refused", method=event["requestContext"]["http"]["method"])
    elapsed = round((time.monotonic() - begin) * 1000)
    of_request = observability.bound("route", "source")
    observability.event("page_served", **of_request, status=reply.status, ms=elapsed)
    return _payload(reply, headers.get("accept-encoding", ""))


def _language(accepted: str) -> str:
    return preferred(accepted, default=Language.CHINESE).value


def request(event: Event) -> Request:
    """Read an event of payload 2.0. Its form waits for a page that takes it. Raises Refused."""
    headers = {name.lower(): str(value) for name, value in (event.get("headers") or {}).items()}
    http = event["requestContext"]["http"]
    body = event.get("body") or ""
    try:
        raw = base64.b64decode(body) if event.get("isBase64Encoded") else body.encode()
    except ValueError:  # half surrogate pairs, or broken base64
        raise Refused(PARAMETER, "cannot be read", "无法读取", field="body") from None
    path = event["rawPath"].removeprefix(ROOT) or "/"
    query = parse_qsl(event.get("rawQueryString", ""), keep_blank_values=True)[:100]
    return Request(
        method=http["method"],
        path=path,
        query=dict(query),
        body=raw,
        cookies=_cookies(event.get("cookies") or headers.get("cookie", "").split(";")),
        headers=headers,
        source=str(http.get("sourceIp", "")),
    )


def _cookies(texts: list[str]) -> Mapping[str, str]:
    pairs = (text.strip().partition("=") for text in texts)
    return {name: value for name, _, value in pairs if name}


def _fault(event: Event, error: Exception) -> Reply:
    """Answer an error that nobody expected. It is logged under the request's id.

    A refusal comes here if the page that explains it cannot be shown either.
    """
    from chalicelib.console import app

    if isinstance(error, ApiError):
        status, after, text = error.status, error.seconds, error.problems[0].reason
    else:
        described = problems.problem(error)
        status, after = described.status, described.retry_after
        text = described.errors[0].message
    request_id = str(event["requestContext"].get("requestId", ""))
    headers = {"Retry-After": str(after)} if after else {}
    page = FAULT.format(text=escape(text), request=request_id)
    return app.secured(Reply(status, page, headers=headers))


def _payload(reply: Reply, accepted: str) -> Event:
    headers = {"Content-Type": reply.media, **reply.headers}
    plain: dict[str, Any] = {"statusCode": reply.status, "headers": headers}
    plain["multiValueHeaders"] = {"Set-Cookie": list(reply.cookies)} if reply.cookies else {}
    if isinstance(reply.body, bytes):
        encoded = base64.b64encode(reply.body).decode()
        return payload_2({**plain, "body": encoded, "isBase64Encoded": True}, accepted)
    return payload_2({**plain, "body": reply.body}, accepted)
