"""Comparisons of stored values, as a table."""

from __future__ import annotations

from datetime import UTC, date
from typing import Any

import pytest

from chalicelib.domain.comparisons import TAKES, ComparisonKind, Today, holds, takes

TODAY = Today(date(2026, 11, 29), UTC)


@pytest.mark.parametrize(
    ("stored", "comparison", "value", "is_true"),
    [
        ("", "exists", None, True),
        (0, "exists", None, True),
        (None, "exists", None, False),
        ("gold", "equals", "gold", True),
        ("gold", "equals", "Gold", False),
        (5, "equals", "5", True),
        ("5.0", "equals", 5, True),
        (True, "equals", 1, True),
        (True, "equals", "true", True),
        (None, "equals", "x", False),
        (["x"], "equals", "x", False),
        ("gold", "differs", "silver", True),
        ("gold", "differs", "gold", False),
        (None, "differs", "gold", False),
        ("gold", "one_of", ["silver", "gold"], True),
        (3, "one_of", [1, 2], False),
        ("Hangzhou", "contains", "zhou", True),
        (["a", "b"], "contains", "b", True),
        (["ab"], "contains", "b", False),
        (1234, "contains", "23", True),
        ("Hangzhou", "begins_with", "Hang", True),
        ("Hangzhou", "begins_with", "zhou", False),
        (10, "more", 9, True),
        (10, "more", 10, False),
        ("10", "more", 9, True),
        ("ten", "more", 9, False),
        (10, "at_least", 10, True),
        (9.5, "less", 10, True),
        (10, "at_most", 10, True),
        (None, "less", 10, False),
        ([5], "less", 10, False),
        ("2026-11-28", "before", "2026-11-29", True),
        ("2026/11/29", "before", "2026-11-29", False),
        ("20261130", "after", "2026-11-29", True),
        ("soon", "after", "2026-11-29", False),
        (True, "after", "1970-01-01", False),
        ("2026-11-22", "in_last", 7, True),
        ("2026-11-21", "in_last", 7, False),
        ("2026-11-30", "in_last", 7, False),
        (1795910400, "in_last", 0, True),
        (1795910400000, "in_last", 0, True),
        ("2026-11-29T23:00:00-05:00", "in_next", 0, False),
        ("2026-12-06", "in_next", 7, True),
        ("2026-12-07", "in_next", 7, False),
    ],
)
def test_a_comparison_holds(stored: Any, comparison: str, value: Any, is_true: bool) -> None:
    assert takes(ComparisonKind(comparison), value)
    assert holds(ComparisonKind(comparison), stored, value, TODAY) is is_true


@pytest.mark.parametrize(
    ("comparison", "value"),
    [
        ("exists", 1),
        ("equals", None),
        ("equals", []),
        ("equals", ""),
        ("one_of", []),
        ("one_of", "x"),
        ("one_of", ["x"] * 101),
        ("one_of", [["x"]]),
        ("contains", 5),
        ("contains", "x" * 257),
        ("more", "5"),
        ("more", True),
        ("before", "2026-02-30"),
        ("before", "20260228"),
        ("before", 5),
        ("in_last", -1),
        ("in_last", 1.5),
        ("in_last", True),
        ("in_last", 3651),
    ],
)
def test_a_value_of_another_type_is_not_taken(comparison: str, value: Any) -> None:
    assert not takes(ComparisonKind(comparison), value)


def test_every_comparison_has_a_type_of_value() -> None:
    assert set(TAKES) == set(ComparisonKind)
