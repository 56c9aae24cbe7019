"""Readings of settings, kept for SETTINGS_CACHE seconds: a revoked key may work for so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from chalicelib.config import settings

T = TypeVar("T")
CACHED = 1000


class Cache:
    """At most so many readings, in the order of their end, since each is kept for as long."""

    def __init__(self, most: int = CACHED, now: Callable[[], float] = time.monotonic) -> None:
        self._most, self._now = most, now
        self._readings: dict[str, tuple[float, Any]] = {}
        self._changing = threading.Lock()  # the CMPP worker reads in several threads

    def get(self, key: str, read: Callable[[], T]) -> T:
        """Return the cached reading, or read anew. The absence of a thing is cached too."""
        reading = self._readings.get(key)
        if reading is not None and reading[0] > self._now():
            kept: T = reading[1]
            return kept
        begun, value = self._now(), read()
        with self._changing:
            self._keep(key, begun, value)
        return value

    def add(self, key: str, value: Any) -> None:
        """Keep a reading that came with others, unless another one would have to go for it."""
        now = self._now()
        with self._changing:
            if key in self._readings or len(self._readings) < self._most or self._first_ended(now):
                self._keep(key, now, value)

    def _keep(self, key: str, now: float, value: Any) -> None:
        self._readings.pop(key, None)
        while len(self._readings) >= self._most:
            del self._readings[next(iter(self._readings))]
        self._readings[key] = (now + settings().settings_cache, value)

    def _first_ended(self, now: float) -> bool:
        return next(iter(self._readings.values()))[0] <= now

    def forget(self) -> None:
        """Clear the cache, because any of its things may have been changed elsewhere."""
        with self._changing:
            self._readings.clear()

    @contextmanager
    def forgotten(self) -> Iterator[None]:
        """Clear the cache after a write, also a failed one: a stale entry may have caused it.

        A change is refused for things that it was checked against, so it is not only its own.
        """
        try:
            yield
        finally:
            self.forget()
