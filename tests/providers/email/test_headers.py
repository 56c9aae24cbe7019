"""Headers as other programs read them."""

from __future__ import annotations

import email
import email.policy
import re
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.provider_io import Attachment
from chalicelib.providers.email import headers, mail
from tests.providers.email import decoders
from tests.providers.email.calls import written
from tests.providers.email.subjects import subjects

SUBJECTS = list(dict.fromkeys(subjects()))
_WORD = re.compile(r"=\?utf-8\?[bq]\?([^ ?]+)\?=")


def value(header: bytes) -> bytes:
    """Return a header's value with its folding, as a server would hand it on."""
    assert header.endswith(b"\r\n")
    return header.partition(b": ")[2][:-2]


def test_there_are_thousands_of_subjects() -> None:
    assert len(SUBJECTS) > 2500


def test_lines_and_words_keep_their_lengths_and_characters_stay_whole() -> None:
    for subject in SUBJECTS:
        header = headers.text("Subject", subject).decode("ascii")
        lines = header.removesuffix("\r\n").split("\r\n")
        assert all(0 < len(line.strip()) <= len(line) <= 76 for line in lines), subject
        assert all(line.startswith(" ") for line in lines[1:]), subject
        for word in re.findall(r"=\?.*?\?=(?= |\r|$)", header):
            assert _WORD.fullmatch(word), subject
            assert len(word) <= 75, subject
            ((text, charset),) = decode_header(word)
            assert text.decode(charset)  # a cut character would raise


def test_perl_reads_each_subject_as_it_was_written() -> None:
    raw = [value(headers.text("Subject", subject)) for subject in SUBJECTS]
    # Blanks of the folding are a reader's to remove (RFC 5322 2.2.3), and Perl's only encoded.
    plain = [re.sub(rb"\r\n(?= )", b"", line) for line in raw]
    for lines in (raw, plain):
        read = decoders.perl_headers(lines)
        assert [text.replace("\r\n ", " ") for text in read] == SUBJECTS


@pytest.mark.parametrize("policy", [email.policy.default, email.policy.compat32])
def test_python_reads_each_subject_as_it_was_written(policy: email.policy.Policy) -> None:
    for subject in SUBJECTS:
        raw = headers.text("Subject", subject)
        read = email.message_from_bytes(raw + b"\r\n", policy=policy)["Subject"]
        unfolded = read.replace("\r\n", "").replace("\n", "")
        text = str(make_header(decode_header(unfolded))) if policy.mangle_from_ else unfolded
        assert text == subject


def test_each_name_of_a_sender_is_read_as_it_was_written() -> None:
    names = [subject[:200].strip(" ") for subject in SUBJECTS]
    raw = [headers.mailbox("From", name, "a@corp.example") for name in names]
    assert all(len(line) <= 76 for header in raw for line in header.split(b"\r\n"))
    for name, header in zip(names, raw, strict=True):
        read, address = parseaddr(re.sub(rb"\r\n(?= )", b"", value(header)).decode("ascii"))
        assert address == "a@corp.example"
        assert decoders.python_header(read.encode()) == name
    encoded = [(name, header) for name, header in zip(names, raw, strict=True) if b"=?" in header]
    read_by_perl = decoders.perl_headers([value(header) for _, header in encoded])
    unfolded = [text.replace("\r\n ", " ") for text in read_by_perl]
    assert unfolded == [f"{name} <a@corp.example>" for name, _ in encoded]


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("", b"From: a@corp.example\r\n"),
        ("Bob Smith", b"From: Bob Smith <a@corp.example>\r\n"),
        ("Smith, Bob", b'From: "Smith, Bob" <a@corp.example>\r\n'),
        ('my "name"', b"From: =?utf-8?b?bXkgIm5hbWUi?= <a@corp.example>\r\n"),
        ("Office Müller", b"From: =?utf-8?q?Office_M=C3=BCller?= <a@corp.example>\r\n"),
    ],
)
def test_names_are_encoded_where_they_have_to_be(name: str, header: bytes) -> None:
    assert headers.mailbox("From", name, "a@corp.example") == header


@given(st.text(min_size=1, max_size=400))
def test_any_text_is_one_header_that_python_reads_or_is_refused(text: str) -> None:
    try:
        header = headers.text("Subject", text)
    except ValueError:
        return
    assert re.fullmatch(rb"[^\r\n]+(?:\r\n [^\r\n]+)*\r\n", header)
    assert decoders.python_header(value(header)) == text


NAMES = [subject.replace("\u00a0", " ") + ".pdf" for subject in SUBJECTS[::7]]


@pytest.mark.parametrize("policy", [email.policy.default, email.policy.compat32])
def test_each_name_of_a_file_is_read_as_it_was_written(policy: email.policy.Policy) -> None:
    for name in NAMES:
        raw = written({"subject": "s", "text": "t"}, Attachment(name, "application/pdf", b"1"))
        assert all(len(line) <= 76 and line.isascii() for line in raw.split(b"\r\n"))
        part = email.message_from_bytes(raw, policy=policy).get_payload()[1]
        assert part.get_filename() == name


def test_perl_reads_each_text_as_it_was_written() -> None:
    """Lines of a text end by CRLF, and a long line or a blank at its end is not lost."""
    texts = ["\r\n".join(SUBJECTS[n : n + 40]) + " \t\r\n.\r\n " for n in range(0, 2000, 40)]
    bodies = []
    for text in texts:
        raw = written({"subject": "s", "text": text, "html": False})
        bodies.append(raw.partition(b"\r\n\r\n")[2])
    assert all(len(line) <= 76 for body in bodies for line in body.split(b"\r\n"))
    lines_of = [text.replace("\r\n", "\n") for text in texts]  # as Perl gives lines back
    assert decoders.perl_quoted_printable(bodies) == lines_of


def test_a_boundary_is_in_no_part_whatever_the_files_hold() -> None:
    inner = written({"subject": "s", "text": "<p>t</p>"}, Attachment("a", "text/plain", b"--=_"))
    outer = written({"subject": "s", "text": "<p>t</p>"}, Attachment("m.eml", "x/y", inner))
    parts = list(email.message_from_bytes(outer, policy=email.policy.default).walk())
    assert [part.get_content_type() for part in parts] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "x/y",
    ]
    assert parts[-1].get_payload(decode=True) == inner


def test_a_message_id_is_one_and_the_same() -> None:
    assert mail.message_id("m.0.1.shop.0", "corp.example") == "<m.0.1.shop.0@corp.example>"
    odd = mail.message_id("m 0", "corp.example")
    assert re.fullmatch(r"<[0-9a-f]{40}@corp\.example>", odd)
    assert odd == mail.message_id("m 0", "corp.example")
