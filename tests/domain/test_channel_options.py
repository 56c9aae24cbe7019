"""Options of a delivery channel, and the words by which people opt out."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import channel_options
from chalicelib.domain.errors import Invalid


def test_a_delivery_channel_has_words_of_its_own() -> None:
    options = channel_options.of({"unsubscribe_words": ["Q"], "subscribe_words": ["Y"]})
    assert [options.wants_out(text) for text in ("q", "y", "TD", "START")] == [
        True,
        False,
        None,
        None,
    ]
    assert channel_options.of({"unsubscribe_words": []}).wants_out("TD") is None


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    assert channel_options.of({}).wants_out(text) in (True, False, None)


def test_what_is_not_ours_is_left_for_the_provider() -> None:
    ours = {
        "calls_per_second": 2.5,
        "send_to_gone": True,
        "track_links": False,
        "track_opens": True,
        "unsubscribe": False,
        "domain_rates": {"qq.com": 0.5, "mail.example.co.uk": 20},
    }
    words = {"unsubscribe_words": ["TD"], "subscribe_words": []}
    assert channel_options.check({**ours, **words, "server": "s"}) == {"server": "s"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("calls_per_second", True),
        ("calls_per_second", "10"),
        ("calls_per_second", -1),
        ("calls_per_second", 0.009),
        ("calls_per_second", 10_001),
        ("calls_per_second", float("nan")),
        ("send_to_gone", 1),
        ("track_links", "no"),
        ("track_opens", None),
        ("unsubscribe", 0),
        ("unsubscribe_words", "TD"),
        ("unsubscribe_words", [""]),
        ("unsubscribe_words", ["!"]),
        ("unsubscribe_words", ["x" * 21]),
        ("unsubscribe_words", ["x"] * 51),
        ("subscribe_words", [1]),
        ("domain_rates", ["qq.com"]),
        ("domain_rates", {"QQ.com": 1}),
        ("domain_rates", {"@qq.com": 1}),
        ("domain_rates", {"com": 1}),
        ("domain_rates", {"qq.com": 0}),
        ("domain_rates", {"qq.com": True}),
        ("domain_rates", {f"d{n}.example": 1 for n in range(21)}),
    ],
)
def test_an_option_of_another_shape_is_refused_and_if_stored_counts_as_not_given(
    name: str, value: Any
) -> None:
    with pytest.raises(Invalid) as refused:
        channel_options.check({name: value})
    assert refused.value.field == f"options.{name}"
    assert channel_options.of({name: value}) == channel_options.Options()


@pytest.mark.parametrize("rate", [0, 0.01, 1, 10_000])
def test_rates_up_to_both_limits(rate: float) -> None:
    assert channel_options.of({"calls_per_second": rate}).calls_per_second == rate
    assert channel_options.check({"calls_per_second": rate}) == {}
