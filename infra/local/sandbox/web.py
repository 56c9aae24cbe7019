"""The HTTP side: requests, answers, accounts, and the sandbox's own calls under `/_sandbox`."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from infra.local.sandbox.journal import Journal
from infra.local.sandbox.posts import Account, Posts


@dataclass
class Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        try:
            return json.loads(self.body or b"{}")
        except ValueError:
            return None


@dataclass
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)


def basic(request: Request) -> tuple[str, str]:
    """User and password of the request; both empty when there are none."""
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    try:
        user, _, password = base64.b64decode(value, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return (user, password) if scheme.lower() == "basic" else ("", "")


class Sandbox:
    def __init__(self, late: float, hang: float) -> None:
        self.journal = Journal()
        self.posts = Posts(self.journal, late)
        self.hang = hang
        self.accounts: dict[tuple[str, str], Account] = {}

    def account(self, provider: str, app_key: str, secret: str) -> Account | None:
        """The account, whose secret must be right; one that nobody registered is opened with whatever it says."""
        if not app_key or not secret:
            return None
        found = self.accounts.setdefault((provider, app_key), Account(provider, app_key, secret))
        return found if found.master_secret == secret else None

    def own(self, request: Request) -> Reply:
        provider, contact = request.query.get("provider", ""), request.query.get("contact", "")
        match request.method, request.path:
            case "GET", "/_sandbox/health":
                return Reply(200, {"ok": True})
            case "GET", "/_sandbox/calls":
                return Reply(200, self.journal.described(provider, contact, int(request.query.get("start", "0"))))
            case "DELETE", "/_sandbox/calls":
                self.journal.clear()
                return Reply(200, {})
            case "GET", "/_sandbox/sends":
                return Reply(200, self.journal.sends.get(provider, {}))
            case "GET", "/_sandbox/receipts":
                return Reply(200, {p: dict(c) for p, c in self.journal.receipts.items()})
            case "GET", "/_sandbox/inbox":
                return Reply(200, self.journal.inbox.get(contact, []))
            case "POST", "/_sandbox/accounts":
                return self._register(request.json())
        return Reply(404, {"message": "no such resource; see docs/sandbox.md"})

    def _register(self, body: Any) -> Reply:
        if not isinstance(body, dict) or not {"provider", "app_key", "master_secret"} <= set(body):
            return Reply(400, {"message": "provider, app_key and master_secret are required"})
        batch = int(body.get("receipt_batch", 100 if body["provider"] == "jpush" else 1))
        account = Account(
            body["provider"], body["app_key"], body["master_secret"], body.get("webhook_url") or "", batch,
            float(body.get("receipt_delay", 0)), float(body.get("trickle", 0)),
        )  # fmt: skip
        self.accounts[account.provider, account.app_key] = account
        return Reply(200, {"provider": account.provider, "app_key": account.app_key})


Handler = Callable[[Sandbox, Request], Awaitable[Reply]]


def application(box: Sandbox, providers: Mapping[str, Handler]) -> Callable[..., Awaitable[None]]:
    """The ASGI application: `/<provider>/…` is the provider's, `/_sandbox/…` ours."""

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        reply = await _answer(box, providers, await _read(scope, receive))
        body = json.dumps(reply.body, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/json; charset=utf-8"),
            *((k.lower().encode(), v.encode()) for k, v in reply.headers.items()),
        ]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


async def _answer(box: Sandbox, providers: Mapping[str, Handler], request: Request) -> Reply:
    first, _, rest = request.path.lstrip("/").partition("/")
    if first not in providers:
        return box.own(request)
    request.path = "/" + rest
    return await providers[first](box, request)


async def _read(scope: dict[str, Any], receive: Any) -> Request:
    body, more = b"", True
    while more:
        event = await receive()
        body, more = body + event.get("body", b""), event.get("more_body", False)
    headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Request(scope["method"], scope["path"], query, headers, body)


async def _lifespan(receive: Any, send: Any) -> None:
    while True:
        event = await receive()
        await send({"type": f"{event['type']}.complete"})
        if event["type"] == "lifespan.shutdown":
            return
