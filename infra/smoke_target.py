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
Send = Callable[..., requests.Response]


class Failed(Exception):
    """Raised with the reason for which a check failed."""


@dataclass(frozen=True)
class Clock:
    """A clock, and how to wait by it."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


CLOCK = Clock()


@dataclass(frozen=True)
class Api:
    """The HTTP API for one caller. `pair` is a key and its secret, or None."""

    url: str
    pair: tuple[str, str] | None = field(default=None, repr=False)
    send: Send = field(default=requests.request, repr=False)

    def call(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> requests.Response:
        return self.send(
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
    send: Send = field(default=requests.request, repr=False)
    clock: Clock = CLOCK

    def api(self, pair: tuple[str, str] | None) -> Api:
        return Api(self.url, pair, self.send)

    @property
    def anybody(self) -> Api:
        return self.api(None)

    @property
    def admin(self) -> Api:
        return self.api(self.pair)


def eventually(
    read: Callable[[], dict[str, Any] | None], seconds: float, expected: str, clock: Clock = CLOCK
) -> Any:
    """Return what `read` returns as soon as it is not None. Raise Failed after `seconds`."""
    until = clock.now() + seconds
    while (answer := read()) is None:
        if clock.now() > until:
            raise Failed(f"not within {seconds:.0f} s: {expected}")
        clock.sleep(PAUSE)
    return answer


def settled(work: Callable[[], dict[str, Any]], clock: Clock = CLOCK) -> dict[str, Any]:
    """Repeat a call until every function knows the settings that were just made."""
    until = clock.now() + CACHED
    while True:
        try:
            return work()
        except Failed:
            if clock.now() > until:
                raise
        clock.sleep(PAUSE)
