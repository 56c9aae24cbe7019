"""The addresses of links are found as browsers find them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.flow.content.anchors import addresses

A, B = "https://a.example/x", "https://b.example"


def values(text: str) -> list[str]:
    return [address.value for address in addresses(text)]


@pytest.mark.parametrize(
    "text",
    [
        f'<a href="{A}">',
        f"<a href='{A}'>",
        f"<a href={A}>",
        f'<A HREF="{A}">',
        f'<a  class="c"\n\thref = "{A}" target=_blank>',
        f'<a/href="{A}">',
        f'<a data-href="{B}" href="{A}">',
        f'<a href="{A}" data-href="{B}">',
        f'<a xhref="{B}" x:href="{B}" hrefs="{B}" href="{A}">',
        f'<a data-src="{B}" data-x=\'href="{B}"\' title="<b> href={B}" href="{A}">',
        f'<a href="{A}" href="{B}">',
        f'<a disabled href="{A}">',
        f'<a href="{A}"/>',
        f'<a title=">" href="{A}">',
        f'<p title="<a href=\'{B}\'>"><a href="{A}">',
        f'x <y and <a href="{A}">',
        f'<!--[if mso]><a href="{A}"><![endif]-->',
        f'<!--[if !mso]><!--><a href="{A}"><!--<![endif]-->',
        f'<!-- <a href="{B}"> --><a href="{A}">',
        f'<!--><a href="{A}">',
        f'<script>"<a href={B}>"</script><a href="{A}">',
        f'<STYLE>a::after {{content: "<a href={B}>"}}</Style><a href="{A}">',
        f'<textarea><a href="{B}"></textarea ><title><a href="{B}"></title><a href="{A}">',
    ],
)
def test_the_address_of_a_link(text: str) -> None:
    assert values(text) == [A]


@pytest.mark.parametrize(
    "text",
    [
        f'<a data-href="{A}">',
        f'<a data-href="{A}" href>',
        f'<a href="" data-href="{A}">',
        f'<abbr href="{A}">',
        f'<area-x href="{A}">',
        f'</a href="{A}">',
        f'<!-- <a href="{A}"> -->',
        f'<!-- <a href="{A}">',
        f"<script>var a = '<a href=\"{A}\">'</script>",
        f'<script><a href="{A}">',
        f'<a href="{A}',
        f'<a href="{A}"',
        f'<a title="never closed href={A}>',
        f'< a href="{A}">',
        f"href={A}",
    ],
)
def test_what_is_not_the_address_of_a_link(text: str) -> None:
    assert [value for value in values(text) if value] == []


PIECES = [
    "<a ",
    "href",
    "=",
    '"',
    "'",
    ">",
    "<",
    "/",
    " ",
    A,
    "<!--",
    "-->",
    "[if",
    "<script",
    "</",
]


@given(st.lists(st.sampled_from(PIECES)).map("".join) | st.text())
def test_every_address_stands_at_its_place_in_order(text: str) -> None:
    last = 0
    for address in addresses(text):
        assert last <= address.start < address.end <= len(text)
        assert text[address.start : address.end].strip("\"'") == address.value.strip("\"'")
        last = address.end


@pytest.mark.parametrize(
    "piece",
    [
        "<a ",
        "<a href=",
        '<a href="',
        "<a href='",
        "<!--",
        "<script",
        "<script>",
        "<",
        " ",
        "/",
        "<a/",
    ],
)
def test_text_that_never_ends_is_read_once(piece: str) -> None:
    assert values("<a " + piece * (400_000 // len(piece))) in ([], ["<a"])
