"""Access tokens of vendors that answer `{"errcode", "errmsg"}`.

An id and a secret obtain a token. Every call needs the token, and time ends it.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web

from infra.sandbox.accounts import Account
from infra.sandbox.calllog import Call, Result
from infra.sandbox.vendor import Core, Refusal, endpoint


def error(
    code: int,
    text: str,
    *,
    result: Result = Result.REFUSED,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Refusal:
    """Build a refusal with status 200, as these vendors answer errors."""
    return Refusal(
        200, code, {"errcode": code, "errmsg": text, **more}, result=result, headers=headers
    )


class AccessTokens:
    """Tokens of the accounts. An account has one living token, which every request returns."""

    def __init__(self, core: Core, provider: str) -> None:
        self._core, self._provider = core, provider
        self._issued: dict[str, Account] = {}

    def answer(
        self,
        request: web.Request,
        id_field: str,
        secret_field: str,
        bad_id: Refusal,
        bad_secret: Refusal,
    ) -> web.Response:
        """Answer a token request that has id and secret in its query."""
        call = Call(
            provider=self._provider,
            endpoint=endpoint(request, self._provider),
            outcome=Result.ACCEPTED,
        )
        app_key = request.query.get(id_field, "")
        if not app_key or ":" in app_key:
            raise bad_id.about(call)
        account, is_right = self.issue(app_key, request.query.get(secret_field, ""))
        call = replace(call, account=app_key)
        if not is_right:
            raise bad_secret.about(call)
        self._core.log.add(call)
        return web.json_response({"errcode": 0, "errmsg": "ok", **self.fields(account)})

    def issue(self, app_key: str, secret: str) -> tuple[Account, bool]:
        """Return the account, and True if the secret is right. Unregistered accounts take any."""
        account = self._core.accounts.get(self._provider, app_key)
        expected = account.master_secret
        if not secret or (
            expected is not None and not hmac.compare_digest(expected.encode(), secret.encode())
        ):
            return account, False
        if time.time() >= account.token_ends:
            account.access_token = secrets.token_urlsafe(48)
            account.token_ends = time.time() + account.token_life
            self._issued[account.access_token] = account
        return account, True

    def fields(self, account: Account) -> dict[str, Any]:
        seconds = max(1, round(account.token_ends - time.time()))
        return {"access_token": account.access_token, "expires_in": seconds}

    def holder(self, token: str) -> tuple[Account | None, bool]:
        """Return the account of a token, and True if the token still lives."""
        account = self._issued.get(token)
        if account is None:
            return None, False
        return account, account.access_token == token and time.time() < account.token_ends


def texts_of(value: Any) -> list[str]:
    """Return every text in a content, for the person who opens its first link."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    texts: list[str] = []
    if isinstance(value, list):
        for member in value:
            texts += texts_of(member)
    return texts
