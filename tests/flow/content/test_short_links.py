"""Contents of a message have short links where they are worth it, and no other variables."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.links import MAX_ADDRESS
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Clickable
from chalicelib.flow.content import render
from chalicelib.flow.content.links import (
    MAX_BYTES,
    MAX_LINKS,
)
from tests.builders import a_channel, a_message, a_template, opened
from tests.fakes.world import FakeWorld

SHOP = "https://shop.example/a?b=1&c=2"
CHUNK = ChunkId(a_message().msgid, 0)
ADDRESS = "https://v.example/?a=1&b=2"


def prepared(fake: FakeWorld, text: str, **options: Any) -> tuple[Any, dict[str, str]]:
    template = a_template(channels=("email",), text=text, links=frozenset({"url"}))
    channel = a_channel("mail", options=options)
    return render.prepare(
        fake.ports, template, {"url": ADDRESS, "name": "Ann"}, opened(fake.ports, channel)
    )


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
        read = [render.read_link(fake.vault, token) for token in tokens]
        assert [links[sorted(links)[link.variable]] for link in read] == [SHOP, ADDRESS]


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
    """A person's own name is such a value: it must not choose where our domain leads."""
    fake = FakeWorld()
    for kind, code in (("email", "mail"), ("sms", "text")):
        template = a_template(channels=(kind,), text=text)
        _, links = render.prepare(
            fake.ports, template, {"name": value}, opened(fake.ports, a_channel(code))
        )
        assert links == {}


def test_the_subject_of_a_mail_has_nothing_to_open() -> None:
    fake = FakeWorld()
    template = a_template(
        contents={ChannelType.EMAIL: {"subject": "{{url}}", "text": "t"}}, links=frozenset({"url"})
    )
    contents, links = render.prepare(
        fake.ports, template, {"url": ADDRESS}, opened(fake.ports, a_channel("mail"))
    )
    assert (contents["mail"]["subject"], links) == (ADDRESS, {})


def test_a_message_has_room_for_so_many_links_of_its_templates_own() -> None:
    """A token numbers them with one byte, and they are one item. The rest stays as it is."""
    fake, names = FakeWorld(), [f"n{n}_url" for n in range(MAX_LINKS + 100)]
    template = a_template(
        channels=("sms",),
        text=" ".join(f"{{{{{name}}}}}" for name in names),
        links=frozenset(names),
    )
    contents, links = render.prepare(
        fake.ports, template, dict.fromkeys(names, SHOP), opened(fake.ports, a_channel("text"))
    )
    assert len(links) == MAX_LINKS
    assert contents["text"]["text"].split().count(SHOP) == 100
    long = {name: f"https://a.example/{name}".ljust(MAX_ADDRESS, "x") for name in names}
    _, links = render.prepare(fake.ports, template, long, opened(fake.ports, a_channel("text")))
    assert sum(map(len, links.values())) <= MAX_BYTES


CARD = {"text": "t", "card": {"url": SHOP}}


def on_shared_calls(fake: FakeWorld, **changes: Any) -> None:
    """The provider of SMS has cards, and calls that share one content."""
    capabilities = replace(
        fake.providers.text.capabilities,
        clickable=Clickable(("card.url",)),
        content_per_recipient=False,
    )
    fake.providers.text.capabilities = replace(capabilities, **changes)


@pytest.mark.parametrize(
    ("options", "click_types", "is_counted"),
    [
        ({}, {ChannelType.SMS}, True),
        ({}, {ChannelType.EMAIL}, False),
        ({}, (), False),
        ({"track_links": True}, (), True),
        ({"track_links": False}, {ChannelType.SMS}, False),
    ],
)
def test_a_call_for_each_person_is_made_where_it_is_worth_it(
    options: dict[str, bool], click_types: Any, is_counted: bool
) -> None:
    fake = FakeWorld()
    on_shared_calls(fake)
    template = a_template(contents={ChannelType.SMS: CARD})
    contents, links = render.prepare(
        fake.ports,
        template,
        {},
        opened(fake.ports, a_channel("text", options=options)),
        click_types=click_types,
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
    _, links = render.prepare(
        fake.ports, template, {"url": SHOP}, opened(fake.ports, a_channel("text")), click_types=()
    )
    assert list(links.values()) == [SHOP]


def test_a_variable_where_nobody_can_open_it_is_filled_in() -> None:
    fake = FakeWorld()
    on_shared_calls(fake)
    template = a_template(
        contents={ChannelType.SMS: {"text": "See {{url}}"}}, links=frozenset({"url"})
    )
    contents, links = render.prepare(
        fake.ports, template, {"url": SHOP}, opened(fake.ports, a_channel("text"))
    )
    assert (contents["text"], links) == ({"text": f"See {SHOP}"}, {})


def test_a_channel_whose_clicks_are_not_counted_has_nothing_left_to_fill_in() -> None:
    """Another channel of the message has a link to fill in."""
    fake = FakeWorld()
    template = a_template(text="{{name}}: {{url}}", links=frozenset({"url"}))
    channels = [
        a_channel("text"),
        a_channel("push"),
        a_channel("mail", options={"track_links": False}),
    ]
    contents, links = render.prepare(
        fake.ports, template, {"url": SHOP, "name": "Ann"}, opened(fake.ports, *channels)
    )
    assert [contents[code]["text"] for code in ("text", "push", "mail")] == [
        "Ann: {{url}}",
        f"Ann: {SHOP}",
        f"Ann: {SHOP}",
    ]
    assert links == {"url": SHOP}


def test_a_short_link_that_does_not_fit_is_not_made() -> None:
    """A short link may be longer than the address that it stands for."""
    fake = FakeWorld()
    on_shared_calls(fake)
    longest = len(f"{fake.limits.public_url}/l/") + 36

    def judge(content: Mapping[str, Any]) -> None:
        if len(content["card"]["url"]) > rooms[0]:
            raise Invalid("card.url", "too long")

    fake.providers.text.judge = judge
    card, short = {"text": "t", "card": {"url": "{{url}}"}}, len("{{url}}")
    template = a_template(contents={ChannelType.SMS: card}, links=frozenset({"url"}))
    channels = opened(fake.ports, a_channel("text"))
    # In the last room neither address fits, and the provider says so to whoever sends.
    rooms = [longest, longest - 1, short]
    for fits in (True, False, True):
        _, links = render.prepare(fake.ports, template, {"url": SHOP}, channels)
        assert bool(links) is fits
        rooms.pop(0)


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
    contents, links = render.prepare(
        fake.ports, template, {}, opened(fake.ports, a_channel("mail"))
    )
    assert links == {"_link2": SHOP}
    assert contents["mail"]["text"] == '{{_link1}} {{url}} <a href="{{_link2}}">'
