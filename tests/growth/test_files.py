"""Files that are imported take no more than their share."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from chalicelib.domain.errors import OpenUMSError
from chalicelib.domain.imports import FileFormat
from chalicelib.manage.imports import sheets
from tests.growth.measure import check_growth
from tests.spreadsheets import xlsx

LARGEST = 400_000  # bytes

CSVS: dict[str, Callable[[int], str]] = {
    "rows": lambda size: "userid,phone[all]\n" + "u,10086\n" * (size // 8),
    "blank rows": lambda size: "userid\n" + "\n" * size,
    "cells": lambda size: "userid" + "," * size,
    "quotes": lambda size: "userid\n" + '"' * size,
    "an open quote": lambda size: 'userid\n"' + "a\n" * (size // 2),
    "one cell": lambda size: "userid\n" + "x" * size,
}


@pytest.mark.parametrize("name", CSVS)
def test_a_csv_takes_no_more_than_its_share(name: str) -> None:
    def build(size: int) -> Callable[[], object]:
        raw = CSVS[name](size).encode()

        def work() -> None:
            with suppress(OpenUMSError):
                for _ in sheets.read(raw, FileFormat.CSV).rows():
                    pass

        return work

    check_growth(build, LARGEST)


@pytest.mark.parametrize("columns", [1, 60])
def test_a_workbook_takes_no_more_than_its_share(columns: int) -> None:
    def build(size: int) -> Callable[[], object]:
        cells = [f"c{n}" for n in range(columns)]
        raw = xlsx([cells, *([f"text {n}"] * columns for n in range(size // columns))])

        def work() -> None:
            with suppress(OpenUMSError):
                for _ in sheets.read(raw, FileFormat.XLSX).rows():
                    pass

        return work

    check_growth(build, 8_000)
