"""The comparison of `make fairness`, and the section that it writes."""

from __future__ import annotations

import pytest

from infra.bench.fairness import WENT_ON, Load, compared, percentile, section


@pytest.mark.parametrize(("share", "delay"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_a_delay_that_was_measured(share: float, delay: int) -> None:
    assert percentile(range(100, 0, -1), share) == delay


def test_of_few_delays_the_highest_is_the_99th_percentile() -> None:
    assert percentile([3, 1, 2], 0.99) == 3


def test_the_section_says_whether_the_bound_is_kept() -> None:
    report = {
        "broadcast": {**compared([10] * 60, [20] * 60), "load": WENT_ON},
        "flood": {**compared([10] * 60, [10] * 58 + [21, 21]), "load": WENT_ON},
    }
    assert [report[name]["ratio"] for name in report] == [2.0, 2.1]
    text = section(report, 5000, "a machine", 0.5)
    assert "| broadcast | 10 | 20 | 10 | 20 | 2 | kept | went on |" in text
    assert "| flood | 10 | 10 | 10 | 21 | 2.1 | missed | went on |" in text
    assert "4 clients of another one" in text


@pytest.mark.parametrize(
    ("load", "state"),
    [
        (Load(lambda: False), WENT_ON),
        (Load(lambda: True), "ended early"),
        (Load(lambda: False, dead=lambda: 2), "2 of 4 clients broke off"),
        (Load(lambda: True, dead=lambda: 4), "4 of 4 clients broke off"),
    ],
)
def test_a_load_that_did_not_go_on_is_said_and_proves_nothing(load: Load, state: str) -> None:
    assert load.state == state
    report = {"flood": {**compared([10] * 60, [10] * 60), "load": load.state}}
    kept = "kept" if state == WENT_ON else "not measured"
    assert f"| 1 | {kept} | {state} |" in section(report, 5000, "a machine", 0.5)
