"""Links that stand in contents become variables for short links, and lead nowhere else than before."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.facts import Place
from chalicelib.domain.plans import PageId
from chalicelib.domain.templates import MAX_ADDRESS
from chalicelib.flow import content
from chalicelib.flow.tracking import MAX_BYTES, MAX_LINKS, Links, in_fields, in_html
from tests.builders import a_channel, a_message, a_template
from tests.fakes.world import FakeWorld

SHOP = "https://shop.example/a?b=1&c=2"


def nothing() -> Links:
    return Links({}, ())


def test_the_addresses_of_a_mails_links_become_variables() -> None:
    links = nothing()
    text = f"<p>See <a class='x' href=\"{html.escape(SHOP)}\">us</a>, <A HREF='{SHOP}'>us</A> <a href=\"http://b.example\">b</a></p>"
    changed = in_html(text, links)
    assert changed == ('<p>See <a class=\'x\' href="{{_link1}}">us</a>, <A HREF="{{_link1}}">us</A> <a href="{{_link2}}">b</a></p>')
    assert links.found == {"_link1": SHOP, "_link2": "http://b.example"}


@pytest.mark.parametrize(
    "text",
    [
        '<a href="mailto:a@example.com">', '<a href="#top">', '<a href="/relative">', '<a href="javascript:alert(1)">',
        '<a href="{{url}}">',
        '<a href="https://a.example/{{more}}">', '<a href="https://a.example/Unsubscribe?x=1">', '<a href="https://a.example/退订">',
        '<img src="https://a.example/b.png">', '<link href="https://a.example/c.css">', "https://a.example", "<a href=https://a.example>",
        f'<a href="https://a.example/{"x" * MAX_ADDRESS}">',
    ],
)  # fmt: skip
def test_everything_else_stays_as_it_is(text: str) -> None:
    links = nothing()
    assert in_html(text, links) == text
    assert links.found == {}


def test_a_variable_of_the_templates_own_is_not_taken_and_an_address_has_one_variable() -> None:
    links = Links({"url": SHOP}, {"_link1", "url"})
    assert in_html(f'<a href="{SHOP}"><a href="https://b.example">', links) == '<a href="{{url}}"><a href="{{_link2}}">'


def test_there_are_only_so_many() -> None:
    links = nothing()
    text = "".join(f'<a href="https://a.example/{n}">' for n in range(MAX_LINKS + 1))
    assert in_html(text, links).endswith(f'<a href="https://a.example/{MAX_LINKS}">')
    assert len(links.found) == MAX_LINKS
    long = nothing()
    in_html("".join(f'<a href="https://a.example/{n}{"x" * 2000}">' for n in range(100)), long)
    assert MAX_BYTES - 2100 < sum(map(len, long.found.values())) <= MAX_BYTES


@given(st.text(), st.lists(st.sampled_from(["<a ", "href=", '"', "'", ">", SHOP, "{{_link1}}", "&quot;"])))
def test_in_any_text_a_variable_stands_for_the_address_that_was_there(text: str, pieces: list[str]) -> None:
    links = nothing()
    changed = in_html(text + "".join(pieces), links)
    assert set(links.found.values()) <= {SHOP, *(html.unescape(p) for p in re.findall(r"http[^\"'<>]*", text + "".join(pieces)))}
    if not links.found:
        assert changed == text + "".join(pieces)


def test_fields_that_a_provider_names() -> None:
    links = nothing()
    card = {"title": "t", "single_url": SHOP, "btn_json_list": [{"action_url": "https://b.example"}, {"action_url": "{{url}}"}, 7]}
    given: dict[str, Any] = {"url": 5, "msg": {"action_card": card}, "other": SHOP}
    paths = ("url", "msg.action_card.single_url", "msg.action_card.btn_json_list.*.action_url", "nowhere.*.url")
    changed = in_fields(given, paths, links)
    assert changed["msg"]["action_card"] == {
        "title": "t", "single_url": "{{_link1}}", "btn_json_list": [{"action_url": "{{_link2}}"}, {"action_url": "{{url}}"}, 7],
    }  # fmt: skip
    assert (changed["url"], changed["other"]) == (5, SHOP)
    assert links.found == {"_link1": SHOP, "_link2": "https://b.example"}


PAGE = PageId(a_message().msgid, 0)


def prepared(fake: FakeWorld, text: str, **options: Any) -> tuple[Any, dict[str, str]]:
    template = a_template(channels=("email",), text=text, links=frozenset({"url"}))
    channel = a_channel("mail", options=options)
    return content.prepare(fake.ports, template, {"url": "https://v.example/?a=1&b=2", "name": "Ann"}, [channel])


def test_a_mail_has_a_short_link_for_each_person_and_no_address_of_its_own() -> None:
    fake = FakeWorld()
    contents, links = prepared(fake, f'<p>{{{{name}}}} <a href="{SHOP}">x</a> <a href="{{{{url}}}}">y</a></p>')
    message = a_message(contents=contents, links=links, channels={"mail": ChannelType.EMAIL})
    texts = [content.personal(fake.ports, message, PAGE, Place(n, "mail", 0))["text"] for n in range(2)]
    assert texts[0] != texts[1]
    for text in texts:
        tokens = re.findall(r'href="https://ums.example.com/l/([\w-]{36})"', text)
        found = [content.read_link(fake.vault, token) for token in tokens]
        assert [links[sorted(links)[link.variable]] for link in found] == [SHOP, "https://v.example/?a=1&b=2"]


def test_clicks_can_be_left_uncounted() -> None:
    contents, links = prepared(FakeWorld(), f'<p><a href="{SHOP}">x</a> <a href="{{{{url}}}}">y</a></p>', track_links=False)
    assert links == {}
    assert f'<a href="{SHOP}">' in contents["mail"]["text"]


def test_a_mail_without_markup_keeps_its_addresses() -> None:
    contents, links = prepared(FakeWorld(), f"no markup: {SHOP}")
    assert (links, contents["mail"]["text"]) == ({}, f"no markup: {SHOP}")


def test_a_card_has_short_links_where_clicks_are_counted_by_them(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWorld()
    monkeypatch.setattr(fake.providers.text, "capabilities", replace(fake.providers.text.capabilities, link_fields=("card.url",)))
    template = a_template(channels=("sms",), contents={ChannelType.SMS: {"text": "t", "card": {"url": SHOP}}})
    contents, links = content.prepare(fake.ports, template, {}, [a_channel("text")])
    assert contents["text"]["card"] == {"url": "{{_link1}}"}
    assert links == {"_link1": SHOP}
    assert content.is_personal(contents["text"], links)
