"""Links in contents become variables for short links, and lead nowhere else than before."""

from __future__ import annotations

import html
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.links import MAX_ADDRESS
from chalicelib.domain.provider_io import Clickable
from chalicelib.flow.content.links import (
    MAX_BYTES,
    MAX_LINKS,
    Links,
    in_html,
    in_text,
    map_addresses,
)

SHOP = "https://shop.example/a?b=1&c=2"


def nothing() -> Links:
    return Links({}, ())


def test_the_addresses_of_a_mails_links_become_variables() -> None:
    links = nothing()
    text = (
        f"<p>See <a class='x' href=\"{html.escape(SHOP)}\">us</a>, <A HREF='{SHOP}'>us</A>"
        ' <a href="http://b.example">b</a></p>'
    )
    changed = in_html(text, links)
    assert changed == (
        '<p>See <a class=\'x\' href="{{_link1}}">us</a>, <A HREF="{{_link1}}">us</A>'
        ' <a href="{{_link2}}">b</a></p>'
    )
    assert links.addresses == {"_link1": SHOP, "_link2": "http://b.example"}


@pytest.mark.parametrize(
    "text",
    [
        '<a href="mailto:a@example.com">',
        '<a href="#top">',
        '<a href="/relative">',
        '<a href="javascript:alert(1)">',
        '<a href="{{url}}">',
        '<a href="https://a.example/{{more}}">',
        '<a href="https://a.example/Unsubscribe?x=1">',
        '<a href="https://a.example/退订">',
        '<img src="https://a.example/b.png">',
        '<link href="https://a.example/c.css">',
        "https://a.example",
        f'<a href="https://a.example/{"x" * MAX_ADDRESS}">',
        '<a href="https://bank.example@evil.example/">',
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    links = nothing()
    assert in_html(text, links) == text
    assert links.addresses == {}


def test_a_variable_of_the_templates_own_is_not_taken_and_an_address_has_one_variable() -> None:
    links = Links({"url": SHOP}, {"_link1", "url"})
    assert (
        in_html(f'<a href="{SHOP}"><a href="https://b.example">', links)
        == '<a href="{{url}}"><a href="{{_link2}}">'
    )


def test_there_are_only_so_many() -> None:
    links = nothing()
    text = "".join(f'<a href="https://a.example/{n}">' for n in range(MAX_LINKS + 1))
    assert in_html(text, links).endswith(f'<a href="https://a.example/{MAX_LINKS}">')
    assert len(links.addresses) == MAX_LINKS
    long = nothing()
    in_html("".join(f'<a href="https://a.example/{n}{"x" * 2000}">' for n in range(100)), long)
    assert MAX_BYTES - 2100 < sum(map(len, long.addresses.values())) <= MAX_BYTES


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("?a=1&amp;b=2", "?a=1&b=2"),
        ("?a=1&region=2&copy=3&lt=4", "?a=1&region=2&copy=3&lt=4"),
        ("?a=&quot;&#x41;&#66;", '?a="AB'),
        ("?a=1&amp", "?a=1&"),
        ("?a=1&ampb", "?a=1&ampb"),
        ("?&nothing;&;&", "?&nothing;&;&"),
    ],
)
def test_an_attribute_is_read_as_browsers_read_it(written: str, address: str) -> None:
    """In a query `&region=2` is not a `&reg;`.

    Source: https://html.spec.whatwg.org/#named-character-reference-state
    """
    links = nothing()
    in_html(f'<a href="https://a.example/{written}">', links)
    assert links.addresses == {"_link1": f"https://a.example/{address}"}


@given(
    st.text(),
    st.lists(
        st.sampled_from(
            ["<a ", "href=", '"', "'", ">", SHOP, "{{_link1}}", "&quot;", "](", ")", "[x"]
        )
    ),
)
def test_in_any_text_a_variable_stands_for_the_address_that_was_there(
    text: str, pieces: list[str]
) -> None:
    whole = text + "".join(pieces)
    for change, readable in ((in_html, html.unescape(whole)), (in_text, whole)):
        links = nothing()
        changed = change(whole, links)
        assert all(address in readable for address in links.addresses.values())
        assert changed == whole or links.addresses


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (
            f"<a href='{SHOP}'>us</a>, [us]({SHOP}) or [us]( {SHOP} 'title')",
            "<a href={{}}>us</a>, [us]({{}}) or [us]( {{}} 'title')",
        ),
        (f"See {SHOP} or \u201c{SHOP}\u201d", None),
        (f"[us] ({SHOP})", None),
        (f"[us]({SHOP}", None),
        ("[us](relative)", None),
        ("[us](javascript:alert(1))", None),
        ("[us](https://a.example/(b))", None),
        ("[out](https://a.example/unsubscribe)", None),
        (f"[{SHOP}]({SHOP})", f"[{SHOP}]({{{{}}}})"),
        (f"<a href='{SHOP}'>{SHOP}</a>", f"<a href={{{{}}}}>{SHOP}</a>"),
    ],
)
def test_links_of_a_chats_text_but_no_address_that_people_can_read(
    text: str, changed: str | None
) -> None:
    links = nothing()
    expected = text
    if changed is not None:
        expected = changed.replace("href={{}}", 'href="{{}}"').replace("{{}}", "{{_link1}}")
    assert in_text(text, links) == expected
    assert set(links.addresses.values()) == (set() if changed is None else {SHOP})


WHERE = Clickable(
    ("url", "msg.card.single_url", "msg.card.buttons.*.url"), ("msg.text",), ("appid",)
)


def test_places_that_a_provider_names() -> None:
    links = nothing()
    buttons = [{"url": "https://b.example/{{code}}"}, {"url": "{{url}}?a=1"}, 7]
    card = {"title": SHOP, "single_url": SHOP, "buttons": buttons}
    content: dict[str, Any] = {
        "url": 5,
        "msg": {"card": card, "text": f"[a]({SHOP}) {{{{url}}}}"},
        "other": "{{url}}",
    }
    values = {"url": "https://c.example", "code": "7"}
    changed = map_addresses(content, WHERE, links, values, {"url"})
    assert changed == {
        "url": 5,
        "msg": {
            "card": {
                "title": SHOP,
                "single_url": "{{_link1}}",
                "buttons": [{"url": "{{_link2}}"}, {"url": "{{_link3}}"}, 7],
            },
            "text": "[a]({{_link1}}) {{url}}",
        },
        "other": "https://c.example",
    }
    assert links.addresses == {
        "_link1": SHOP,
        "_link2": "https://b.example/7",
        "_link3": "https://c.example?a=1",
    }


def test_what_leads_to_a_mini_program_leads_to_no_address() -> None:
    links = nothing()
    card = {
        "single_url": SHOP,
        "buttons": [{"url": SHOP, "appid": "wx1"}, {"url": SHOP, "appid": ""}],
    }
    changed = map_addresses(
        {"url": SHOP, "appid": "wx1", "msg": {"card": card}}, WHERE, links, {}, ()
    )
    assert changed["url"] == changed["msg"]["card"]["buttons"][0]["url"] == SHOP
    assert [changed["msg"]["card"]["single_url"], changed["msg"]["card"]["buttons"][1]["url"]] == [
        "{{_link1}}"
    ] * 2
