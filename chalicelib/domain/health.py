"""Health of delivery channels: when one is poor. docs/reference/figures.md has the thresholds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

LEAST = 50  # deliveries, with fewer of which nothing is judged
ACCEPTED = 0.9  # share of deliveries that a healthy channel submits
FAILURES = ("submit_failed", "unknown", "expired")  # of a channel, rather than of a contact


def poor(counts: Mapping[str, int]) -> dict[str, float]:
    """Return the delivery channels that are poor in some figures, with what share they submitted.

    A delivery counts once it has ended: it was submitted, or the channel failed to submit it.
    """
    submitted, failed = Counter[str](), Counter[str]()
    for name, number in counts.items():
        family, *words = name.split("|", 3)
        if family == "channel" and words[2] == "submitted":
            submitted[words[1]] += number
        elif family == "loss" and words[2].partition(":")[0] in FAILURES:
            failed[words[1]] += number
    shares = {
        code: submitted[code] / (submitted[code] + number)
        for code, number in failed.items()
        if submitted[code] + number >= LEAST
    }
    return {code: round(share, 4) for code, share in shares.items() if share < ACCEPTED}
