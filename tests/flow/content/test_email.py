"""The way out of a mail, and its picture."""

from __future__ import annotations

import html
import re
from email import message_from_bytes
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.email import is_html
from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Recipient
from chalicelib.domain.templates import Content
from chalicelib.flow.content import email, render
from tests.builders import (
    SHOP,
    a_channel,
    a_message,
    a_plan,
    a_template,
    a_user,
    an_access_channel,
    at_once,
    opened,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.providers.email.calls import written

MESSAGE = a_message("ann", strategy=at_once("email"))
CHUNK, REF = ChunkId(MESSAGE.msgid, 0), DeliveryRef(0, "mail", 0)
HTML = "<html><body><p>Hello</p></body></html>"


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    fake.users.has(
        a_user("ann", mail="Ann@example.com"),
        a_user("bob", mail="ann@example.com"),
        a_user("eva", mail="eva@example.com"),
    )
    return fake


def with_extras(
    fake: FakeWorld,
    text: str = HTML,
    *,
    code: str = "mail",
    priority: Priority = Priority.MEDIUM,
    **options: Any,
) -> Recipient:
    message = a_message("ann", strategy=at_once("email"), priority=priority)
    recipient = Recipient("Ann@example.com", {"subject": "s", "text": text})
    return email.with_extras(
        fake.ports, a_channel(code, options=options), message, CHUNK, REF, recipient
    )


@pytest.mark.parametrize(
    ("priority", "options", "has_one"),
    [
        (Priority.MEDIUM, {}, True),
        (Priority.LOW, {}, True),
        (Priority.HIGH, {}, False),
        (Priority.HIGH, {"unsubscribe": True}, True),
        (Priority.LOW, {"unsubscribe": False}, False),
    ],
)
def test_who_gets_a_way_out(
    fake: FakeWorld, priority: Priority, options: Any, has_one: bool
) -> None:
    assert bool(with_extras(fake, priority=priority, **options).unsubscribe) == has_one


def test_only_mails_carry_something(fake: FakeWorld) -> None:
    assert with_extras(fake, code="text", track_opens=True, unsubscribe=True) == Recipient(
        "Ann@example.com", {"subject": "s", "text": HTML}
    )


def test_one_click_opts_out_of_the_access_channel_that_sent_the_mail_for_whoever_has_the_address(
    fake: FakeWorld,
) -> None:
    token = with_extras(fake).unsubscribe.rpartition("/")[2]
    email.unsubscribe(fake.ports, token)
    email.unsubscribe(fake.ports, token)
    for userid, address in (("ann", "Ann@example.com"), ("bob", "ann@example.com")):
        assert (
            fake.users.stored[userid].opt_outs[ChannelType.EMAIL][address][SHOP].code == "one_click"
        )
        assert fake.users.stored[userid].suppression(ChannelType.EMAIL, address, "another") == ""
    assert fake.users.stored["eva"].opt_outs == {}


def test_a_way_out_needs_no_history_and_shows_no_address(fake: FakeWorld) -> None:
    address = with_extras(fake).unsubscribe
    assert re.fullmatch(r"https://ums\.example\.com/u/[\w-]+", address)
    assert not fake.messages.stored
    email.unsubscribe(fake.ports, address.rpartition("/")[2])
    assert fake.audiences.opt_outs({ChannelType.EMAIL: ["ann@example.com"]})[ChannelType.EMAIL] == {
        "ann@example.com": {SHOP: START}
    }


@given(st.one_of(st.text(max_size=200), st.from_regex(r"[\w-]{10,80}", fullmatch=True)))
def test_any_other_token_is_no_way_out(token: str) -> None:
    with pytest.raises(NotFound):
        email.unsubscribe(FakeWorld().ports, token)


def built(content: Content, unsubscribe: str = "") -> bytes:
    return written(content, to="x@y.example", unsubscribe=unsubscribe)


def test_the_header_is_one_line_however_long_and_one_click_needs_tls(fake: FakeWorld) -> None:
    address, plain = with_extras(fake).unsubscribe + "x" * 300, {"subject": "s", "text": "t"}
    secure = built({"subject": "退订", "text": HTML}, address)
    assert f"\r\nList-Unsubscribe: <{address}>\r\n".encode() in b"\r\n" + secure
    parsed = message_from_bytes(secure)
    assert parsed["List-Unsubscribe"] == f"<{address}>"
    assert parsed["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert parsed["To"] == "x@y.example"
    insecure = built(plain, "http://local/u/x")
    assert message_from_bytes(insecure)["List-Unsubscribe"] == "<http://local/u/x>"
    assert b"One-Click" not in insecure
    assert b"Unsubscribe" not in built(plain)
    with pytest.raises(ValueError, match="line break"):
        built(plain, "https://a\r\nBcc: x@y")


def test_openings_are_counted_only_where_somebody_asks_for_it(fake: FakeWorld) -> None:
    assert with_extras(fake).content["text"] == HTML
    assert with_extras(fake, "plain text", track_opens=True).content["text"] == "plain text"
    text = with_extras(fake, track_opens=True).content["text"]
    token = re.search(
        r'<p>Hello</p><img src="https://ums.example.com/o/([\w-]{36})" [^>]*></body></html>$', text
    )
    assert token is not None
    fake.messages.has(MESSAGE)
    fake.ledger.put_plan(a_plan(MESSAGE), MESSAGE)
    for _ in range(2):
        email.record_opening(fake.ports, token[1])
        fake.clock.advance(60)
    chunk = fake.ledger.chunk(CHUNK)
    assert chunk is not None
    assert [(fact.kind, fact.time, fact.source) for fact in chunk.reported] == [
        (FactKind.OPENED, START, "picture")
    ]
    assert not chunk.state_of(REF).delivered, "an opening is a fact of its own"


@pytest.mark.parametrize("end", ["</body></html>", "</BODY></HTML>", "</body >", ""])
def test_a_picture_stands_at_the_end_of_the_body(fake: FakeWorld, end: str) -> None:
    recipient = with_extras(fake, f"<p>Hello</p>{end}", track_opens=True)
    text = str(recipient.content["text"])
    assert re.fullmatch(rf"<p>Hello</p><img [^>]*>{end}", text)


def test_a_picture_is_no_link_and_a_link_no_picture(fake: FakeWorld) -> None:
    linked = a_message("ann", strategy=at_once("email"), links={"url": "https://a.example"})
    with pytest.raises(NotFound):
        email.record_opening(fake.ports, render.link_token(fake.vault, linked, CHUNK, REF, "url"))
    with pytest.raises(NotFound):
        render.read_link(fake.vault, render.open_token(fake.vault, linked, CHUNK, REF))
    email.record_opening(fake.ports, render.open_token(fake.vault, linked, CHUNK, REF))
    assert not fake.ledger.partitions, "its history has expired"


def prepared(content: Content, name: str) -> Content:
    template = a_template(contents={ChannelType.EMAIL: content}, links=frozenset())
    world = FakeWorld().ports
    contents, _ = render.prepare(world, template, {"name": name}, opened(world, a_channel("mail")))
    return contents["mail"]


HOSTILE = '<a href="https://evil.example">click</a>'


@pytest.mark.parametrize(
    ("text", "filled", "as_html"),
    [
        ("Hello {{name}}", f"Hello {HOSTILE}", False),
        ("<b>Hello</b> {{name}}", f"<b>Hello</b> {html.escape(HOSTILE)}", None),
        ("1 < 2, {{name}}", f"1 < 2, {HOSTILE}", False),
    ],
)
def test_what_somebody_wrote_into_a_variable_turns_no_text_into_html_and_no_html_into_another(
    text: str, filled: str, as_html: bool | None
) -> None:
    world = FakeWorld().ports
    content = {ChannelType.EMAIL: {"subject": "s", "text": text}}
    contents, _ = render.prepare(
        world,
        a_template(contents=content, links=frozenset()),
        {"name": HOSTILE},
        opened(world, a_channel("mail")),
    )
    assert contents["mail"]["text"] == filled
    assert contents["mail"].get("html") is as_html


def test_a_template_may_say_what_its_text_is() -> None:
    for as_html, filled in ((True, "&lt;i&gt;"), (False, "<i>")):
        fields = {"subject": "s", "text": "<tag>{{name}}", "html": as_html}
        content = {ChannelType.EMAIL: fields}
        world = FakeWorld().ports
        contents, _ = render.prepare(
            world,
            a_template(contents=content, links=frozenset()),
            {"name": "<i>"},
            opened(world, a_channel("mail")),
        )
        assert contents["mail"]["text"] == f"<tag>{filled}"
        assert is_html(contents["mail"]) is as_html


def test_values_stay_in_the_line_of_their_header_and_the_plain_text_has_the_links() -> None:
    world = FakeWorld().ports
    raw = {
        "subject": "s",
        "text": "<p>{{name}} {{url}}</p>",
        "plain_text": "{{name}} {{url}}",
        "reply_to": "{{name}}",
        "headers": {"X-Campaign": "{{name}}"},
    }
    contents, links = render.prepare(
        world,
        a_template(contents={ChannelType.EMAIL: raw}, links=frozenset({"url"})),
        {"name": "<i>\r\nBcc: x@y.cn", "url": "https://v.example/"},
        opened(world, a_channel("mail")),
    )
    filled = contents["mail"]
    assert filled["reply_to"] == filled["headers"]["X-Campaign"] == "<i> Bcc: x@y.cn"
    assert filled["plain_text"] == "<i>\r\nBcc: x@y.cn {{url}}"
    assert links == {"url": "https://v.example/"}
