"""No verdict of a test depends on the clock: only tests/liveness.py compares readings."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
MAY_COMPARE = {TESTS / "liveness.py"}
READINGS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}
DATES = {"now", "utcnow", "today"}
WRAPPERS = {"abs", "int", "round", "pytest.approx"}
FUNCTION = ast.FunctionDef | ast.AsyncFunctionDef


def is_reading(node: ast.AST) -> bool:
    """Tell a call such as `time.monotonic()` or `datetime.now(UTC)`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    owner = ast.unparse(node.func.value).rpartition(".")[2]
    return (owner == "time" and node.func.attr in READINGS) or (
        owner in ("datetime", "date") and node.func.attr in DATES
    )


def names_of_durations(function: ast.AST) -> set[str]:
    """Return the names that a function gives to readings, and to differences of readings."""
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and is_arithmetic(node.value, names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def is_arithmetic(node: ast.AST, names: set[str]) -> bool:
    """Tell a reading, also in a sum, a difference or a call such as `abs`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) in WRAPPERS:
        return any(is_arithmetic(argument, names) for argument in node.args)
    if isinstance(node, ast.BinOp):
        return is_arithmetic(node.left, names) or is_arithmetic(node.right, names)
    return is_reading(node) or (isinstance(node, ast.Name) and node.id in names)


def comparisons(source: str) -> Iterator[int]:
    """Yield the lines on which a reading of the clock is compared."""
    if not any(f".{name}(" in source for name in READINGS | DATES):
        return  # most files: parsing all takes seconds
    tree = ast.parse(source)
    for function in [tree, *(node for node in ast.walk(tree) if isinstance(node, FUNCTION))]:
        names = names_of_durations(function) if function is not tree else set()
        for node in ast.walk(function):
            if isinstance(node, ast.Compare) and any(
                is_arithmetic(side, names) for side in (node.left, *node.comparators)
            ):
                yield node.lineno


@pytest.mark.parametrize(
    "source",
    [
        "assert time.monotonic() - begun < 5",
        "assert abs(stamp - time.time()) < 60",
        "def test():\n    end = time.monotonic() + 3\n    while end > other: pass",
        "def test():\n    begun = time.time()\n    took = read() - begun\n    assert took < 1",
        "assert datetime.datetime.now(UTC) > before",
    ],
)
def test_a_comparison_of_readings_is_seen(source: str) -> None:
    assert list(comparisons(source))


def test_no_test_compares_readings_of_the_clock() -> None:
    found = {
        f"{path.relative_to(TESTS)}:{line}"
        for path in sorted(TESTS.rglob("*.py"))
        if path not in MAY_COMPARE
        for line in comparisons(path.read_text())
    }
    assert found == set(), "wait with tests/liveness.py, or count steps"
