"""A deployed stage as the smoke test reaches it: over HTTP, as any client does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

TIMEOUT = 30.0
CACHED = 30.0  # seconds after which every function knows a changed setting (SETTINGS_CACHE is 10)
PAUSE = 1.0


class Failed(Exception):
    """Raised with the reason for which a check failed."""


@dataclass(frozen=True)
class Api:
    """The HTTP API for one caller. `pair` is a key and its secret, or None."""

    url: str
    pair: tuple[str, str] | None = field(default=None, repr=False)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return requests.request(
            method,
            self.url + path,
            json=body,
            auth=self.pair,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
        )

    def ask(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Return the answer's body. Raise Failed unless it is a success."""
        answer = self.call(method, path, body, headers)
        if not answer.ok:
            raise Failed(f"{method} {path}: {answer.status_code} {answer.text[:300]}")
        return dict(answer.json()) if answer.content else {}


@dataclass(frozen=True)
class Target:
    """A stage and an access key for it. `local` describes a local stack."""

    stage: str
    url: str
    pair: tuple[str, str] = field(repr=False)
    local: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def anybody(self) -> Api:
        return Api(self.url)

    @property
    def admin(self) -> Api:
        return Api(self.url, self.pair)


def eventually(read: Callable[[], dict[str, Any] | None], seconds: float, expected: str) -> Any:
    """Return what `read` returns as soon as it is not None. Raise Failed after `seconds`."""
    until = time.monotonic() + seconds
    while (answer := read()) is None:
        if time.monotonic() > until:
            raise Failed(f"not within {seconds:.0f} s: {expected}")
        time.sleep(PAUSE)
    return answer


def settled(work: Callable[[], dict[str, Any]], seconds: float = CACHED) -> dict[str, Any]:
    """Repeat a call until every function knows the settings that were just made."""
    until = time.monotonic() + seconds
    while True:
        try:
            return work()
        except Failed:
            if time.monotonic() > until:
                raise
        time.sleep(PAUSE)
