"""The sentences of performance.md that are computed."""

from __future__ import annotations

import math
import re

import pytest

from infra.bench import page
from infra.bench.pipeline import BOUNDS
from infra.bench.prices import PER_MILLION

TICK = page.TICK * PER_MILLION[page.TRANSITIONS]


@pytest.mark.parametrize(("spare", "rate"), [(50.0, "1"), (0.19, "264"), (0.01, "5,000")])
def test_the_rate_at_which_single_sends_stay_within_their_bound_is_computed(
    spare: float, rate: str
) -> None:
    assert page.within(spare, TICK) == (
        f"So single sends stay within the bound from {rate} a minute on."
    )


@pytest.mark.parametrize("spare", [0.0, -0.5])
def test_sends_that_cost_more_than_their_bound_without_a_tick_are_said_to(spare: float) -> None:
    assert "exceed the bound at any rate" in page.within(spare, TICK)


def test_the_page_says_the_rate_that_follows_from_its_own_figures() -> None:
    text = page.PAGE.read_text()
    alone = re.search(r"^- single \$([\d.]+) instead", text, re.MULTILINE)
    ticks = re.search(
        r"^## single$.*?^\| Step Functions state transitions \|[^|]*\| ([\d.]+) \|",
        text,
        re.MULTILINE | re.DOTALL,
    )
    assert alone
    assert ticks
    rest = float(alone[1]) - float(ticks[1])
    spare = BOUNDS["single"]["usd_per_million"] - rest
    low, high = (_rate(page.within(spare + cents, TICK)) for cents in (0.006, -0.006))
    told = re.search(
        r"^So single sends that come alone exceed.*|within the bound from.*", text, re.M
    )
    assert told
    assert low <= _rate(told[0]) <= high


def _rate(sentence: str) -> float:
    """Return the sends a minute that a sentence names, infinity if there is no such rate."""
    digits = re.sub(r"\D", "", sentence)
    return int(digits) if digits else math.inf
