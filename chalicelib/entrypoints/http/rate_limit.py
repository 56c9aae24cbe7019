"""The rate limit of callers: requests a second of each, over all containers.

A container serves one request at a time. The first request of a second costs nothing. It is counted
when a second request comes, together with a share of permits for more. So a burst costs one write
per `SHARE` requests, and a lone request none. At most one request per container and second stays
uncounted, and at most `SHARE` permits per container stay unused. The limit is therefore kept to
about as many requests as there are busy containers.
"""

from __future__ import annotations

from collections import OrderedDict

from chalicelib.domain import keys
from chalicelib.domain.values import frozen
from chalicelib.ports import Clock, Counters

KEPT = 3600  # seconds for which a second's counter stays
SHARE = 10  # permits that a container takes at once, or a fiftieth of a small limit
CALLERS = 256  # that a container remembers


@frozen
class Permit:
    """The decision on a request, with its headers. `reset`: seconds until the next window."""

    granted: bool
    limit: int
    remaining: int
    reset: int = 1

    @property
    def headers(self) -> dict[str, str]:
        """Return the headers in the spellings of UMS (`Limit`) and of JPush (`Quota`)."""
        texts = {
            "Limit": self.limit,
            "Quota": self.limit,
            "Remaining": self.remaining,
            "Reset": self.reset,
        }
        return {f"X-Rate-Limit-{name}": str(value) for name, value in texts.items()}


class _Window:
    def __init__(self, second: int, left: int) -> None:
        self.second = second
        self.uncounted = 1
        self.permits = 0
        self.left = left  # requests of this second, as far as this container knows


class Limiter:
    """The limiter of a container, which lives as long as it."""

    def __init__(self, counters: Counters, clock: Clock, limit: int) -> None:
        self.counters, self._clock, self._limit = counters, clock, limit
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def admit(self, name: str, rate: int | None = None) -> Permit:
        """Decide on a request. `rate`: requests a second, if not the usual limit."""
        limit = self._limit if rate is None else rate
        second = self._clock.now() // 1000
        window = self._windows.get(name)
        if window is None or window.second != second:
            self._remember(name, _Window(second, left=limit - 1))
            return Permit(limit > 0, limit, max(0, limit - 1))
        if not window.permits and window.left > 0:
            self._take(name, window, limit)
        granted = window.permits > 0
        window.permits -= granted
        return Permit(granted, limit, window.left + window.permits)

    def _take(self, name: str, window: _Window, limit: int) -> None:
        """Take a share of permits, or the rest of the second's."""
        counter = keys.join("rate", name, window.second)
        share = min(limit, max(1, min(SHARE, limit // 50)) + window.uncounted)
        granted, window.left = self.counters.take(counter, share, limit, window.second + KEPT)
        if not granted and window.left:
            share = window.left
            granted, window.left = self.counters.take(counter, share, limit, window.second + KEPT)
        window.permits = max(0, share - window.uncounted) if granted else 0
        window.uncounted = 0

    def _remember(self, name: str, window: _Window) -> None:
        self._windows[name] = window
        self._windows.move_to_end(name)
        if len(self._windows) > CALLERS:
            self._windows.popitem(last=False)
