"""Rules for all tests: repeatable inputs, and short reports."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests import profiles, reports

profiles.register()


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    profiles.freeze_constants()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    reports.shorten(report, item.config)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    reports.shorten(report, collector.config)
    return report
