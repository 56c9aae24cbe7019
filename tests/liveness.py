"""Bounds that end a hang.

They are so generous that no verdict depends on the speed of a machine. Only this module reads a
clock and compares it (tests/architecture/test_clocks.py).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 300.0  # seconds
HANG = 900.0  # seconds: longer than anybody's patience
GIVES_UP = 1.5  # seconds of a client that shall not get the answer of a call that was taken
RECENT = 3600.0  # seconds: less than any error of a unit or of a time zone

# Seconds before the first look of a wait and after its last one (make slow). With them, a test
# fails that needs a state which passes by itself, or acts between two events that the clock makes.
SLOW = float(os.environ.get("SLOW_WAITS", "0"))

T = TypeVar("T")


def eventually(read: Callable[[], T], is_right: Callable[[T], object] = bool) -> T:
    """Return the first reading that is right. Fail with the last one when none becomes right.

    Pauses are a tenth of the wait so far, so that readings cost little where a wait is long.
    """
    time.sleep(SLOW)
    begun, end = time.monotonic(), soon()
    while True:
        reading = read()
        if is_right(reading):
            time.sleep(SLOW)
            return reading
        waited = time.monotonic() - begun
        assert time.monotonic() < end, f"not right within {PATIENCE:.0f} s, at last {reading!r}"
        time.sleep(min(0.02 + waited / 10, 1.0))


def soon() -> float:
    """Return a deadline on the monotonic clock that nothing reaches but a hang."""
    return time.monotonic() + PATIENCE


def is_recent(seconds: float) -> bool:
    """Return whether a stamp in seconds since the epoch is of this hour."""
    return abs(seconds - time.time()) < RECENT
