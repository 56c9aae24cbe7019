"""Answers that property tests got, by status: `make answers` prints them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

PROPERTY = "answers"  # of a test's report, which a worker of xdist hands over

_of_test: Counter[str] = Counter()


def count(door: str, status: int) -> None:
    """Count an answer of a door: `api` or `console`."""
    _of_test[f"{door} {status // 100}xx"] += 1


def take() -> Mapping[str, int]:
    """Return the counts since the last call."""
    counts = dict(_of_test)
    _of_test.clear()
    return counts


def summary(reports: Iterable[Any]) -> str:
    """Return a line of the answers in all reports, empty if there was none."""
    total: Counter[str] = Counter()
    for report in reports:
        total.update(dict(report.user_properties).get(PROPERTY, {}))
    if not total:
        return ""
    faults = sum(number for name, number in total.items() if name.endswith("5xx"))
    parts = ", ".join(f"{name}: {number:,}" for name, number in sorted(total.items()))
    return f"{total.total():,} requests, {faults:,} of them 5xx ({parts})"
