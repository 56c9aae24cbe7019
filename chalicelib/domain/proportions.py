"""Compare proportions: Fisher's exact test, Holm's correction and Wilson's interval.

Sources: R. A. Fisher, "Statistical Methods for Research Workers", 5th ed., 1934, §21.02. S. Holm,
Scand. J. Statist. 6 (1979). E. B. Wilson, J. Amer. Statist. Assoc. 22 (1927).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

_EQUAL = 1 + 1e-7  # two probabilities that differ by rounding only are equal
_NOTHING = 1e-40  # a probability beside 1 that is not worth counting


class Interval(NamedTuple):
    low: float
    high: float


def fisher(hits: int, people: int, other_hits: int, other_people: int) -> float:
    """Return the two-sided p-value of two groups, exact for any size.

    It is the probability of all tables with these margins that are at most as likely as this one.
    """
    margin = hits + other_hits
    low, high = max(0, margin - other_people), min(margin, people)
    mode = (people + 1) * (margin + 1) // (people + other_people + 2)
    mode = min(max(mode, low), high)

    def ratio(k: int) -> float:
        """Return how much likelier k + 1 hits of the first group are than k."""
        up = (margin - k) * (people - k)
        return up / ((k + 1) * (other_people - margin + k + 1))

    weights, weight = {mode: 1.0}, 1.0
    for k in range(mode, high):  # relative to the likeliest table, until they vanish
        weight *= ratio(k)
        if weight < _NOTHING:
            break
        weights[k + 1] = weight
    weight = 1.0
    for k in range(mode - 1, low - 1, -1):
        weight /= ratio(k)
        if weight < _NOTHING:
            break
        weights[k] = weight
    most = weights.get(hits, 0.0) * _EQUAL
    tail = math.fsum(w for w in weights.values() if w <= most)
    return min(1.0, tail / math.fsum(weights.values()))


def holm(values: Sequence[float]) -> list[float]:
    """Return the p-values, adjusted so that their family errs no more often than one of them."""
    adjusted, highest = [0.0] * len(values), 0.0
    for rank, n in enumerate(sorted(range(len(values)), key=lambda n: values[n])):
        highest = max(highest, min(1.0, (len(values) - rank) * values[n]))
        adjusted[n] = highest
    return adjusted


def wilson(hits: int, people: int, confidence: float) -> Interval:
    """Return the interval that holds the true rate with a confidence, such as 0.95."""
    if not people:
        return Interval(0.0, 1.0)
    from statistics import NormalDist  # slow to import, and few requests need it

    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, square = hits / people, z * z / people
    middle = rate + square / 2
    spread = z * math.sqrt(rate * (1 - rate) / people + square / (4 * people))
    low, high = (middle - spread) / (1 + square), (middle + spread) / (1 + square)
    return Interval(max(0.0, low), min(1.0, high))
