"""Addresses, and odd contents: they must not add headers, nor parts that mail
programs cannot read.
"""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

import pytest

from chalicelib.domain.provider_io import Attachment
from chalicelib.providers.email import mail
from chalicelib.providers.email.plain import plain_text
from tests.providers.email.calls import written


def built(text: str = "t", subject: str = "s", *files: Attachment) -> EmailMessage:
    return email.message_from_bytes(
        written({"subject": subject, "text": text}, *files),
        policy=email.policy.default,
    )


@pytest.mark.parametrize(
    ("contact", "address"),
    [
        ("a@b\u00fccher.example", "a@xn--bcher-kva.example"),
        (
            "a@fa\u00df.de",
            "a@xn--fa-hia.de",
        ),  # IDNA 2003 would make it fass.de, which belongs to another owner
        ("a@\u4f8b\u5b50\u3002\u4e2d\u56fd", "a@xn--fsqu00a.xn--fiqs8s"),
        ("\u5f20\u4e09@example.cn", "\u5f20\u4e09@example.cn"),
        (" A.b+c=d_e'f@Example.org ", "A.b+c=d_e'f@example.org"),
        (f"{'x' * 64}@a.cn", f"{'x' * 64}@a.cn"),
        (f"{'x' * 65}@a.cn", None),
        ("\u5f20" * 22 + "@a.cn", None),  # 66 bytes
        (f"a@{'b.' * 127}cn", None),
        ("a@" + "\u5b50" * 60 + ".cn", None),
        ("a@\u2603.net", None),
        ('"a b"@c.org', None),
        ("\u5f20 \u4e09@c.org", None),
        ("\u5f20\u2028@c.org", None),
        ("\ud800@c.org", None),
        ("a@\ud800.org", None),
        ("a@b\u200e.cn", "a@b.cn"),
        ("a@-b.cn", None),
        ("a@b_c.cn", None),
        (".a@b.cn", None),
        ("a.@b.cn", None),
        ("a@b..cn", None),
    ],
)
def test_addresses(contact: str, address: str | None) -> None:
    assert mail.address(contact) == address


@pytest.mark.parametrize("field", ["subject", "text"])
def test_half_a_surrogate_pair_is_refused(field: str) -> None:
    half = "\udc80"  # EmailMessage would take it for a byte
    with pytest.raises(ValueError, match="surrogates"):
        written({"subject": "s", "text": "t", field: half})


@pytest.mark.parametrize(
    ("html", "plain"),
    [
        ("<table><tr><th>A</th><td>1</td></tr><tr><th>B</th><td>2</td></tr></table>", "A 1\n\nB 2"),
        (
            "<html><head><title>t</title><body><p>the end of head may be left out</p>",
            "the end of head may be left out",
        ),
        ('<p><a href="https://e.org">https://e.org</a></p>', "https://e.org"),
        ('<p><a href="https://e.org"><b>go</b> on</a></p>', "go on (https://e.org)"),
        ('<p>a<hr>b<img alt="Logo"></p>', "a\nbLogo"),
        ('<a href="javascript:x()">x</a>', "x"),
        ("<p>" * 3000 + "deep", "deep"),
    ],
)
def test_the_plain_part_reads_well(html: str, plain: str) -> None:
    assert plain_text(html).strip() == plain


@pytest.mark.parametrize("kind", ["message/rfc822", "multipart/related"])
def test_a_mail_that_is_attached_is_a_file(kind: str) -> None:
    (part,) = built(
        "t", "s", Attachment("a.eml", kind, b"Subject: x\r\n\r\n\xff")
    ).iter_attachments()
    assert (part.get_content_type(), part.get_filename()) == ("application/octet-stream", "a.eml")
    assert part.get_payload(decode=True) == b"Subject: x\r\n\r\n\xff"


@pytest.mark.parametrize(
    "name",
    ["\u62a5\u544a " * 20 + ".pdf", "a\"b;c='d%.pdf", "x" * 128, "\u20ac rates.pdf", "a\u200bb"],
)
def test_names_of_files_survive_and_stay_in_their_header(name: str) -> None:
    (part,) = built("t", "s", Attachment(name, "application/pdf", b"1")).iter_attachments()
    assert part.get_filename() == name
    assert set(part.keys()) <= {
        "Content-Type",
        "Content-Transfer-Encoding",
        "Content-Disposition",
        "MIME-Version",
    }


def test_two_files_may_have_one_name() -> None:
    files = (Attachment("a.txt", "text/plain", b"one"), Attachment("a.txt", "text/plain", b"two"))
    assert [
        part.get_payload(decode=True) for part in built("t", "s", *files).iter_attachments()
    ] == [b"one", b"two"]


@pytest.mark.parametrize("name", ["a\r\nBcc: x@y.org", "a\nb"])
def test_a_line_break_in_a_files_name_goes_nowhere(name: str) -> None:
    try:
        parsed = built("t", "s", Attachment(name, "application/pdf", b"1"))
    except ValueError:
        return
    (part,) = parsed.iter_attachments()
    assert "Bcc" not in parsed
    assert "Bcc" not in part
