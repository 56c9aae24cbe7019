"""Access tokens, shared by all workers.

One worker fetches a token ahead of time. It is renewed at once when the provider refuses it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from chalicelib.domain.errors import ProviderError, Unavailable
from chalicelib.domain.provider_io import Token
from chalicelib.ports import Tokens

LEASE = 15  # seconds for one fetch
# Seconds until the next worker may ask a provider that gave no token.
# Less than the patience of the other workers.
AFTER_FAILURE = 1
PATIENCE = (0.1, 0.2, 0.4, 0.8)  # seconds between reads while another worker fetches
AHEAD = 0.1  # share of a token's life that is left when it is renewed

Fetch = Callable[[], Token]


def expiring_token(value: str, seconds: float, now: int) -> Token:
    """Return a token with a life in seconds. It counts as expired a little before."""
    life = max(0.0, seconds - min(60.0, seconds * 0.05)) * 1000
    return Token(value, now + int(life), now + int(life * (1 - AHEAD)))


class AccessTokens:
    """Access tokens of providers.

    Memory holds them between jobs. The store decides between workers.
    """

    def __init__(
        self,
        store: Tokens,
        now: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store, self._now, self._sleep = store, now, sleep
        self._held: dict[str, Token] = {}

    @property
    def now(self) -> int:
        return int(self._now() * 1000)

    def get(self, name: str, fetch: Fetch) -> str:
        """Return a valid token.

        One worker at a time calls `fetch`.

        Raises the errors of `fetch`, or Unavailable while another worker is slow.
        """
        return self.token(name, fetch).value

    def token(self, name: str, fetch: Fetch) -> Token:
        """Return a valid token with its times, like `get`."""
        held = self._held.get(name)
        if held is not None and self.now < held.renew:
            return held
        return self._wait(name, fetch, "")

    def renew(self, name: str, bad: str, fetch: Fetch) -> str:
        """Return another token than `bad`, which the provider has refused.

        Workers that meet the same refusal meanwhile get the same new token.
        """
        self._held.pop(name, None)
        return self._wait(name, fetch, bad).value

    def keep(self, name: str, token: Token) -> None:
        """Keep a token that the provider sent unasked."""
        self._store.write(name, token)
        self._held[name] = token

    def read(self, name: str) -> str | None:
        """Return the kept token of a name while it is valid."""
        token = self._store.read(name)
        return token.value if token is not None and self.now < token.expires else None

    def _wait(self, name: str, fetch: Fetch, bad: str) -> Token:
        for pause in (*PATIENCE, None):
            stored = self._store.read(name)
            usable = stored
            if stored is None or stored.value == bad or self.now >= stored.expires:
                usable = None
            if usable is not None and self.now < usable.renew:
                return self._hold(name, usable)
            if self._store.lease(name, LEASE):
                return self._hold(name, self._fetched(name, fetch, usable))
            if usable is not None:  # another worker renews it, while this one still lives
                return usable
            if pause is not None:
                self._sleep(pause)
        raise Unavailable("token_is_being_fetched", retry_after=1)

    def _fetched(self, name: str, fetch: Fetch, usable: Token | None) -> Token:
        """Fetch and keep a token.

        If the provider gives none, use the old one while it is valid.

        The lease keeps others from asking at once. Without an old token the next worker asks soon:
        one at a time, at most one a second, and not before the provider's own hint.
        """
        try:
            fresh = fetch()
        except ProviderError as error:
            if usable is not None:
                return usable
            wait = max(AFTER_FAILURE, math.ceil(error.retry_after or 0))
            self._store.give_back(name, min(LEASE, wait))
            raise
        self._store.write(name, fresh)
        return fresh

    def _hold(self, name: str, token: Token) -> Token:
        self._held[name] = token
        return token


class MemoryTokens:
    """Implements Tokens in one process: for a provider in a command or a test."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._stored: dict[str, Token] = {}
        self._leases: dict[str, float] = {}

    def read(self, name: str) -> Token | None:
        token = self._stored.get(name)
        return token if token is not None and self._now() * 1000 < token.expires else None

    def write(self, name: str, token: Token) -> None:
        self._stored[name] = token
        self._leases.pop(name, None)

    def lease(self, name: str, seconds: int) -> bool:
        if self._leases.get(name, 0.0) > self._now():
            return False
        self._leases[name] = self._now() + seconds
        return True

    def give_back(self, name: str, seconds: int) -> None:
        if name in self._leases:
            self._leases[name] = self._now() + seconds
