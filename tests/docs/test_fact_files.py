"""The page of fact files and the table for Athena are those of the code."""

from __future__ import annotations

import re
import typing

import pytest

from chalicelib.domain import fact_files
from chalicelib.domain.fact_files import FactRow
from chalicelib.domain.messages import CHUNK_TARGETS
from infra.change_sets import Change, refuse_losses
from infra.package import ROOT
from infra.stacks import DeploymentFailed

REFERENCE = ROOT / "docs" / "reference"
PAGE = (REFERENCE / "fact-files.md").read_text()
SQL = (REFERENCE / "fact-files.sql").read_text()
TIMES = ("sent", "time")


def kind_of(column: str) -> str:
    if column in TIMES:
        return "timestamp"
    return "int" if typing.get_type_hints(FactRow)[column] in (int, int | None) else "string"


COLUMNS = [(name, kind_of(name)) for name in FactRow._fields]


def test_the_page_has_the_columns_with_their_types() -> None:
    assert re.findall(r"^\| `(\w+)` \| (string|int|timestamp) \|", PAGE, re.MULTILINE) == COLUMNS


def test_the_table_for_athena_has_the_columns_with_their_types() -> None:
    table = SQL[SQL.index("TABLE facts (") : SQL.index("PARTITIONED")]
    assert re.findall(r"^  (\w+) (\w+),?$", table, re.MULTILINE) == COLUMNS
    assert "PARTITIONED BY (day string)" in SQL


def test_the_page_has_the_facts_that_are_not_those_of_deliveries() -> None:
    own = {fact_files.MESSAGE, fact_files.TARGET, fact_files.LOST}
    own |= {fact_files.DELIVERY, fact_files.REFUSED}
    rows = PAGE[PAGE.index("| `fact` | a row") :]
    assert set(re.findall(r"^\| `(\w+)` \| (?!a row)", rows, re.MULTILINE)) == own


def test_the_page_has_the_size_of_a_part_and_the_days() -> None:
    assert (
        f"up to {fact_files.CHUNKS} chunks ({fact_files.CHUNKS * CHUNK_TARGETS:,} people)" in PAGE
    )
    assert "400 by default" in PAGE


def test_the_command_that_turns_fact_files_off_names_the_bucket_that_leaves_the_stack() -> None:
    """Otherwise the deployment stops: nobody should lose sight of a bucket by a parameter."""
    page = (ROOT / "docs" / "how-to" / "analyse-facts.md").read_text()
    (line,) = [line for line in page.splitlines() if "FactFiles=off --" in line]
    allowed = line.partition("--yes-replace ")[2].rstrip('"').split(" --yes-replace ")
    leaving = [Change("Remove", "FactsBucket", "AWS::S3::Bucket", "")]
    refuse_losses(leaving, allowed)
    with pytest.raises(DeploymentFailed, match="FactsBucket"):
        refuse_losses(leaving, ())
