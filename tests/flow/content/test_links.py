"""Links that stand in contents become variables for short links, and lead nowhere else than before."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.links import MAX_ADDRESS
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Clickable
from chalicelib.flow.content import render
from chalicelib.flow.content.links import MAX_BYTES, MAX_LINKS, Links, in_html, in_places, in_text
from tests.builders import a_channel, a_message, a_template
from tests.fakes.world import FakeWorld

SHOP = "https://shop.example/a?b=1&c=2"


def nothing() -> Links:
    return Links({}, ())


def test_the_addresses_of_a_mails_links_become_variables() -> None:
    links = nothing()
    text = f"<p>See <a class='x' href=\"{html.escape(SHOP)}\">us</a>, <A HREF='{SHOP}'>us</A> <a href=\"http://b.example\">b</a></p>"
    changed = in_html(text, links)
    assert changed == (
        '<p>See <a class=\'x\' href="{{_link1}}">us</a>, <A HREF="{{_link1}}">us</A> <a href="{{_link2}}">b</a></p>'
    )
    assert links.found == {"_link1": SHOP, "_link2": "http://b.example"}


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
        "<a href=https://a.example>",
        f'<a href="https://a.example/{"x" * MAX_ADDRESS}">',
        '<a href="https://bank.example@evil.example/">',
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    links = nothing()
    assert in_html(text, links) == text
    assert links.found == {}


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
    assert len(links.found) == MAX_LINKS
    long = nothing()
    in_html("".join(f'<a href="https://a.example/{n}{"x" * 2000}">' for n in range(100)), long)
    assert MAX_BYTES - 2100 < sum(map(len, long.found.values())) <= MAX_BYTES


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
    """https://html.spec.whatwg.org/#named-character-reference-state: in a query `&region=2` is no `&reg;`."""
    links = nothing()
    in_html(f'<a href="https://a.example/{written}">', links)
    assert links.found == {"_link1": f"https://a.example/{address}"}


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
    for change, said in ((in_html, html.unescape(whole)), (in_text, whole)):
        links = nothing()
        changed = change(whole, links)
        assert all(address in said for address in links.found.values())
        assert changed == whole or links.found


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
    made = in_text(text, links)
    wanted = (
        text
        if changed is None
        else changed.replace("href={{}}", 'href="{{}}"').replace("{{}}", "{{_link1}}")
    )
    assert made == wanted
    assert set(links.found.values()) == (set() if changed is None else {SHOP})


WHERE = Clickable(
    ("url", "msg.card.single_url", "msg.card.buttons.*.url"), ("msg.text",), ("appid",)
)


def test_places_that_a_provider_names() -> None:
    links = nothing()
    card = {
        "title": SHOP,
        "single_url": SHOP,
        "buttons": [{"url": "https://b.example/{{code}}"}, {"url": "{{url}}?a=1"}, 7],
    }
    given: dict[str, Any] = {
        "url": 5,
        "msg": {"card": card, "text": f"[a]({SHOP}) {{{{url}}}}"},
        "other": "{{url}}",
    }
    changed = in_places(given, WHERE, links, {"url": "https://c.example", "code": "7"}, {"url"})
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
    assert links.found == {
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
    changed = in_places({"url": SHOP, "appid": "wx1", "msg": {"card": card}}, WHERE, links, {}, ())
    assert changed["url"] == changed["msg"]["card"]["buttons"][0]["url"] == SHOP
    assert [changed["msg"]["card"]["single_url"], changed["msg"]["card"]["buttons"][1]["url"]] == [
        "{{_link1}}"
    ] * 2


CHUNK = ChunkId(a_message().msgid, 0)
ADDRESS = "https://v.example/?a=1&b=2"


def prepared(fake: FakeWorld, text: str, **options: Any) -> tuple[Any, dict[str, str]]:
    template = a_template(channels=("email",), text=text, links=frozenset({"url"}))
    channel = a_channel("mail", options=options)
    return render.prepare(fake.ports, template, {"url": ADDRESS, "name": "Ann"}, [channel])


def test_a_mail_has_a_short_link_for_each_person_and_no_address_of_its_own() -> None:
    fake = FakeWorld()
    contents, links = prepared(
        fake, f'<p>{{{{name}}}} <a href="{SHOP}">x</a> <a href="{{{{url}}}}">y</a></p>'
    )
    message = a_message(contents=contents, links=links, channels={"mail": ChannelType.EMAIL})
    texts = [
        render.personal(fake.ports, message, CHUNK, DeliveryRef(n, "mail", 0))["text"]
        for n in range(2)
    ]
    assert texts[0] != texts[1]
    for text in texts:
        tokens = re.findall(r'href="https://ums.example.com/l/([\w-]{36})"', text)
        found = [render.read_link(fake.vault, token) for token in tokens]
        assert [links[sorted(links)[link.variable]] for link in found] == [SHOP, ADDRESS]


def test_clicks_can_be_left_uncounted() -> None:
    contents, links = prepared(
        FakeWorld(), f'<p><a href="{SHOP}">x</a> <a href="{{{{url}}}}">y</a></p>', track_links=False
    )
    assert links == {}
    assert f'<a href="{SHOP}">' in contents["mail"]["text"]
    assert f'<a href="{html.escape(ADDRESS)}">' in contents["mail"]["text"]


def test_a_mail_without_markup_keeps_its_addresses() -> None:
    contents, links = prepared(FakeWorld(), f"no markup: {SHOP}")
    assert (links, contents["mail"]["text"]) == ({}, f"no markup: {SHOP}")


def test_a_part_of_a_longer_address_becomes_a_part_of_what_its_link_leads_to() -> None:
    contents, links = prepared(FakeWorld(), '<a href="{{url}}&amp;c={{name}}">x</a> {{url}}#top')
    assert links == {"_link1": f"{ADDRESS}&c=Ann"}
    assert contents["mail"]["text"] == f'<a href="{{{{_link1}}}}">x</a> {html.escape(ADDRESS)}#top'


@pytest.mark.parametrize(
    "value", [f'<a href="{SHOP}">x</a>', f"[x]({SHOP})", SHOP, "{{_link1}}", "{{url}}"]
)
@pytest.mark.parametrize(
    "text", ["Hello {{name}}", "<p>Hello {{name}}</p>", "<p>Hello {{name}} {{name}}</p>"]
)
def test_whoever_only_supplies_a_value_gets_no_link_of_ours(value: str, text: str) -> None:
    """A person's own name is such a value: else anybody could have our domain lead to wherever he likes."""
    fake = FakeWorld()
    for kind, code in (("email", "mail"), ("sms", "text")):
        template = a_template(channels=(kind,), text=text)
        _, links = render.prepare(fake.ports, template, {"name": value}, [a_channel(code)])
        assert links == {}


def test_the_subject_of_a_mail_has_nothing_to_open() -> None:
    fake = FakeWorld()
    template = a_template(
        contents={ChannelType.EMAIL: {"subject": "{{url}}", "text": "t"}}, links=frozenset({"url"})
    )
    contents, links = render.prepare(fake.ports, template, {"url": ADDRESS}, [a_channel("mail")])
    assert (contents["mail"]["subject"], links) == (ADDRESS, {})


def test_a_message_has_room_for_so_many_links_of_its_templates_own() -> None:
    """A token numbers them with one byte, and they are one item: what is too much stays as it is."""
    fake, names = FakeWorld(), [f"n{n}_url" for n in range(MAX_LINKS + 100)]
    template = a_template(
        channels=("sms",),
        text=" ".join(f"{{{{{name}}}}}" for name in names),
        links=frozenset(names),
    )
    contents, links = render.prepare(
        fake.ports, template, dict.fromkeys(names, SHOP), [a_channel("text")]
    )
    assert len(links) == MAX_LINKS
    assert contents["text"]["text"].split().count(SHOP) == 100
    long = {name: f"https://a.example/{name}".ljust(MAX_ADDRESS, "x") for name in names}
    _, links = render.prepare(fake.ports, template, long, [a_channel("text")])
    assert sum(map(len, links.values())) <= MAX_BYTES


CARD = {"text": "t", "card": {"url": SHOP}}


def on_shared_calls(fake: FakeWorld, **changes: Any) -> None:
    """The provider of SMS has cards, and calls that share one content."""
    able = replace(
        fake.providers.text.capabilities,
        clickable=Clickable(("card.url",)),
        content_per_recipient=False,
    )
    fake.providers.text.capabilities = replace(able, **changes)


@pytest.mark.parametrize(
    ("options", "worth", "is_counted"),
    [
        ({}, {ChannelType.SMS}, True),
        ({}, {ChannelType.EMAIL}, False),
        ({}, (), False),
        ({"track_links": True}, (), True),
        ({"track_links": False}, {ChannelType.SMS}, False),
    ],
)
def test_a_call_for_each_person_is_made_where_it_is_worth_it(
    options: dict[str, bool], worth: Any, is_counted: bool
) -> None:
    fake = FakeWorld()
    on_shared_calls(fake)
    template = a_template(contents={ChannelType.SMS: CARD})
    contents, links = render.prepare(
        fake.ports, template, {}, [a_channel("text", options=options)], worth=worth
    )
    assert links == ({"_link1": SHOP} if is_counted else {})
    assert contents["text"] == ({**CARD, "card": {"url": "{{_link1}}"}} if is_counted else CARD)
    assert render.is_personal(contents["text"], links) is is_counted


@pytest.mark.parametrize("changes", [{"content_per_recipient": True}, {"clickable": None}])
def test_where_it_costs_nothing_or_a_variable_asks_for_it_it_is_always_worth_it(
    changes: dict[str, Any],
) -> None:
    fake = FakeWorld()
    on_shared_calls(fake, **changes)
    template = a_template(
        contents={ChannelType.SMS: {"text": "{{url}}", "card": {"url": "{{url}}"}}},
        links=frozenset({"url"}),
    )
    _, links = render.prepare(fake.ports, template, {"url": SHOP}, [a_channel("text")], worth=())
    assert list(links.values()) == [SHOP]


def test_a_variable_where_nobody_can_open_it_is_filled_in() -> None:
    fake = FakeWorld()
    on_shared_calls(fake)
    template = a_template(
        contents={ChannelType.SMS: {"text": "See {{url}}"}}, links=frozenset({"url"})
    )
    contents, links = render.prepare(fake.ports, template, {"url": SHOP}, [a_channel("text")])
    assert (contents["text"], links) == ({"text": f"See {SHOP}"}, {})


def test_a_channel_whose_clicks_are_not_counted_has_nothing_left_to_fill_in() -> None:
    """Though another channel of the message has."""
    fake = FakeWorld()
    template = a_template(text="{{name}}: {{url}}", links=frozenset({"url"}))
    channels = [
        a_channel("text"),
        a_channel("push"),
        a_channel("mail", options={"track_links": False}),
    ]
    contents, links = render.prepare(fake.ports, template, {"url": SHOP, "name": "Ann"}, channels)
    assert [contents[code]["text"] for code in ("text", "push", "mail")] == [
        "Ann: {{url}}",
        f"Ann: {SHOP}",
        f"Ann: {SHOP}",
    ]
    assert links == {"url": SHOP}


def test_a_short_link_that_does_not_fit_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be longer than what it stands for."""
    fake = FakeWorld()
    on_shared_calls(fake)
    longest = len(f"{fake.limits.public_url}/l/") + 36

    def check(made: Any) -> None:
        if len(made["card"]["url"]) > room:
            raise Invalid("card.url", "too long")

    monkeypatch.setattr(fake.providers.text, "check_content", check)
    template = a_template(contents={ChannelType.SMS: CARD})
    for room, fits in ((longest, True), (longest - 1, False), (1, True)):
        if room == 1:  # then neither fits, and the provider says so to whoever sends
            monkeypatch.setattr(render, "choose", lambda _, __, offered: offered[0])
        _, links = render.prepare(fake.ports, template, {}, [a_channel("text")])
        assert bool(links) is fits


def test_the_words_of_an_ordinary_message_are_never_read_for_variables() -> None:
    fake = FakeWorld()
    template = a_template(
        contents={
            ChannelType.EMAIL: {
                "subject": "",
                "text": f'{{{{_link1}}}} {{{{url}}}} <a href="{SHOP}">',
            }
        }
    )
    contents, links = render.prepare(fake.ports, template, {}, [a_channel("mail")])
    assert links == {"_link2": SHOP}
    assert contents["mail"]["text"] == '{{_link1}} {{url}} <a href="{{_link2}}">'
