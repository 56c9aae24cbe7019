"""Queries go over pages, and ask nothing of a stretch that ends before it begins."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.ports import World
from tests.architecture.test_imports import in_rooms

STRETCH = "pk = :pk AND sk BETWEEN :first AND :last"


@pytest.mark.usefixtures("real")
def test_a_query_goes_over_pages_in_order(unique: str, aws: Callable[[str], Any]) -> None:
    from chalicelib.aws.queries import query
    from chalicelib.aws.tables import table

    for n in range(5):
        item = {"pk": {"S": unique}, "sk": {"S": str(n)}}
        aws("dynamodb").put_item(TableName=table("messages"), Item=item)
    values = {":pk": unique, ":first": "1", ":last": "3"}
    assert [row["sk"] for row in query("messages", STRETCH, values, Limit=2)] == ["1", "2", "3"]
    one = {":pk": unique, ":first": "2", ":last": "2"}
    assert [row["sk"] for row in query("messages", STRETCH, one)] == ["2"]


def test_a_stretch_that_ends_before_it_begins_is_empty(real: World, unique: str) -> None:
    from chalicelib.aws.queries import query

    assert list(query("messages", STRETCH, {":pk": unique, ":first": "2", ":last": "1"})) == []
    assert list(real.figures.between(unique, "2", "1")) == []


def test_every_stretch_of_sort_keys_is_asked_for_by_this_query() -> None:
    asking = [path for path in in_rooms("aws") if "sk BETWEEN" in path.read_text()]
    assert len(asking) >= 4
    for path in asking:
        asked = re.search(r"from chalicelib.aws.queries import (query|pages)", path.read_text())
        assert asked, path.name


def test_whatever_reads_a_list_reads_on_where_an_answer_is_cut() -> None:
    """An answer ends at 1 MB, or at fewer where a filter leaves some out."""
    asking = list[str]()
    for path in in_rooms("aws"):
        source = path.read_text()
        for node in ast.walk(ast.parse(source)):
            text = ast.get_source_segment(source, node) if isinstance(node, ast.FunctionDef) else ""
            if text and re.search(r"\.(query|scan)\(\s*(\*\*|TableName)", text):
                asking.append(node.name)  # type: ignore[attr-defined]
                assert "LastEvaluatedKey" in text or 'Select="COUNT"' in text, (path, asking[-1])
    assert len(asking) >= 5
