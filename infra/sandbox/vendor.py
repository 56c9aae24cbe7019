"""The common part of HTTP providers: refusals in the vendor's format, Basic credentials."""

from __future__ import annotations

import asyncio
import base64
import hmac
import itertools
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn, Protocol

from aiohttp import web

from infra.sandbox.accounts import Account, Accounts
from infra.sandbox.behaviour import Troubles
from infra.sandbox.calllog import Call, CallLog, Result
from infra.sandbox.outbox import Outbox
from infra.sandbox.receipts import Receipts

MAX_BODY = 16 * 1024 * 1024


@dataclass(frozen=True)
class Options:
    """Options of the command line. Times are in seconds."""

    late: float = 30.0
    timeout_hang: float = 30.0
    retry_after: int = 2
    retry_first: float = 1.0
    host: str = "127.0.0.1"
    pace: float = 1.0  # the share of their own seconds that the gateway's waits take


@dataclass(frozen=True)
class Core:
    """The parts that all providers share."""

    options: Options
    log: CallLog
    troubles: Troubles
    accounts: Accounts
    outbox: Outbox
    receipts: Receipts

    def clear(self) -> None:
        """Forget all calls and receipts. Accounts stay registered."""
        self.log.clear()
        self.troubles.clear()
        self.accounts.clear()
        self.outbox.clear()
        self.receipts.clear()


class HttpProvider(Protocol):
    """A provider that is called over HTTP, under `/{name}`."""

    name: str

    def routes(self) -> Sequence[web.RouteDef]: ...

    def no_such(self, status: int) -> Refusal:
        """Return the vendor's refusal of an unknown path (404) or method (405)."""

    def clear(self) -> None: ...


class Refusal(Exception):
    """An error in the vendor's format, with the call for the log."""

    def __init__(
        self,
        status: int,
        code: int,
        body: Mapping[str, Any],
        *,
        result: Result = Result.REFUSED,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status, self.code, self.body, self.result = status, code, body, result
        self.headers = headers or {}
        self.call: Call | None = None
        self.contacts: Sequence[str] = ()

    def about(self, call: Call, contacts: Sequence[str] = ()) -> Refusal:
        """Add the call, as far as it was read, for the log."""
        self.call, self.contacts = call, contacts
        return self


def application(provider: HttpProvider, log: CallLog) -> web.Application:
    """Build the provider's routes. Refusals are answered in the vendor's format and logged."""

    @web.middleware
    async def answer_refusals(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refusal as error:
            refusal = error
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            refusal = provider.no_such(error.status)
        call = refusal.call or Call(
            provider=provider.name,
            endpoint=endpoint(request, provider.name),
            outcome=refusal.result,
        )
        log.add(replace(call, outcome=refusal.result, code=str(refusal.code)), refusal.contacts)
        return web.json_response(refusal.body, status=refusal.status, headers=refusal.headers)

    app = web.Application(middlewares=[answer_refusals], client_max_size=MAX_BODY)
    app.add_routes(provider.routes())
    return app


def endpoint(request: web.Request, provider: str) -> str:
    return f"{request.method} {request.path.removeprefix(f'/{provider}')}"


def basic_credentials(request: web.Request) -> tuple[str, str] | None:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    try:
        user, colon, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
    except ValueError:
        return None
    return (user, secret) if scheme.lower() == "basic" and colon and user and secret else None


def authenticated(core: Core, provider: str, request: web.Request) -> Account | None:
    """Return the account of the request's Basic credentials.

    Any secret is right until the account is registered.
    """
    credentials = basic_credentials(request)
    if credentials is None:
        return None
    user, secret = credentials
    account = core.accounts.get(provider, user)
    expected = account.master_secret
    is_right = expected is None or hmac.compare_digest(expected.encode(), secret.encode())
    return account if is_right else None


async def never_answer(request: web.Request, seconds: float) -> NoReturn:
    """Keep a request waiting, and never answer it. Cut the connection after `seconds`.

    A client that gives up earlier cancels the wait.
    """
    await asyncio.sleep(seconds)
    if request.transport is not None:
        request.transport.abort()
    await asyncio.Event().wait()
    raise AssertionError


def new_ids() -> itertools.count[int]:
    """Return ids that differ from those of an earlier run, and that JSON numbers hold exactly."""
    return itertools.count(int(time.time() * 1000) * 1000)


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
