"""The alphabet of a text, and its parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.providers.sms.cmpp import text as cmpp_text
from chalicelib.providers.sms.cmpp.text import ASCII, GBK, UCS2, Part


@pytest.mark.parametrize(
    ("text", "alphabet", "form", "content"),
    [
        ("Hello", "ascii", ASCII, b"Hello"),
        ("a@b_$", "ascii", ASCII, b"a@b_$"),
        ("a@b_$", "gsm", ASCII, b"a\x00b\x11\x02"),
        ("[€]", "gsm", ASCII, b"\x1b\x3c\x1b\x65\x1b\x3e"),
        ("é", "gsm", ASCII, b"\x05"),
        ("é", "ascii", UCS2, b"\x00\xe9"),
        ("`", "ascii", UCS2, b"\x00`"),
        ("\t", "gsm", UCS2, b"\x00\t"),
        ("Hello", "ucs2", UCS2, "Hello".encode("utf-16-be")),
        ("你好", "gsm", UCS2, "你好".encode("utf-16-be")),
        ("😀", "ascii", UCS2, "😀".encode("utf-16-be")),
    ],
)
def test_a_text_takes_the_smallest_alphabet_that_holds_it(
    text: str, alphabet: str, form: int, content: bytes
) -> None:
    assert cmpp_text.parts(text, alphabet, 1) == [Part(form, content)]


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("a" * 159, [159]),
        ("a" * 160, [159, 13]),
        ("a" * 306, [159, 159]),
        ("a" * 307, [159, 159, 7]),
        ("[" * 79, [79]),
        ("[" * 80, [82, 10]),
        ("你" * 70, [140]),
        ("你" * 71, [140, 14]),
        ("你" * 134, [140, 140]),
        ("你" * 135, [140, 140, 8]),
        ("😀" * 35, [140]),
        ("😀" * 36, [138, 18]),
    ],
)
def test_a_long_text_is_cut_at_153_septets_or_67_units(text: str, sizes: list[int]) -> None:
    """Sizes are bytes, with the header's 6.

    In ASCII an extension character is one byte here, and two septets on the air.
    """
    assert [len(part.content) for part in cmpp_text.parts(text, "ascii", 7)] == sizes


def test_every_part_says_which_it_is() -> None:
    parts = cmpp_text.parts("你" * 150, "ascii", 200)
    assert [part.content[:6] for part in parts] == [bytes((5, 0, 3, 200, 3, n)) for n in (1, 2, 3)]
    assert all(part.has_header for part in parts)


@given(st.text(min_size=1, max_size=700), st.sampled_from(cmpp_text.ALPHABETS), st.integers(0, 255))
def test_the_parts_of_any_text_fit_and_join_to_the_text(
    text: str, alphabet: str, reference: int
) -> None:
    parts = cmpp_text.parts(text, alphabet, reference)
    assert all(len(part.content) <= (159 if part.format == ASCII else 140) for part in parts)
    if alphabet != "gsm":
        joined = "".join(
            cmpp_text.read(part.content, part.format, part.has_header) for part in parts
        )
        assert joined == text.encode("utf-16-be", "replace").decode("utf-16-be")


def test_half_a_surrogate_pair_is_replaced() -> None:
    assert cmpp_text.parts("a\ud800b", "ascii", 1) == [Part(UCS2, "a?b".encode("utf-16-be"))]


def test_what_a_person_wrote_is_read_in_each_format() -> None:
    assert cmpp_text.read(b"TD", ASCII, False) == "TD"
    assert cmpp_text.read("退订".encode("utf-16-be"), UCS2, False) == "退订"
    assert cmpp_text.read("退订".encode("gbk"), GBK, False) == "退订"
    assert (
        cmpp_text.read(b"\x05\x00\x03\x01\x02\x01" + "退".encode("utf-16-be"), UCS2, True) == "退"
    )


@given(st.binary(max_size=255), st.integers(0, 255), st.booleans())
def test_any_content_can_be_read(content: bytes, form: int, has_header: bool) -> None:
    assert isinstance(cmpp_text.read(content, form, has_header), str)
