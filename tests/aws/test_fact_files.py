"""Fact files as DuckDB writes them, without a bucket."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet
import pytest

from chalicelib.aws import fact_files
from chalicelib.domain.fact_files import FactRow
from chalicelib.providers.base import milliseconds
from tests.fakes.clock import START

ROW = FactRow("shop", "m1", None, START, "delivered")


@pytest.mark.parametrize(
    ("digits", "year"), [("1", 1970), ("9300000000000000", 9999), ("9999999999999999", 9999)]
)
def test_a_time_that_no_calendar_has_keeps_no_facts_back(
    tmp_path: Path, digits: str, year: int
) -> None:
    """A provider's clock may be anything, and a file has the facts of all access channels."""
    time = milliseconds(digits)
    assert time is not None
    source = tmp_path / "rows.json"
    with source.open("w", encoding="utf-8") as file:
        fact_files.Draft(file).add([ROW._replace(time=START), ROW._replace(time=time), ROW])
    fact_files._convert(source, tmp_path / "rows.parquet")
    rows = pyarrow.parquet.read_table(tmp_path / "rows.parquet").to_pylist()
    assert [row["time"] and row["time"].year for row in rows] == [2027, year, None]
