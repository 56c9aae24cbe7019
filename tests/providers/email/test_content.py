"""Parts that a content may add to a mail: an address for answers, headers, a plain text."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage
from typing import Any

import pytest

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Account
from chalicelib.providers.email import content, mail
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web.egress import Policy
from tests.providers.email.calls import written

HTML = "<p>Grüße</p>"


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_content_may_have_its_own_plain_text_headers_and_address_for_answers() -> None:
    own = {
        "subject": "s",
        "text": HTML,
        "plain_text": "Grüße, von Hand",
        "reply_to": "help@bücher.example",
        "headers": {
            "Auto-Submitted": "auto-generated",
            "References": "<a@corp.example> <b@corp.example>",
            "Organization": "书店",
        },
    }
    Smtp(Policy()).check_content(own)
    read = parsed(written(own, sender=mail.Sender("a@corp.example", reply_to="x@corp.example")))
    assert read["Reply-To"] == "help@xn--bcher-kva.example"
    assert {name: read[name] for name in own["headers"]} == own["headers"]
    plain, html = read.iter_parts()
    assert plain.get_content().strip() == "Grüße, von Hand"
    assert html.get_content().strip() == HTML


def test_the_channel_has_an_address_for_answers_too() -> None:
    sender = mail.Sender("a@corp.example", reply_to="x@corp.example")
    raw = written({"subject": "s", "text": "t"}, sender=sender)
    assert parsed(raw)["Reply-To"] == "x@corp.example"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"plain_text": "only beside HTML"}, "plain_text"),
        ({"plain_text": 1, "text": HTML}, "plain_text"),
        ({"reply_to": "nobody"}, "reply_to"),
        ({"reply_to": "张三@example.cn"}, "reply_to"),
        ({"reply_to": "a@b.cn\r\nBcc: c@d.cn"}, "reply_to"),
        ({"headers": []}, "headers"),
        ({"headers": {"Bcc": "a@b.cn"}}, "headers.Bcc"),
        ({"headers": {"From": "a@b.cn"}}, "headers.From"),
        ({"headers": {"X-SMTPAPI": "{}"}}, "headers.X-SMTPAPI"),
        ({"headers": {"X-SES-CONFIGURATION-SET": "x"}}, "headers.X-SES-CONFIGURATION-SET"),
        ({"headers": {"Precedence": "bulk\r\nBcc: a@b.cn"}}, "headers.Precedence"),
        ({"headers": {"Organization": "a\nBcc: a@b.cn"}}, "headers.Organization"),
        ({"headers": {"References": "书"}}, "headers.References"),
        ({"headers": {"Precedence": ""}}, "headers.Precedence"),
        ({"headers": {"Precedence": 1}}, "headers.Precedence"),
        ({"headers": dict.fromkeys(map(str, range(21)), "x")}, "headers"),
    ],
)
def test_it_may_have_nothing_that_names_people_or_commands_a_relay(
    more: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        content.check({"subject": "s", "text": "t", **more}, Policy())
    assert error.value.field == field


@pytest.mark.parametrize(
    "more",
    [
        {"headers": {"Bcc": "a@b.cn"}},
        {"headers": {"Precedence": "bulk\r\nBcc: a@b.cn"}},
        {"headers": {"Organization": "a\r\nBcc: a@b.cn"}},
        {"reply_to": "a@b.cn\r\nBcc: c@d.cn"},
        {"reply_to": "a@b.cn, c@d.cn"},
    ],
)
def test_what_was_filled_in_is_checked_when_the_mail_is_written(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        written({"subject": "s", "text": "t", **more})


def test_a_template_may_have_variables_in_them() -> None:
    content.check(
        {
            "subject": "s",
            "text": "t",
            "reply_to": "{{clerk}}@corp.example",
            "headers": {"References": "<{{order}}@corp.example>", "X-Campaign": "{{name}}"},
        },
        Policy(),
    )


@pytest.mark.parametrize(
    ("option", "value"),
    [("reply_to", "x"), ("list_id", "one"), ("list_id", "a b.cn"), ("list_id", "a.cn>\r\nBcc: x")],
)
def test_a_senders_options_are_checked(option: str, value: str) -> None:
    options = {"server": "m", "sender": "a@b.org", option: value}
    with pytest.raises(Invalid, match=option):
        Smtp(Policy()).check_credentials({}, options)


def test_a_mail_with_a_way_out_belongs_to_a_list() -> None:
    account = Account("news", {}, {"sender": "a@corp.example"})
    sender = content.sender(account.code, account.options)
    assert sender is not None
    of_list = written({"subject": "s", "text": "t"}, sender=sender, unsubscribe="https://u.cn/u")
    assert parsed(of_list)["List-Id"] == "<news.corp.example>"
    assert "List-Id" not in parsed(written({"subject": "s", "text": "t"}, sender=sender))
    options = {**account.options, "list_id": "weekly.corp.example"}
    named = content.sender(account.code, options)
    assert named is not None
    assert named.list_id == "weekly.corp.example"
