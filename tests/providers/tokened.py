"""Common code of tests of providers with access tokens: tokens on a test clock, and the vendor's
answers.
"""

from __future__ import annotations

from typing import Any

from chalicelib.providers.tokens import AccessTokens, MemoryTokens
from chalicelib.web.messages import Response
from tests.providers.scripted import reply


class Clock:
    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def tokens(clock: Clock | None = None) -> AccessTokens:
    clock = clock or Clock()
    return AccessTokens(MemoryTokens(clock), clock, lambda seconds: None)


def token(value: str = "t1", **more: Any) -> Response:
    return reply({"errcode": 0, "errmsg": "ok", "access_token": value, "expires_in": 7200, **more})


def said(code: int | str, **more: Any) -> Response:
    return reply({"errcode": code, "errmsg": "words, hint: [1]", **more})
