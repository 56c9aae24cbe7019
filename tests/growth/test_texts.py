"""Whatever reads a text from outside takes no more than its share of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from chalicelib import observability
from chalicelib.console import typed_json
from chalicelib.domain import (
    channel_options,
    contacts,
    crons,
    email,
    links,
    sms,
    template_advice,
    templates,
    user_agents,
    zones,
)
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid, OpenUMSError, ProviderError, Refusal
from chalicelib.domain.rules import personal, sensitive_words
from chalicelib.entrypoints.http import credentials, cursors, language, multipart
from chalicelib.entrypoints.http.public import preferences
from chalicelib.entrypoints.http.schemas import base, user_entries
from chalicelib.flow.content import attachments
from chalicelib.flow.content import links as content_links
from chalicelib.manage import operation_growth
from chalicelib.providers import base as vendor
from chalicelib.providers.alipay_life import alipay_content
from chalicelib.providers.email import mail, replies
from chalicelib.providers.sms import jsms_registry
from chalicelib.providers.wechat import crypto, registry
from chalicelib.web.egress import Policy
from chalicelib.web.smtp import Reply
from tests.growth.hostile import texts
from tests.growth.measure import check_growth

CONTENT = 24_000  # characters: as much as a long mail. A square shows well below the limits.
HEADER = 8_000  # API Gateway hands on 10,240 bytes of headers

Reader = Callable[[str], Any]


def _typed(kind: Any) -> Reader:
    return TypeAdapter(kind).validate_python


def _links(text: str) -> None:
    content_links.in_html(text, content_links.Links({}, ()))
    content_links.in_text(text, content_links.Links({}, ()))


def _template(text: str) -> None:
    kind = ChannelType.EMAIL
    template = templates.Template(1, 1, "key", "name", {kind: {"text": text}})
    templates.render({"text": text}, templates.values_of(template, {"a": "x"}))


# Words that stand in each other, and match at each letter of a longer one.
WORDS = sensitive_words.Finder({"x" * n: True for n in range(1, sensitive_words.MAX_LENGTH + 1)})

READERS: dict[str, tuple[int, Reader]] = {
    "variables": (CONTENT, _template),
    "placeholders": (CONTENT, templates.placeholders),
    "personal values": (CONTENT, lambda text: personal.fill({"text": text}, {"a": "x"})),
    "defaults": (CONTENT, lambda t: personal.names_in("{{user.a|default:" + t)),
    "names of attributes": (CONTENT, lambda text: personal.without("{{user." + text)),
    "without placeholders": (CONTENT, templates.without_placeholders),
    "warnings": (
        CONTENT,
        lambda t: list(template_advice.too_long({ChannelType.SMS: {"content": t}})),
    ),
    "links": (CONTENT, _links),
    "html": (CONTENT, lambda text: email.is_html({"text": text})),
    "plain text of html": (CONTENT, mail.plain_text),
    "log fields": (CONTENT, lambda text: observability.mask({"reason": text, text: 1})),
    "addresses": (CONTENT, lambda text: links.refusal("http://" + text)),
    "meant addresses": (CONTENT, links.is_meant),
    "uris": (CONTENT, lambda text: links.uri("http://" + text)),
    "uris' paths": (CONTENT, lambda text: links.uri("http://a.cn/中/" + text)),
    "egress": (CONTENT, lambda text: Policy().refusal("http://" + text)),
    "checked addresses": (CONTENT, lambda text: base.check_address("http://" + text)),
    "replies of people": (CONTENT, channel_options.Options().wants_out),
    "replies of mail servers": (CONTENT, lambda t: replies.outcome(Reply("rcpt", 550, t))),
    "file names": (4096, attachments.file_name),
    "user agents": (HEADER, lambda text: user_agents.is_bot({"user-agent": text})),
    "languages": (HEADER, lambda t: language.preferred(t, language.Language.ENGLISH)),
    "credentials": (HEADER, lambda text: credentials.basic("Basic " + text)),
    "media types": (HEADER, lambda text: multipart.parts(text, b"x")),
    "boundaries": (HEADER, lambda t: multipart.parts("multipart/form-data; boundary=" + t, b"")),
    "users' cursors": (HEADER, cursors.user),
    "cursors": (HEADER, cursors.text),
    "ids in cursors": (HEADER, cursors.identifier),
    "user ids": (CONTENT, _typed(base.UserId)),
    "tags": (CONTENT, _typed(base.Tag)),
    "names": (CONTENT, _typed(base.Name)),
    "phones": (CONTENT, _typed(user_entries.Phone)),
    "mailboxes": (CONTENT, _typed(user_entries.Email)),
    "ids": (CONTENT, _typed(user_entries.Id)),
    "members of corporations": (CONTENT, _typed(user_entries.LinkedCorpId)),
    "canonical phones": (CONTENT, lambda t: contacts.owner_names(ChannelType.SMS, t)),
    "canonical mailboxes": (CONTENT, lambda t: contacts.owner_names(ChannelType.EMAIL, t)),
    "identifiers of vendors": (CONTENT, vendor.identifier),
    "forms of vendors": (CONTENT, lambda text: vendor.read_form(text.encode())),
    "times of vendors": (CONTENT, lambda t: vendor.china_time(t, "%Y-%m-%d %H:%M:%S")),
    "fields of wechat": (CONTENT, registry.fields_of),
    "fields of alipay": (CONTENT, alipay_content.fields_of),
    "fields of jsms": (CONTENT, jsms_registry.fields_of),
    "sensitive words": (CONTENT, WORDS.find_in_markup),
    "words": (CONTENT, sensitive_words.check_word),
    "signatures of sms": (CONTENT, lambda text: sms.is_signed(text, "a")),
    "crons": (CONTENT, crons.parse),
    "crons of many parts": (CONTENT, lambda text: crons.parse(f"0 0 {text} * *")),
    "time zones": (CONTENT, zones.zone),
    "json that people type": (CONTENT, typed_json.read),
    "forms of people": (CONTENT, lambda text: preferences._form(text.encode())),
    "xml": (CONTENT, lambda text: crypto.read_tree(text.encode())),
    "xml in an element": (CONTENT, lambda t: crypto.read_tree(f"<xml><a>{t}</a></xml>".encode())),
    **{
        f"contacts of {kind}": (CONTENT, pattern.fullmatch)
        for kind, (pattern, _) in operation_growth._PATTERNS.items()
    },
}
REFUSALS = (Invalid, Refusal, OpenUMSError, ProviderError, ValidationError, ValueError)


@pytest.mark.parametrize("name", READERS)
def test_a_text_takes_no_more_than_its_share(name: str) -> None:
    most, read = READERS[name]

    def build(size: int) -> Callable[[], object]:
        hostile = texts(size)

        def work() -> None:
            for text in hostile:
                with suppress(*REFUSALS):
                    read(text)

        return work

    check_growth(build, most)


@pytest.mark.parametrize(
    ("opening", "closing"), [("<a href='http://a.cn'>x", "</a>"), ("<p>x", "</p>"), ("<b>", "")]
)
def test_nested_html_takes_no_more_than_its_share(opening: str, closing: str) -> None:
    def build(size: int) -> Callable[[], object]:
        text = opening * size + closing * size
        return lambda: mail.plain_text(text)

    check_growth(build, 8_000)
