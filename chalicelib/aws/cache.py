"""Readings of settings, kept for SETTINGS_CACHE seconds: a revoked key may work for so long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chalicelib.config import settings

T = TypeVar("T")
CACHED = 1000


class Cache:
    def __init__(self) -> None:
        self._readings: dict[str, tuple[float, Any]] = {}

    def get(self, key: str, read: Callable[[], T]) -> T:
        """Return the cached reading, or read anew. The absence of a thing is cached too."""
        now = time.monotonic()
        reading = self._readings.get(key)
        if reading is None or reading[0] <= now:
            if len(self._readings) >= CACHED:
                self._readings.clear()
            reading = self._readings[key] = (now + settings().settings_cache, read())
        value: T = reading[1]
        return value

    def add(self, key: str, value: Any) -> None:
        """Keep a reading that came with others, unless there are many."""
        if len(self._readings) < CACHED:
            self._readings[key] = (time.monotonic() + settings().settings_cache, value)

    def forget(self) -> None:
        self._readings.clear()

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Clear the cache after a write, also a failed one: a stale entry may have caused it."""
        try:
            yield
        finally:
            self.forget()
