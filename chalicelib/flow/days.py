"""11. Fold the cells of a day, in the deployment's zone, into one document.

A day is summed anew from its cells, and replaced if more changes of cells were seen. Spans hold
the totals of many days in one document, so that a year is a few of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.figures import LINE, QUARTER, Cell, shortened, totals
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.flow.timers import do_all
from chalicelib.ports import Document, Limits, World
from chalicelib.ports.figures import Key

SPAN = 90  # days
DAY = 86_400_000  # ms
ROUNDS = 20  # in which others may be faster


def day_of(limits: Limits, ms: int) -> int:
    """Return the number of a day since the epoch, in the deployment's zone."""
    return (ms + offset(limits)) // DAY


def offset(limits: Limits) -> int:
    """Return the time (ms) by which the deployment's day is ahead of UTC's, in whole quarters."""
    return round(limits.utc_offset * 3_600_000 / QUARTER) * QUARTER


def day_key(key: str, day: int) -> Key:
    return keys.join("days", key), f"{day:06d}"


def span_key(key: str, day: int) -> Key:
    return keys.join("spans", key), f"{day // SPAN:06d}"


def counts_of(world: World, key: str, first: int, last: int) -> list[Mapping[str, int]]:
    """Return the counters of those of these days that have any, with one query."""
    name, begin = day_key(key, first)
    _, end = day_key(key, last)
    return [day.body["counts"] for day in world.figures.between(name, begin, end)]


def last(world: World, key: str, number: int) -> list[Mapping[str, int]]:
    """Return the counters of the last days, today among them, with one query."""
    today = day_of(world.limits, world.clock.now())
    return counts_of(world, key, today - number + 1, today)


def changing(world: World, cells: Iterable[Cell]) -> None:
    """Set the timers that fold the days of cells, before the cells change."""
    delay = world.limits.recount_delays[-2] * 1000
    soonest = world.clock.now() + 2 * world.limits.clock_width * 1000
    at = (soonest // delay + 1) * delay
    days = sorted(
        {(cell.key, day_of(world.limits, cell.begins)) for cell in cells if cell.quarter != LINE}
    )
    timers = [Timer(at, TimerKind.DAY, ChunkId(*day), Priority.LOW) for day in days]
    world.timers.set(timers, punctual=False)


def fold(world: World, timers: Sequence[Timer]) -> None:
    do_all(lambda day: fold_day(world, *day), dict.fromkeys(timer.chunk for timer in timers))


def fold_day(world: World, key: str, day: int) -> None:
    """Sum a day of an access channel anew.

    Raises Unavailable if others were faster in every round.
    """
    names = (day_key(key, day), span_key(key, day))
    for _ in range(ROUNDS):
        stored = world.figures.load(names)
        seen, counts = _summed(world, key, day)
        before = stored.get(names[0])
        if before is not None and before.body["seen"] >= seen:
            return
        folded = {"seen": seen, "counts": {name: n for name, n in sorted(counts.items()) if n}}
        span = {**(stored[names[1]].body if names[1] in stored else {}), str(day): totals(counts)}
        bodies: Mapping[Key, Mapping[str, Any]] = {names[0]: folded, names[1]: span}
        if world.figures.store([_next(stored.get(name), name, bodies[name]) for name in names]):
            return
    raise Unavailable("figures_busy")


def _summed(world: World, key: str, day: int) -> tuple[int, Counter[str]]:
    """Return the number of changes of a day's cells, and their sum."""
    first = (day * DAY - offset(world.limits)) // QUARTER
    last = first + DAY // QUARTER - 1
    seen, counts = 0, Counter[str]()
    name = keys.join("figures", key)
    for cell in world.figures.between(name, f"{first:07d}#", f"{last:07d}#~", fresh=True):
        seen += cell.version
        counts.update(cell.body)
    return seen, shortened(counts)


def _next(before: Document | None, name: Key, body: Mapping[str, Any]) -> Document:
    return Document(name, (before.version if before else 0) + 1, body)
