"""The comparison of `make fairness`, and the section that it writes."""

from __future__ import annotations

import pytest

from infra.bench.fairness import compared, percentile, section


@pytest.mark.parametrize(("share", "delay"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_delay_that_was_measured(share: float, delay: int) -> None:
    assert percentile(range(100, 0, -1), share) == delay


def test_of_few_delays_the_highest_is_the_99th_percentile() -> None:
    assert percentile([3, 1, 2], 0.99) == 3


def test_the_section_says_whether_the_bound_is_kept() -> None:
    report = {
        "broadcast": compared([10] * 60, [20] * 60),
        "flood": compared([10] * 60, [10] * 58 + [21, 21]),
    }
    assert [report[name]["ratio"] for name in report] == [2.0, 2.1]
    text = section(report, 5000, "a machine", 0.5)
    assert "| broadcast | 10 | 20 | 10 | 20 | 2 | kept |" in text
    assert "| flood | 10 | 10 | 10 | 21 | 2.1 | missed |" in text
    assert "4 clients of another one" in text
