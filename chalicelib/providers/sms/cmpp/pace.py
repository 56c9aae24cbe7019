"""The rate of messages over an account: one for each number and part, as suppliers count them."""

from __future__ import annotations

import threading

from chalicelib.domain.errors import Throttled


class Pace:
    """Reservations of time, in the order of the requests. Several threads use it.

    `rate`: messages a second. 0: unlimited.
    """

    def __init__(self, rate: float) -> None:
        self.rate = rate
        self._lock, self._free = threading.Lock(), 0.0

    def reserve(self, messages: int, now: float, latest: float) -> float:
        """Return when the first of the messages may go. Raises Throttled if that is too late.

        All times are monotonic seconds.
        """
        if not self.rate:
            return now
        with self._lock:
            start = max(self._free, now)
            if start > latest:
                raise Throttled("rate_limit", retry_after=start - now)
            self._free = start + messages / self.rate
        return start

    def time_of(self, start: float, message: int) -> float:
        """Return when the n-th message of a reservation may go."""
        return start + message / self.rate if self.rate else start
