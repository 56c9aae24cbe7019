"""The rates of a message beside the usual rates of its access channel, by channel type.

The usual rate is the mean of some days. Of ten days with submissions, eight lie within the 10th and
the 90th percentile.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from chalicelib.domain.values import frozen

DAYS = 30  # up to the day on which the message was sent

Counts = Mapping[str, int]

# By name: the stage that a rate counts, and the stage that it counts of.
RATES = {"delivery_rate": ("delivered", "submitted"), "click_rate": ("clicked", "delivered")}


@frozen
class Usual:
    """The usual rate, None where there was nothing to divide by."""

    mean: float | None
    p10: float | None
    p90: float | None


def of_channel_type(days: Iterable[Counts], kind: str) -> list[Counter[str]]:
    """Return the stages of a channel type, day by day."""
    by_day = []
    for counts in days:
        stages = Counter[str]()
        for name, number in counts.items():
            family, *words = name.split("|")
            if family == "channel" and words[0] == kind:
                stages[words[2]] += number
        by_day.append(stages)
    return by_day


def usual(days: Sequence[Counts], rate: str) -> Usual:
    """Return the usual rate of days, whose stages are given."""
    part, whole = RATES[rate]
    by_day = sorted(day.get(part, 0) / day[whole] for day in days if day.get(whole))
    if not by_day:
        return Usual(None, None, None)
    parts, wholes = (sum(day.get(stage, 0) for day in days) for stage in (part, whole))
    return Usual(_rounded(parts / wholes), _at(by_day, 0.1), _at(by_day, 0.9))


def _at(ordered: Sequence[float], share: float) -> float:
    """Return the rate of the day below which this share of the days lies, by the nearest rank."""
    return _rounded(ordered[max(0, math.ceil(len(ordered) * share) - 1)])


def _rounded(rate: float) -> float:
    return round(rate, 6)
