"""Access tokens: fetched once by one worker ahead of time, shared by all, and renewed at once when the provider says so."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from chalicelib.domain.errors import ProviderError, Unavailable
from chalicelib.domain.provider_io import Token
from chalicelib.ports import Tokens

LEASE = 15  # seconds for one fetch
AFTER_FAILURE = 1  # seconds until the next worker may ask a provider that gave none: sooner than others lose their patience
PATIENCE = (0.1, 0.2, 0.4, 0.8)  # seconds between looks for what another worker fetches
AHEAD = 0.1  # of a token's life: from then on it is renewed

Fetch = Callable[[], Token]


def expiring_token(value: str, seconds: float, now: int) -> Token:
    """A token that was given for so many seconds: it counts as expired a little before."""
    life = max(0.0, seconds - min(60.0, seconds * 0.05)) * 1000
    return Token(value, now + int(life), now + int(life * (1 - AHEAD)))


class AccessTokens:
    """What a provider asks for its tokens. Held in memory between jobs; the store decides between workers."""

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
        """A token that lives. `fetch` is called by one worker at a time; raises what it raises, or Unavailable while another is slow."""
        return self.token(name, fetch).value

    def token(self, name: str, fetch: Fetch) -> Token:
        """The same with its times."""
        held = self._held.get(name)
        if held is not None and self.now < held.renew:
            return held
        return self._wait(name, fetch, "")

    def renew(self, name: str, bad: str, fetch: Fetch) -> str:
        """Another token than `bad`, which the provider no longer knows. Who else finds out meanwhile gets the same new one."""
        self._held.pop(name, None)
        return self._wait(name, fetch, bad).value

    def keep(self, name: str, token: Token) -> None:
        """What the provider handed over without being asked."""
        self._store.write(name, token)
        self._held[name] = token

    def read(self, name: str) -> str | None:
        """What is kept under a name and lives."""
        found = self._store.read(name)
        return found.value if found is not None and self.now < found.expires else None

    def _wait(self, name: str, fetch: Fetch, bad: str) -> Token:
        for pause in (*PATIENCE, None):
            stored = self._store.read(name)
            usable = (
                stored
                if stored is not None and stored.value != bad and self.now < stored.expires
                else None
            )
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
        """When the provider gives no new one, the old one is used as long as it lives; the lease keeps others from asking at once.

        Where there is none to use, the next worker asks soon, but not before the provider's own hint: one at a time, one a second.
        """
        try:
            fresh = fetch()
        except ProviderError as error:
            if usable is not None:
                return usable
            self._store.give_back(
                name, min(LEASE, max(AFTER_FAILURE, math.ceil(error.retry_after or 0)))
            )
            raise
        self._store.write(name, fresh)
        return fresh

    def _hold(self, name: str, token: Token) -> Token:
        self._held[name] = token
        return token


class MemoryTokens:
    """Implements Tokens for one process: for a provider that stands alone, such as a command or a test."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._stored: dict[str, Token] = {}
        self._leases: dict[str, float] = {}

    def read(self, name: str) -> Token | None:
        found = self._stored.get(name)
        return found if found is not None and self._now() * 1000 < found.expires else None

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
