"""The system's clock."""

from __future__ import annotations

import time


class Clock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)
