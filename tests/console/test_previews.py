"""Previews of templates in the console: what anybody may type into them."""

from __future__ import annotations

import pytest

from chalicelib.console.third_party import Register
from chalicelib.domain.limits import MAX_CONTENT
from tests.console.conftest import Browser, Page
from tests.console.shops import shop as shop

TIMES = 100  # 100 x 100 x 100 characters, if each value were filled into the one before


def preview(shop: Browser, text: str, **samples: str) -> Page:
    fields = {"do": "preview", "types": "sms", "c.sms.content": text}
    fields |= {f"s.{name}": value for name, value in samples.items()}
    return shop.post(f"/c/{shop.key}/templates/new", fields, hx_request="true")


def test_a_sample_is_filled_in_once_and_not_into_other_samples(shop: Browser) -> None:
    shown = preview(shop, "Hi {{ name }} {{b}} {{c}}", name="{{b}}", b="{{c}}", c="Li")
    assert "Hi {{b}} {{c}} Li" in shown.plain
    grown = preview(shop, "{{a}}{{b}}{{c}}", a="{{b}}" * TIMES, b="{{c}}" * TIMES, c="x" * TIMES)
    assert len(grown.text) < 50_000


def test_samples_that_would_fill_the_memory_are_not_filled_in(shop: Browser) -> None:
    text, sample = "{{a}}" * 1000, "xyz" * 1000
    shown = preview(shop, text, a=sample)
    assert (shown.status, text in shown.text) == (200, True)
    assert len(shown.text) < MAX_CONTENT
    assert "xyzxyz" in preview(shop, "{{a}}", a=sample).plain


def test_values_of_a_third_party_template_are_filled_in_once() -> None:
    register = Register((), {"title": "t", "text": "{{a}} {{1}} {{b}}"}, {"title": "shop"})
    assert register.text({"a": "{{b}}", "1": 5, "b": ""}) == "【shop】{{b}} 5 {{b}}"
    long = Register((), {"title": "t", "text": "{{a}}" * 1000})
    assert long.text({"a": "x" * 1000}) == "{{a}}" * 1000


@pytest.mark.parametrize("typed", ['{"content": "\\ud800"}', '{"content": "a", "\\udfff": "b"}'])
def test_half_a_character_is_refused_and_breaks_no_page(shop: Browser, typed: str) -> None:
    fields = {"types": "sms", "c.sms.json": typed, "name": "half"}
    for does in ("preview", "show"):
        assert shop.post(f"/c/{shop.key}/templates/new", {**fields, "do": does}).status == 200
    refused = shop.post(f"/c/{shop.key}/templates/new", {**fields, "do": "save"})
    assert refused.status == 400
    assert "half a surrogate pair" in refused.plain
