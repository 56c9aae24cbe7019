"""Reports of failed tests in at most 100 lines."""

from __future__ import annotations

import pytest

LINES = 88  # and up to twelve lines of headings and summary
HEAD, CAPTURED = 16, 20
HINT = "[... {} more lines: pytest --tb=long shows all ...]"


def forget_output(report: pytest.TestReport, config: pytest.Config) -> None:
    """Drop the output of a passed test, unless it is asked for, as by `-rP`.

    Workers of xdist would send megabytes of log lines that nobody sees.
    """
    if report.passed and not {*"PA"} & {*config.getoption("reportchars")}:
        report.sections = []


def shorten(report: pytest.TestReport | pytest.CollectReport, config: pytest.Config) -> None:
    """Cut the middle of a long failure and the beginning of what it has written."""
    if not report.failed or config.getoption("tbstyle") != "short":
        return
    written = [line for name, text in report.sections for line in (f"{name}:", *text.splitlines())]
    if len(written) > CAPTURED:
        hint = HINT.format(len(written) - CAPTURED + 1)
        written = [hint, *written[1 - CAPTURED :]]
        report.sections = [("Captured output", "\n".join(written))]
    failure, room = str(report.longrepr).splitlines(), LINES - len(written)
    if len(failure) > room:
        hint = HINT.format(len(failure) - room + 1)
        report.longrepr = "\n".join([*failure[:HEAD], hint, *failure[HEAD + 1 - room :]])
