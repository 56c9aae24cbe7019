"""Tests and intervals of proportions agree with published figures."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.proportions import fisher, holm, wilson

# (hits, people, hits, people), p by scipy.stats.fisher_exact of SciPy 1.17.1. The first is Fisher's
# tea-tasting lady, whose one-sided p is 17/70.
TABLES = [
    ((3, 4, 1, 4), 0.48571428571428565),
    ((8, 10, 1, 6), 0.034965034965034975),
    ((31, 45, 7, 39), 2.9821892749231235e-06),
    ((0, 50, 6, 50), 0.026661076308390465),
    ((12, 100, 25, 100), 0.027942706055260905),
    ((120, 1000, 160, 1000), 0.011861898653907299),
    ((1000, 100_000, 1100, 100_000), 0.029847900106294695),
]
# (hits, people, confidence), ends by scipy.stats.binomtest(…).proportion_ci(…, "wilson").
INTERVALS = [
    ((15, 20, 0.95), (0.5312991223812561, 0.8881382985923344)),
    ((0, 10, 0.95), (0.0, 0.27753279986288926)),
    ((10, 10, 0.9), (0.787058029916593, 1.0)),
    ((81, 263, 0.95), (0.2552885198782742, 0.36620957698280004)),
    ((1000, 100_000, 0.99), (0.009221418206953921, 0.010843599465880722)),
]


@pytest.mark.parametrize(("table", "p"), TABLES)
def test_fishers_test_is_that_of_scipy(table: tuple[int, int, int, int], p: float) -> None:
    assert fisher(*table) == pytest.approx(p, rel=1e-8)


@pytest.mark.parametrize(("sample", "ends"), INTERVALS)
def test_wilsons_interval_is_that_of_scipy(
    sample: tuple[int, int, float], ends: tuple[float, float]
) -> None:
    assert wilson(*sample) == pytest.approx(ends, abs=1e-12)


def test_holms_correction_keeps_the_order_and_the_largest_step() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])  # of R
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.integers(0, 60), st.integers(0, 60), st.data())
def test_fishers_test_is_the_sum_over_all_tables(a: int, b: int, data: st.DataObject) -> None:
    hits, others = data.draw(st.integers(0, a)), data.draw(st.integers(0, b))
    margin = hits + others
    tables = {
        k: math.comb(a, k) * math.comb(b, margin - k)
        for k in range(max(0, margin - b), min(a, margin) + 1)
    }
    rare = sum(n for n in tables.values() if n <= tables[hits])
    assert fisher(hits, a, others, b) == pytest.approx(rare / sum(tables.values()), rel=1e-9)


@given(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500), st.integers(0, 500))
def test_fishers_test_does_not_depend_on_the_order_or_the_event(
    hits: int, misses: int, others: int, other_misses: int
) -> None:
    a, b = hits + misses, others + other_misses
    p = fisher(hits, a, others, b)
    assert 0 <= p <= 1
    assert fisher(others, b, hits, a) == pytest.approx(p, rel=1e-9)
    assert fisher(misses, a, other_misses, b) == pytest.approx(p, rel=1e-9)


@pytest.mark.parametrize(
    "table", [(0, 0, 0, 0), (0, 0, 5, 9), (0, 7, 0, 9), (7, 7, 9, 9), (1, 1, 0, 0)]
)
def test_nothing_to_compare_is_no_difference(table: tuple[int, int, int, int]) -> None:
    assert fisher(*table) == 1


def test_a_certain_difference_of_millions_is_found_at_once() -> None:
    assert fisher(0, 10**7, 9 * 10**6, 10**7) < 1e-30
    assert fisher(500_000, 10**7, 501_000, 10**7) == pytest.approx(0.3056146, rel=1e-5)


def test_an_interval_of_nobody_is_everything() -> None:
    assert wilson(0, 0, 0.95) == (0, 1)
