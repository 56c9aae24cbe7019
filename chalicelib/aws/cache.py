"""Readings of settings, kept for SETTINGS_CACHE seconds: a revoked key may work for so long.

Readings that have ended are read again together, with one request for all that were used.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from chalicelib.aws.items import get_many
from chalicelib.aws.tables import table
from chalicelib.config import settings
from chalicelib.domain.values import frozen

T = TypeVar("T")
CACHED = 1000
AGAIN = 40  # readings of two items at most, which leaves room for others in a request of 100

ItemKey = tuple[str, str]  # pk and sk
Rows = Mapping[ItemKey, dict[str, Any]]  # those that exist


@frozen
class Recipe:
    """The items of a reading, and its value by those that exist.

    `value` raises LookupError if it takes more than these items.
    """

    items: Sequence[ItemKey]
    value: Callable[[Rows], Any]


@frozen
class Ended:
    """Recipes of readings that have ended, by their keys. `begun`: when they are read again."""

    begun: float
    recipes: Mapping[str, Recipe]

    @property
    def items(self) -> Sequence[ItemKey]:
        return list(dict.fromkeys(i for recipe in self.recipes.values() for i in recipe.items))


class _Reading:
    def __init__(self, value: Any, ends: float, recipe: Recipe | None) -> None:
        self.value = value
        self.ends = ends
        self.recipe = recipe
        self.is_used = False


class Cache:
    """At most so many readings, in the order of their end, since each is kept for as long."""

    def __init__(
        self,
        most: int = CACHED,
        now: Callable[[], float] = time.monotonic,
        rows: Callable[[Sequence[ItemKey]], Rows] | None = None,
    ) -> None:
        """Start empty. `rows` reads items of the table `settings`."""
        self._most, self._now, self._rows = most, now, rows or _rows
        self._readings: dict[str, _Reading] = {}
        self._changing = threading.Lock()  # the CMPP worker reads in several threads

    def get(
        self,
        key: str,
        read: Callable[[], T],
        recipe: Callable[[T], Recipe | None] = lambda value: None,
    ) -> T:
        """Return the cached reading, or read anew. The absence of a thing is cached too.

        A reading with a recipe may be read again with others.
        """
        reading = self._fresh(key)
        if reading is None and self._read_again(key):
            reading = self._fresh(key)
        if reading is None:
            begun, value = self._now(), read()
            with self._changing:
                reading = self._keep(key, begun, value, recipe(value))
        reading.is_used = True
        kept: T = reading.value
        return kept

    def add(self, key: str, value: Any, recipe: Recipe | None = None) -> None:
        """Keep a reading that came with others, unless another one would have to go for it."""
        now = self._now()
        with self._changing:
            if key in self._readings or len(self._readings) < self._most or self._first_ended(now):
                self._keep(key, now, value, recipe)

    def _fresh(self, key: str) -> _Reading | None:
        reading = self._readings.get(key)
        return reading if reading is not None and reading.ends > self._now() else None

    def _read_again(self, key: str) -> bool:
        """Read again what has ended. Return False if this key is not among several of them."""
        ended = self.ended(key)
        if key not in ended.recipes or len(ended.recipes) == 1:
            return False
        self.renew(ended, self._rows(ended.items))
        return True

    def ended(self, first: str = "") -> Ended:
        """Return what has ended, has a recipe and was used since it was read, newest first."""
        begun = self._now()
        with self._changing:
            ended = {k: r for k, r in self._readings.items() if r.ends <= begun and r.is_used}
        recipes = {k: r.recipe for k, r in reversed(ended.items()) if r.recipe is not None}
        names = sorted(recipes, key=lambda name: name != first)[:AGAIN]
        return Ended(begun, {name: recipes[name] for name in names})

    def renew(self, ended: Ended, rows: Rows) -> None:
        """Keep what the rows say of the items of what has ended."""
        with self._changing:
            for key, recipe in ended.recipes.items():
                self._renew(key, ended.begun, recipe, rows)

    def _renew(self, key: str, begun: float, recipe: Recipe, rows: Rows) -> None:
        """Keep what rows say, or drop a reading that they cannot tell."""
        before = self._readings.get(key)
        if before is None or before.recipe is not recipe:
            return  # forgotten or read anew meanwhile
        try:
            self._keep(key, begun, recipe.value(rows), recipe)
        except Exception:  # noqa: BLE001 raised again for whoever asks for this one alone
            del self._readings[key]

    def _keep(self, key: str, begun: float, value: Any, recipe: Recipe | None) -> _Reading:
        self._readings.pop(key, None)
        while len(self._readings) >= self._most:
            del self._readings[next(iter(self._readings))]
        reading = _Reading(value, begun + settings().settings_cache, recipe)
        self._readings[key] = reading
        return reading

    def _first_ended(self, now: float) -> bool:
        return next(iter(self._readings.values())).ends <= now

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


def _rows(items: Sequence[ItemKey]) -> Rows:
    keys = ({"pk": pk, "sk": sk} for pk, sk in items)
    rows = get_many(table("settings"), keys, consistent=True)
    return {(row["pk"], row["sk"]): row for row in rows}
