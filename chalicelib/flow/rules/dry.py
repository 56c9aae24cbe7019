"""A dry world: rules see what they would count, and count nothing. For simulations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from chalicelib.domain.rules.caps import Marks
from chalicelib.ports import Counters, Document, MarkStore, Taken, World
from chalicelib.ports.figures import Figures, Key


class DryCounters:
    """Counters that answer as if they had counted."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def take(self, name: str, wanted: int, most: int, expires: int) -> Taken:
        left = max(0, most - self.used(name))
        return Taken(True, left - wanted) if wanted <= left else Taken(False, left)

    def give_back(self, name: str, number: int) -> None:
        """Do nothing, as nothing was taken."""

    def used(self, name: str) -> int:
        return self._counters.used(name)


class DryMarks:
    """Marks that answer as if they had been stored."""

    def __init__(self, marks: MarkStore) -> None:
        self._marks = marks

    def get(self, names: Sequence[str]) -> Mapping[str, Marks]:
        return self._marks.get(names)

    def put(self, changed: Mapping[str, Marks]) -> frozenset[str]:
        return frozenset()


class DryFigures:
    """Documents that are only read. What a simulation stores, it reads again."""

    def __init__(self, figures: Figures) -> None:
        self._figures, self._written = figures, dict[Key, Document]()

    def load(self, keys: Sequence[Key]) -> Mapping[Key, Document]:
        written = {key: self._written[key] for key in keys if key in self._written}
        return {**self._figures.load([key for key in keys if key not in written]), **written}

    def store(self, documents: Sequence[Document]) -> bool:
        self._written |= {document.key: document for document in documents}
        return True

    def between(
        self, name: str, first: str, last: str, *, fresh: bool = False
    ) -> Iterator[Document]:
        return self._figures.between(name, first, last, fresh=fresh)


class FixedClock:
    """A clock that shows one time, at which a rule is asked."""

    def __init__(self, time: int) -> None:
        self._time = time

    def now(self) -> int:
        return self._time

    def sleep(self, seconds: float) -> None:
        """Return at once."""


def at(world: World, time: int) -> World:
    """Return a world as rules see it at a time (ms)."""
    return replace(world, clock=FixedClock(time))


def dry(world: World) -> World:
    """Return a world whose counting stores only read. A rule needs no mode for simulations."""
    return replace(
        world,
        counters=DryCounters(world.counters),
        marks=DryMarks(world.marks),
        figures=DryFigures(world.figures),
    )


def is_dry(world: World) -> bool:
    return isinstance(world.figures, DryFigures)
