"""Key parts with any characters round-trip and never collide. Message ids sort by time."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import keys

parts = st.lists(st.text(max_size=20), min_size=1, max_size=5)


@given(parts)
def test_key_parts_round_trip(given_parts: list[str]) -> None:
    assert list(keys.split(keys.join(*given_parts))) == given_parts


@given(parts, parts)
def test_different_parts_make_different_keys(one: list[str], other: list[str]) -> None:
    assert (keys.join(*one) == keys.join(*other)) == (one == other)


@given(st.integers(0, 999_999), st.integers(0, 999_999))
def test_numbers_in_keys_sort_as_numbers(one: int, other: int) -> None:
    assert (keys.join("page", one) < keys.join("page", other)) == (one < other)


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1), st.binary(min_size=4, max_size=8))
def test_message_ids_sort_by_time_and_tell_it(one: int, other: int, random: bytes) -> None:
    first, second = keys.message_id(one, random), keys.message_id(other, random)
    assert (first < second) == (one < other)
    assert keys.message_time(first) == one
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", first)


@pytest.mark.parametrize("wrong", ["", "0" * 15, "0" * 17, "Z" * 16, "000000000000000w", "模" * 16])
def test_what_is_no_message_id_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a message id"):
        keys.message_id_bytes(wrong)


@given(st.text(max_size=64))
def test_every_user_has_a_bucket(userid: str) -> None:
    assert 0 <= keys.bucket(userid.encode("utf-8", "replace").decode()) < keys.BUCKETS
