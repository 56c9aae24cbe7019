"""JSON that people type into forms."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.console import typed_json
from tests.console.conftest import Browser
from tests.console.shops import shop as shop

HALF = ('"\\ud800"', '[{"\\udfff": 1}]')  # of surrogate pairs
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(VALUES)
def test_it_is_written_as_it_was_typed(value: object) -> None:
    typed = json.dumps(value)
    assert json.loads(typed_json.write(typed_json.read(typed))) == value


@pytest.mark.parametrize("typed", ["100.00", "1E+3", "-0.10", "[1.50]", '{"a":2.0}'])
def test_a_number_keeps_its_literal(typed: str) -> None:
    assert typed_json.write(typed_json.read(typed)) == typed


@pytest.mark.parametrize(
    "typed", ["{", '{"a": 1, "a": 2}', "[" * 200 + "]" * 200, "[" * 50_000, *HALF]
)
def test_what_the_api_would_refuse_or_lose_is_not_read(typed: str) -> None:
    with pytest.raises(ValueError):
        typed_json.read(typed)


def test_a_content_of_a_template_keeps_its_numbers(shop: Browser) -> None:
    typed = '{"temp_id": 1, "temp_para": {"price": 100.00}}'
    fields = {"do": "save", "name": "prices", "types": "sms", "c.sms.json": typed}
    assert shop.post(f"/c/{shop.key}/templates/new", fields).status == 200
    assert "price = 100.00" in shop.get(f"/c/{shop.key}/templates/2").text
