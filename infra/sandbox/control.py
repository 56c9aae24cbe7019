"""The sandbox's own routes, under `/_sandbox`: accounts, calls, sends, receipts and contents."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from aiohttp import web

from infra.sandbox import screens
from infra.sandbox.accounts import Account, Event
from infra.sandbox.calllog import Received
from infra.sandbox.smtp.server import readable
from infra.sandbox.vendor import Core

PAGE, MAX_PAGE, MAX_NEWEST = 100, 1000, 100

Verifier = Callable[[Account], Awaitable[bool]]
Writer = Callable[[str, str], Event]


class Forgetful(Protocol):
    """A part with memories of calls."""

    def clear(self) -> None: ...


class Control:
    """The control routes.

    `verifiers` are the providers that test a webhook's address before they accept it.
    `replies` write a person's reply in a provider's format. /health returns `about`.
    """

    def __init__(
        self,
        core: Core,
        providers: Sequence[Forgetful],
        verifiers: Mapping[str, Verifier],
        replies: Mapping[str, Writer],
        about: Mapping[str, Any],
        certificate: str,
    ) -> None:
        self._core, self._providers = core, providers
        self._verifiers, self._replies = verifiers, replies
        self._about, self._certificate = about, certificate

    def routes(self) -> Sequence[web.RouteDef]:
        return [
            web.get("/_sandbox/health", self.health),
            web.get("/_sandbox/certificate", self.certificate),
            web.post("/_sandbox/accounts", self.register),
            web.post("/_sandbox/replies", self.reply),
            web.get("/_sandbox/calls", self.calls),
            web.delete("/_sandbox/calls", self.clear),
            web.get("/_sandbox/sends", self.sends),
            web.get("/_sandbox/receipts", self.receipts),
            web.get("/_sandbox/inbox", self.inbox),
            web.post("/_sandbox/inbox", self.newest),
        ]

    async def health(self, request: web.Request) -> web.Response:
        return web.json_response({"status": "ok", **self._about})

    async def certificate(self, request: web.Request) -> web.Response:
        return web.Response(text=self._certificate, content_type="application/x-pem-file")

    async def register(self, request: web.Request) -> web.Response:
        try:
            raw = json.loads(await request.read())
            if not isinstance(raw, dict):
                raise ValueError("the body must be an object")
            account = self._core.accounts.register(raw)
        except ValueError as error:
            return _error(str(error))
        if raw.get("verify") is True:
            verify = self._verifiers.get(account.provider)
            if verify is None or account.webhook_url is None:
                return _error("there is no webhook to verify, or this provider verifies none")
            if not await verify(account):
                account.webhook_url = None
                return _error("the webhook did not send back echostr; it is not used")
        return web.json_response(
            {
                "provider": account.provider,
                "app_key": account.app_key,
                "webhook_url": account.webhook_url,
            }
        )

    async def reply(self, request: web.Request) -> web.Response:
        """Let a person write back: the account's webhook gets the reply, or it waits for a poll."""
        try:
            raw = json.loads(await request.read())
            provider, app_key, contact, text = (
                raw[name] for name in ("provider", "app_key", "contact", "text")
            )
            write = self._replies[provider]
            if not all(isinstance(value, str) and value for value in (app_key, contact, text)):
                raise ValueError("not a text")
        except (ValueError, TypeError, KeyError):
            names = ", ".join(self._replies)
            return _error(f"provider (one of {names}), app_key, contact and text must be texts")
        self._core.receipts.send_reply(
            self._core.accounts.get(provider, app_key), write(contact, text)
        )
        return web.Response(status=204)

    async def calls(self, request: web.Request) -> web.Response:
        provider, contact = request.query.get("provider"), request.query.get("contact")
        if contact is not None:
            listed, more = self._core.log.calls_of(contact, provider), None
        else:
            try:
                after = int(request.query.get("after", "-1"))
                limit = int(request.query.get("limit", str(PAGE)))
            except ValueError:
                return _error("after and limit must be numbers")
            listed, more = self._core.log.calls(
                provider, max(-1, after), max(1, min(limit, MAX_PAGE))
            )
        answer = {"calls": listed, "after": more, "totals": self._core.log.totals(provider)}
        if contact is not None:
            answer["sends"] = {contact: self._core.log.sends_to(contact, provider)}
        return web.json_response(answer)

    async def clear(self, request: web.Request) -> web.Response:
        self._core.clear()
        for provider in self._providers:
            provider.clear()
        return web.Response(status=204)

    async def sends(self, request: web.Request) -> web.Response:
        return web.json_response(self._core.log.sends(request.query.get("provider")))

    async def receipts(self, request: web.Request) -> web.Response:
        counts = self._core.outbox.counts()
        for provider, pending in self._core.receipts.pending().items():
            counts[provider]["pending"] += pending
        return web.json_response(counts)

    async def inbox(self, request: web.Request) -> web.Response:
        contact = request.query.get("contact")
        if not contact:
            return _error("contact is required")
        messages = self._core.log.inbox(contact, request.query.get("provider"))
        return web.json_response({"messages": [_shown(*message) for message in messages]})

    async def newest(self, request: web.Request) -> web.Response:
        """Return messages to all contacts, or to those in the body, newest first."""
        try:
            raw = json.loads(await request.read() or b"{}")
            types, contacts = (frozenset(map(str, raw.get(name, ()))) for name in _SETS)
            before, limit = int(raw.get("before", 0)), int(raw.get("limit", PAGE))
        except (ValueError, TypeError, AttributeError):
            return _error("types and contacts must be lists, before and limit numbers")
        listed = self._core.log.newest(
            types, contacts, max(0, before), max(1, min(limit, MAX_NEWEST))
        )
        return web.json_response({"messages": list(map(screens.shown, listed))})


_SETS = ("types", "contacts")


def _shown(provider: str, message: Received) -> dict[str, Any]:
    content = message.content
    return {
        "provider": provider,
        "time": message.time,
        "provider_id": message.provider_id,
        "content": readable(content) if isinstance(content, bytes) else content,
    }


def _error(text: str) -> web.Response:
    return web.json_response({"error": text}, status=400)
