"""Figures equal a recount from the facts, whatever ends, repeats or comes late."""

from __future__ import annotations

from collections import Counter

import pytest

from chalicelib.domain.figures import LINE
from chalicelib.flow import days
from tests.simulation.histories import History

HISTORIES, GROUPS = 1000, 10


@pytest.mark.parametrize("group", range(GROUPS))
def test_the_figures_of_random_histories_are_those_of_a_recount(group: int) -> None:
    deaths = 0
    for seed in range(group, HISTORIES, GROUPS):
        history = History(seed)
        history.happen()
        history.world.spare()
        deaths += history.deaths
        assert history.counted() == history.recounted(), seed
        assert folded(history) == by_day(history), seed
        assert history.kept_reach() == history.reach(), seed
    assert deaths > HISTORIES / GROUPS / 2


def folded(history: History) -> dict[tuple[str, int], dict[str, int]]:
    return {(key, day): counts for key, day, counts in history.counted_by_day() if counts}


def by_day(history: History) -> dict[tuple[str, int], dict[str, int]]:
    total: dict[tuple[str, int], Counter[str]] = {}
    for cell, counts in history.recounted().items():
        if cell.quarter == LINE:
            continue
        day = days.day_of(history.world.limits, cell.begins)
        total.setdefault((cell.key, day), Counter()).update(counts)
    return {day: dict(sorted(counts.items())) for day, counts in total.items()}
