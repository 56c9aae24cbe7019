"""Access tokens of vendors that answer `{"errcode", "errmsg"}`: given for id and secret, wanted with each call, ended by time."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Mapping
from typing import Any

from infra.sandbox.accounts import Account, Accounts
from infra.sandbox.calllog import Result
from infra.sandbox.vendor import Refusal


def error(
    code: int,
    text: str,
    *,
    result: Result = Result.REFUSED,
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Refusal:
    """These vendors answer errors with status 200."""
    return Refusal(
        200, code, {"errcode": code, "errmsg": text, **more}, result=result, headers=headers
    )


class AccessTokens:
    """One token at a time per account; who asks again while it lives gets the same."""

    def __init__(self, accounts: Accounts, provider: str) -> None:
        self._accounts, self._provider = accounts, provider
        self._given: dict[str, Account] = {}

    def give(self, app_key: str, secret: str) -> tuple[Account, bool]:
        """The account, and whether the secret is its own; any is until the account is registered."""
        account = self._accounts.get(self._provider, app_key)
        expected = account.master_secret
        if not secret or (
            expected is not None and not hmac.compare_digest(expected.encode(), secret.encode())
        ):
            return account, False
        if time.time() >= account.token_ends:
            account.access_token, account.token_ends = (
                secrets.token_urlsafe(48),
                time.time() + account.token_life,
            )
            self._given[account.access_token] = account
        return account, True

    def answer(self, account: Account) -> dict[str, Any]:
        seconds = max(1, round(account.token_ends - time.time()))
        return {
            "errcode": 0,
            "errmsg": "ok",
            "access_token": account.access_token,
            "expires_in": seconds,
        }

    def holder(self, token: str) -> tuple[Account | None, bool]:
        """Whose token it is, and whether it still lives."""
        account = self._given.get(token)
        return (
            account,
            account is not None
            and account.access_token == token
            and time.time() < account.token_ends,
        )


def texts_of(value: Any) -> list[str]:
    """Every text in a content, for the person who opens its first link."""
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [text for each in inner for text in texts_of(each)]
