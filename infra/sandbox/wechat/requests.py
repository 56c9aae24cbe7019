"""Requests to WeChat, read and logged: an access token in the address, JSON in the body."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox.access_tokens import AccessTokens
from infra.sandbox.accounts import Account
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, endpoint
from infra.sandbox.wechat import rules


class Requests:
    def __init__(self, core: Core, name: str, tokens: AccessTokens) -> None:
        self._core, self._name, self._tokens = core, name, tokens

    async def read(self, request: web.Request) -> tuple[Call, dict[str, Any]]:
        call = self.begun(request)
        try:
            body = json.loads(await request.read())
        except (ValueError, RecursionError):
            raise rules.error(47001).about(call) from None
        if not isinstance(body, dict):
            raise rules.error(47001).about(call)
        return call, body

    def begun(self, request: web.Request) -> Call:
        return Call(
            provider=self._name, endpoint=endpoint(request, self._name), outcome=Result.ACCEPTED
        )

    def holder(self, request: web.Request, call: Call) -> Account:
        """Return the account of the token in the address. Raises Refusal."""
        query = request.query
        token = query.get("access_token") or query.get("component_access_token")
        if not token:
            raise rules.error(41001).about(call)
        account, alive = self._tokens.holder(token)
        if account is None:
            raise rules.error(40001).about(call)
        if not alive:
            raise rules.error(42001).about(replace(call, account=account.app_key))
        return account

    def answer(self, call: Call, account: str, body: dict[str, Any]) -> web.Response:
        self._core.log.add(replace(call, account=account))
        return web.json_response(body)
