"""Health of delivery channels: when one is poor. docs/reference/figures.md has the thresholds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import NamedTuple

from chalicelib.domain.values import frozen

LEAST = 50  # submissions that succeeded or failed, with fewer of which nothing is judged
ACCEPTED = 0.9  # share of submissions that succeed on a healthy channel
WORSE = 0.1  # by which a rate may be lower than usual
FAILURES = ("submit_failed", "unknown", "expired")  # of a channel, rather than of a contact
ACCEPTANCE, DELIVERY = "acceptance_rate", "delivery_rate"


class Submissions(NamedTuple):
    """The deliveries of a delivery channel whose submission has ended, and what became of them."""

    submitted: int = 0
    failed: int = 0
    delivered: int = 0

    @property
    def is_enough(self) -> bool:
        """Tell if there are enough for their rates to count."""
        return self.submitted + self.failed >= LEAST

    @property
    def rates(self) -> Mapping[str, float | None]:
        """Return the rates, None where there is nothing to divide by."""
        return {
            ACCEPTANCE: _rate(self.submitted, self.submitted + self.failed),
            DELIVERY: _rate(self.delivered, self.submitted),
        }


NONE = Submissions()


@frozen
class Poor:
    """A rate that is below the bound of a healthy delivery channel."""

    rate: str
    value: float
    bound: float

    @property
    def numbers(self) -> Mapping[str, float]:
        return {"value": self.value, "bound": self.bound}


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def submissions(counts: Mapping[str, int]) -> Mapping[str, Submissions]:
    """Return the submissions in some figures by delivery channel."""
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, number in counts.items():
        family, *words = name.split("|", 3)
        if family == "channel" and words[2] in ("submitted", "delivered"):
            sums[words[1]][words[2]] += number
        elif family == "loss" and words[2].partition(":")[0] in FAILURES:
            sums[words[1]]["failed"] += number
    return {code: Submissions(**of_code) for code, of_code in sums.items()}


def poor(now: Submissions, settled: Submissions = NONE, usually: Submissions = NONE) -> list[Poor]:
    """Return the rates of a delivery channel that are poor: by themselves, or beside the usual.

    `settled`: those of `now` whose receipts have had their time. A delivery rate is theirs.
    """
    if not now.is_enough:
        return []
    usual = usually.rates[DELIVERY] if usually.is_enough and settled.is_enough else None
    below = None if usual is None else round(usual - WORSE, 9)  # not 0.7000000000000001
    rates = {ACCEPTANCE: (now, ACCEPTED), DELIVERY: (settled, below)}
    return [
        Poor(name, value, bound)
        for name, (sent, bound) in rates.items()
        if bound is not None and (value := sent.rates[name]) is not None and value < bound
    ]
