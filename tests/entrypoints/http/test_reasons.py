"""No caller reads the words of pydantic, which are for programmers and only in English."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic_core._pydantic_core import list_all_errors

import app
from chalicelib.entrypoints.http import schemas
from chalicelib.entrypoints.http.schemas.reasons import REASONS, reason

# The error types of each kind of a schema, and of each constraint.
KINDS: Mapping[str, set[str]] = {
    "str": {"string_type"},
    "int": {"int_type", "int_parsing", "int_parsing_size", "int_from_float"},
    "float": {"float_type", "finite_number"},
    "bool": {"bool_type"},
    "date": {
        "date_type",
        "date_parsing",
        "date_from_datetime_parsing",
        "date_from_datetime_inexact",
    },
    "list": {"list_type"},
    "dict": {"dict_type"},
    "model": {"model_type"},
    "model-fields": {"missing", "extra_forbidden"},
    "literal": {"literal_error"},
    "enum": {"enum"},
}
SILENT = re.compile(  # kinds that have no errors of their own, or those of our own
    "any|no-info|with-info|nullable|default|union|chain|definitions|definition-ref|model-field"
    "|function-(after|before|wrap|plain)"
)
CONSTRAINTS = {
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
    "min_length": "short",
    "max_length": "long",
    "pattern": "pattern",
}
VIEWS = [entry.view_function for entries in app.app.routes.values() for entry in entries.values()]
SCHEMAS = sorted({getattr(v.contract, part) for v in VIEWS for part in ("request", "query")} - {""})


def _nodes(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, Mapping):
        if isinstance(value.get("type"), str):
            yield value
        for key, part in value.items():
            if key not in ("metadata", "serialization", "default", "json_schema_input_schema"):
                yield from _nodes(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _nodes(part)


def _errors(node: Mapping[str, Any]) -> Iterator[str]:
    kind = node["type"]
    assert kind in KINDS or SILENT.fullmatch(kind), f"say which errors a schema of kind {kind} has"
    yield from KINDS.get(kind, ())
    for name in CONSTRAINTS.keys() & node.keys():
        error = CONSTRAINTS[name]
        if name.endswith("length"):
            yield f"string_too_{error}" if kind == "str" else f"too_{error}"
        else:
            yield "string_pattern_mismatch" if name == "pattern" else error


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_error_that_can_reach_a_caller_has_our_words(name: str) -> None:
    schema = schemas.load(name)
    schema.model_rebuild(force=True)
    errors = {error for node in _nodes(schema.__pydantic_core_schema__) for error in _errors(node)}
    assert errors <= set(REASONS)


def test_every_reason_is_in_both_languages_with_the_same_values() -> None:
    contexts = {each["type"]: each["example_context"] or {} for each in list_all_errors()}
    assert set(REASONS) <= set(contexts)
    for kind in REASONS:
        english, chinese = reason(kind, contexts[kind])
        assert "{" not in english + chinese
        assert any(character > "\u2fff" for character in chinese)
        assert not english.startswith(("Input", "List", "String"))


def test_an_error_of_the_future_is_said_without_the_words_of_pydantic() -> None:
    assert reason("an_error_of_the_future", {}) == ("is not valid", "不正确")
