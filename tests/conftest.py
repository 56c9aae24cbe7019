"""Rules for all tests: repeatable inputs, no metrics of other tests, and short reports."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from chalicelib import observability
from tests import answered, chance, garbage, profiles, reports

garbage.rest()
profiles.register()


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    if not session.config.getoption("--numprocesses", default=None):  # or else workers collect
        profiles.freeze_constants()


def pytest_collection_finish() -> None:
    garbage.work()


# Files of these rooms take long. They come first, so that no worker ends long before the others.
LONG = (
    *("tests/entrypoints/workers/", "tests/contracts/", "tests/simulation/", "tests/growth/"),
    *("tests/web/test_smtp", "tests/sandbox/", "tests/providers/test_contract_"),
    *("tests/console/test_any_", "tests/entrypoints/http/openapi/"),
    *("tests/entrypoints/http/test_any_", "tests/architecture/"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


@pytest.fixture(autouse=True)
def _no_metrics_of_other_tests() -> None:
    """Forget metrics that a test has counted outside of a unit of work."""
    observability._metrics.clear()


@pytest.fixture(autouse=True)
def _same_draws(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    chance.settle(monkeypatch, request.node)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    reports.forget_output(report, item.config)
    reports.shorten(report, item.config)
    if report.when == "call":
        report.user_properties.append((answered.PROPERTY, answered.take()))
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say how many requests were made, where inputs are random."""
    if config.getoption("--hypothesis-profile", default=None) not in profiles.FACTORS:
        return
    ended = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, ())]
    line = answered.summary(report for report in ended if report.when == "call")
    if line:
        terminalreporter.write_line(line)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    reports.shorten(report, collector.config)
    return report
