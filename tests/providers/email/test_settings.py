"""Settings and contents of SMTP, and the text of mails."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
from chalicelib.domain.provider_io import Attachment
from chalicelib.providers.email import mail
from chalicelib.providers.email.plain import plain_text
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web.egress import Policy
from tests.providers.email.calls import POLICY, pem, written


@pytest.mark.parametrize(
    ("raw", "options", "field"),
    [
        ({}, {}, "options.server"),
        ({"user": "u"}, {"server": "m"}, "credentials.user"),
        ({"username": "u"}, {"server": "m"}, "credentials.password"),
        ({}, {"server": "m", "encryption": "ssl"}, "options.encryption"),
        ({}, {"server": "m", "port": "25"}, "options.port"),
        ({}, {"server": "m", "port": True}, "options.port"),
        (
            {"username": "u", "password": "p"},
            {"server": "m", "encryption": "none"},
            "options.encryption",
        ),
        ({}, {"server": "m", "encryption": "none", "sender": "a@b.org"}, "options.encryption"),
        ({}, {"server": "m"}, "options.sender"),
        ({}, {"server": "m", "sender": "x"}, "options.sender"),
        (
            {},
            {"server": "m", "sender": "a@b.org", "sender_name": "x\nBcc: y"},
            "options.sender_name",
        ),
        ({}, {"server": "m", "sender": "a@b.org", "ca": "/etc/passwd"}, "options.ca"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(
    raw: dict[str, Any], options: dict[str, Any], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        Smtp(Policy()).check_credentials(raw, options)
    assert error.value.field == field


def test_settings_that_can_work() -> None:
    Smtp(Policy()).check_credentials(
        {"username": "u", "password": "p"}, {"server": "m", "sender": "a@b.org"}
    )
    Smtp(Policy(("smtp://m:25",))).check_credentials(
        {}, {"server": "m", "sender": "a@b.org", "encryption": "none"}
    )
    Smtp(Policy(("m",))).check_credentials(
        {"username": "u", "password": "p"},
        {"server": "m", "sender": "a@b.org", "encryption": "none"},
    )
    Smtp(Policy()).check_credentials(
        {}, {"server": "m", "sender": "a@b.org", "ca": pem(), "port": 2465, "encryption": "tls"}
    )


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({}, "subject"),
        ({"subject": "s"}, "text"),
        ({"subject": "s\nBcc: x", "text": "t"}, "subject"),
        ({"subject": "s\x85t", "text": "t"}, "subject"),
        ({"subject": "s", "text": "t", "files": "https://a.cn"}, "files"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn"] * 11}, "files"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn", "a.cn"]}, "files[1]"),
        ({"subject": "s", "text": "t", "files": ["file:///etc/passwd"]}, "files[0]"),
        ({"subject": "s", "text": "t", "files": ["https://a.cn/b", "http://a.cn/b"]}, "files[1]"),
        ({"subject": "s", "text": "t", "files": ["https://169.254.169.254/"]}, "files[0]"),
        (
            {"subject": "s", "text": "t", "files": ["https://a.cn/{}".format("x" * 2048)]},
            "files[0]",
        ),
        ({"subject": "s", "text": "t", "files": [None]}, "files[0]"),
        ({"subject": "s", "text": "t", "more": []}, "more"),
        ({"subject": "s", "text": 1}, "text"),
    ],
)
def test_contents_that_a_template_may_not_have(content: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as error:
        Smtp(Policy()).check_content(content)
    assert error.value.field == field


def test_attachments_come_behind_the_text_under_their_names() -> None:
    files = (
        Attachment("\u62a5\u544a.pdf", "application/pdf", b"%PDF-\x00\xff" * 1000),
        Attachment("a", "application/octet-stream", b"x"),
    )
    raw = written({"subject": "s", "text": "<p>hi</p>"}, *files)
    assert max(map(len, raw.split(b"\r\n"))) < 998
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert [
        (part.get_filename(), part.get_content_type(), part.get_content())
        for part in parsed.iter_attachments()
    ] == [
        ("\u62a5\u544a.pdf", "application/pdf", files[0].body),
        ("a", "application/octet-stream", b"x"),
    ]
    assert parsed.get_body(("html",)).get_content().strip() == "<p>hi</p>"


def test_contents_that_it_may_have() -> None:
    Smtp(Policy()).check_content(
        {"subject": "s", "text": "t", "files": ["https://a.cn/b?c=d", "{{file}}"]}
    )
    Smtp(Policy()).check_content({"subject": "s", "text": "t", "files": ["https://a.cn"] * 10})
    Smtp(Policy()).check_content(
        {"subject": "{{name}}: news", "text": '<p>{{text}} <a href="{{url}}">more</a></p>'}
    )


HTML = (
    "<html><head><title>T</title><style>p{}</style></head><body><h1>Hi &amp; "
    "bye</h1><p>One<br>two</p>"
    '<ul><li>a</li><li>b</li></ul><a href="https://e.org/x">more</a><script>x</script></body></ht'
    "ml>"
)


def built(content: dict[str, Any], reference: str = "ref") -> Any:
    raw = written(content, reference=reference)
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert all(byte < 128 for byte in raw)
    return email.message_from_bytes(raw, policy=email.policy.default)


@pytest.mark.parametrize(
    ("text", "html", "kind"),
    [("<p>as it is", False, "text/plain"), ("<tag>", True, "multipart/alternative")],
)
def test_a_mail_is_what_it_says_whatever_tags_it_has(text: str, html: bool, kind: str) -> None:
    assert built({"subject": "S", "text": text, "html": html}).get_content_type() == kind


def test_html_has_a_plain_text_part_beside_it() -> None:
    parsed = built({"subject": "S", "text": HTML})
    plain, html = parsed.iter_parts()
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert html.get_content().strip() == HTML
    text = plain.get_content().replace("\r\n", "\n")
    assert "Hi & bye" in text
    assert "One\ntwo" in text
    assert "- a\n- b" in text
    assert "more (https://e.org/x)" in text
    assert not any(hidden in text for hidden in ("p{}", "x</", "<", "T\n"))


def test_text_with_angle_brackets_stays_text() -> None:
    assert (
        built({"subject": "S", "text": "1 < 2 and a <b@c.org> wrote"}).get_content_type()
        == "text/plain"
    )


@given(st.text(max_size=300), st.text(max_size=3000), st.text(max_size=100))
def test_any_subject_and_text_give_a_mail_with_our_headers_only_or_are_refused(
    subject: str, text: str, reference: str
) -> None:
    try:
        parsed = built({"subject": subject, "text": text}, reference)
    except ValueError:
        return
    allowed = {
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
    assert {name.lower() for name in parsed} <= allowed
    assert len(parsed.keys()) == len(set(parsed.keys()))
    assert parsed["To"] == "b@example.org"


INJECTED = "=?utf-8?q?a=0d=0aBcc:_evil=40example.com?="


def test_an_encoded_word_in_a_text_is_a_text() -> None:
    """A subject such as `1+1=?` is nothing special, and a hidden line break stays hidden."""
    for subject in (INJECTED, f"Hi {INJECTED}", "1+1=?"):
        Smtp(POLICY).check_content({"subject": subject, "text": "t"})
        raw = written(
            {"subject": subject, "text": "t"}, sender=mail.Sender("a@corp.example", subject)
        )
        parsed = email.message_from_bytes(raw)  # each header is decoded once
        assert "Bcc" not in parsed
        for name in ("Subject", "From"):
            assert subject in str(make_header(decode_header(parsed[name])))
    assert mail.address(f"{INJECTED}@example.org".replace(":", "=3a")) is None
    assert mail.address("=?utf-8?q?a?=@example.org") is None


@pytest.mark.parametrize("sign", ["<a ", '<a href="', "<!--", "</", "<p "])
def test_a_text_of_unclosed_tags_is_read_at_once(sign: str) -> None:
    """Without the escape, the parser would take minutes for each text."""
    parsed = built({"subject": "s", "text": "<p>so</p>" + sign * 40_000})
    assert parsed.get_body(("plain",)).get_content().startswith("so")


def test_signs_that_begin_no_tag_and_comments_are_read_as_people_would() -> None:
    assert (
        plain_text("<p>1 < 2 <b>and</b> 3 <<br>4<!-- <b>hidden</b> --> 5 <")
        == "1 < 2 and 3 <\n4 5 <\n"
    )
