"""How many requests an access channel may make in a second, whatever number of containers serves them.

A container serves one request at a time. The first of a second costs nothing: it is counted when a second one comes, with a share of
permits for more, so that a burst costs one write per `SHARE` requests and a lone request none. So at most one request per container and
second goes uncounted, and at most `SHARE` permits per container go unused: the limit is kept to about as many requests as there are
containers at work.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.ports import Clock, Counters

KEPT = 3600  # seconds for which a second's counter stays
SHARE = 10  # permits that a container takes at once; of small limits a fiftieth
CHANNELS = 256  # that a container remembers


class Permit(NamedTuple):
    """Whether a request may be served, and what is said of it. `reset`: seconds until the next window."""

    granted: bool
    limit: int
    remaining: int
    reset: int = 1

    @property
    def headers(self) -> dict[str, str]:
        """Both spellings that UMS and JPush have."""
        texts = {
            "Limit": self.limit,
            "Quota": self.limit,
            "Remaining": self.remaining,
            "Reset": self.reset,
        }
        return {f"X-Rate-Limit-{name}": str(value) for name, value in texts.items()}


@dataclass
class _Window:
    second: int
    uncounted: int = 1
    permits: int = 0
    left: int = 0  # of this second's, as far as this container knows


class Limiter:
    """For the life of a container."""

    def __init__(self, counters: Counters, clock: Clock, limit: int) -> None:
        self.counters, self._clock, self._limit = counters, clock, limit
        self._windows: OrderedDict[str, _Window] = OrderedDict()

    def admit(self, name: str, own: int | None = None) -> Permit:
        """`own`: a limit of its own."""
        limit = self._limit if own is None else own
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
        """A share, or what is left of the second."""
        counter = keys.join("rate", name, window.second)
        wanted = min(limit, max(1, min(SHARE, limit // 50)) + window.uncounted)
        granted, window.left = self.counters.take(counter, wanted, limit, window.second + KEPT)
        if not granted and window.left:
            wanted = window.left
            granted, window.left = self.counters.take(counter, wanted, limit, window.second + KEPT)
        window.permits = max(0, wanted - window.uncounted) if granted else 0
        window.uncounted = 0

    def _remember(self, name: str, window: _Window) -> None:
        self._windows[name] = window
        self._windows.move_to_end(name)
        if len(self._windows) > CHANNELS:
            self._windows.popitem(last=False)
