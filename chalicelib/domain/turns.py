"""Turns of a rate limit, and those that one container has reserved for sends to come.

A container reserves 1 turn, then 2, 4 and so on, up to those of a second. It never reserves more
than it needs in half of the wait, at the pace of the last ones. Turns that are left at their time
are lost to everyone. So a container that accepts few sends reserves one at a time.

Where calls need not wait, workers reserve turns for several jobs at once, which is cheaper. So a
container asks such a limit only for some of its sends: one of 2, of 3, of 5, up to one of 17.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

SHARE = 0.2  # of the rate is for urgent calls
SOON = 1000  # ms: a queue holds a message back for whole seconds
PASSED_BY = 16  # sends for which a limit without a wait is not asked


def share_of(rate: float, *, urgent: bool, others_wait: bool) -> float:
    """Return the calls per second of urgent calls, or of others."""
    if urgent:
        return rate * SHARE if others_wait else rate
    return rate * (1 - SHARE)


class Stock(NamedTuple):
    """A container's knowledge of a limit.

    `left` of `size` turns, reserved at a time (`since`, ms), may be used from another on (`at`).
    Or `passing` of `passed_by` sends are left to the workers.
    """

    since: int = 0
    at: int = 0
    left: int = 0
    size: int = 0
    passing: int = 0
    passed_by: int = 0

    def next_size(self, now: int, most: int) -> int:
        """Return how many turns to reserve: one, if the last ones were not used up in time."""
        needed = (self.at - now) * self.size // max(1, 2 * (now - self.since))
        return max(1, min(most, 2 * self.size, needed))


class TurnStock:
    """By limit, the turns that are left of the last reservation."""

    def __init__(self) -> None:
        self._stocks: dict[tuple[str, bool], Stock] = {}

    def take(
        self, limit: tuple[str, bool], now: int, most: int, reserve: Callable[[int], int]
    ) -> int | None:
        """Return the time (ms) of a turn, or None if a worker is to reserve it.

        `limit` is a delivery channel and whether the send is urgent. `most` are the turns of a
        second. `reserve` reserves so many turns. If it fails, the next sends are left to workers.
        """
        stock = self._stocks.get(limit, Stock())
        if stock.passing:
            self._stocks[limit] = stock._replace(passing=stock.passing - 1)
            return None
        if not stock.left or now > stock.at:
            size = stock.next_size(now, most)
            self._stocks[limit] = Stock(passing=PASSED_BY, passed_by=PASSED_BY)
            at = reserve(size)
            if size == 1 and at - now < SOON:
                passed_by = min(PASSED_BY, 2 * stock.passed_by or 1)
                self._stocks[limit] = Stock(passing=passed_by, passed_by=passed_by)
                return at
            stock = Stock(now, at, size, size)
        self._stocks[limit] = stock._replace(left=stock.left - 1)
        return stock.at
