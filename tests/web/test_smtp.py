"""Our mails as Exim takes and stores them, and its complaints. Skipped without Exim."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, Unavailable
from chalicelib.domain.provider_io import (
    Account,
    Attachment,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
)
from chalicelib.providers.email.smtp import Smtp
from chalicelib.web import smtp
from chalicelib.web.egress import Policy
from tests.liveness import GIVES_UP, eventually
from tests.providers.email import exim
from tests.providers.email.exim import HOST, LARGEST, LOGIN, PER_CONNECTION, Exim

ABSENT = exim.absent()
pytestmark = pytest.mark.skipif(bool(ABSENT), reason=ABSENT)

POLICY = Policy((HOST,), resolve=lambda host, port: ["127.0.0.1"])
OK = Outcome()
HELLO = {"subject": "Hello", "text": "Hello"}


@pytest.fixture(scope="module")
def started() -> Iterator[Exim]:
    with exim.running() as found:
        yield found
        assert found.logged("protocol", "syntax", "panic") == []  # Exim's complaints about a client


@pytest.fixture
def server(started: Exim) -> Exim:
    started.forget()
    return started


def account(
    server: Exim, encryption: str = "none", login: tuple[str, str] | None = None, **options: Any
) -> Account:
    port = server.tls_port if encryption == "tls" else server.port
    settings = {
        "server": HOST,
        "port": port,
        "encryption": encryption,
        "sender": "news@corp.example",
        "ca": server.ca,
        **options,
    }
    return Account(
        "mail", dict(zip(("username", "password"), login, strict=True)) if login else {}, settings
    )


def send(
    account: Account,
    *contacts: str,
    content: Any = HELLO,
    files: tuple[Attachment, ...] = (),
    out: str = "",
    timeout: float = 5.0,
) -> list[Outcome]:
    with Smtp(POLICY, timeout).connect(account) as session:
        recipients = [
            Recipient(contact, content, f"m.{n}", out) for n, contact in enumerate(contacts)
        ]
        return list(session.send(OutgoingCall("m", recipients, files=files)).outcomes)


@pytest.mark.parametrize(
    ("encryption", "login", "protocol"),
    [
        ("none", None, "esmtp"),
        ("none", LOGIN, "esmtpa"),
        ("tls", None, "esmtps"),
        ("tls", LOGIN, "esmtpsa"),
        ("starttls", None, "esmtps"),
        ("starttls", LOGIN, "esmtpsa"),
    ],
)
def test_exim_says_how_a_mail_came(
    server: Exim, encryption: str, login: tuple[str, str] | None, protocol: str
) -> None:
    assert send(account(server, encryption, login), "a@example.org") == [OK]
    (mail,) = server.mails(1)
    assert f" with {protocol} " in " ".join(mail["Received"].split())
    assert mail["Return-path"] == "<news@corp.example>"
    assert mail["Message-ID"] == "<m.0@corp.example>"


@pytest.mark.parametrize("encryption", ["none", "tls", "starttls"])
def test_a_wrong_password_is_misconfigured(server: Exim, encryption: str) -> None:
    with pytest.raises(Misconfigured, match="535"):
        send(account(server, encryption, (LOGIN[0], "wrong")), "a@example.org")


@pytest.mark.parametrize("encryption", ["tls", "starttls"])
def test_its_certificate_is_not_trusted_unasked(server: Exim, encryption: str) -> None:
    with pytest.raises(Misconfigured, match="tls_certificate"):
        send(account(server, encryption, ca=""), "a@example.org")


def test_connections_share_what_they_trust(server: Exim) -> None:
    usual, own = smtp._context(""), smtp._context(server.ca)
    assert usual is smtp._context("")
    assert own is not usual


def test_one_bad_recipient_of_several_is_told_apart(server: Exim) -> None:
    contacts = (
        "a@example.org",
        "nobody@example.org",
        "enhanced@example.org",
        "full@example.org",
        "b@elsewhere.example",
        "grey@example.org",
    )
    assert send(account(server), *contacts) == [
        OK,
        Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
        Outcome(Loss.INVALID_TARGET, "550 5.1.1", undeliverable=True),
        Outcome(Loss.SUBMIT_FAILED, "552 5.2.2"),
        Outcome(
            Loss.SUBMIT_FAILED, "550"
        ),  # relay not permitted: nothing is wrong with the address
        Outcome(code="450", later=True),
    ]
    assert [mail["Envelope-to"] for mail in server.mails(1)] == ["a@example.org"]


def test_a_greylisted_mail_is_taken_later(server: Exim) -> None:
    with pytest.raises(Unavailable, match="450"):
        send(account(server), "grey@example.org")
    server.know()
    assert send(account(server), "grey@example.org") == [OK]
    server.mails(1)


def test_a_sender_who_is_refused_concerns_every_mail(server: Exim) -> None:
    with pytest.raises(Misconfigured, match="550"):
        send(account(server, sender="stranger@corp.example"), "a@example.org")


def test_a_mail_that_is_too_large_is_refused_before_it_is_sent_and_alone(server: Exim) -> None:
    large = Attachment("large.bin", "application/octet-stream", bytes(LARGEST))
    assert (
        send(account(server), "a@example.org", "b@example.org", files=(large,))
        == [Outcome(Loss.SUBMIT_FAILED, "552")] * 2
    )
    smaller = Attachment("smaller.bin", "application/octet-stream", bytes(LARGEST * 2 // 3))
    assert send(account(server), "a@example.org", files=(smaller,)) == [OK]
    server.mails(1)


def test_exim_closes_after_some_mails_and_none_is_lost_or_doubled(server: Exim) -> None:
    contacts = [f"u{n:02}@example.org" for n in range(2 * PER_CONNECTION + 2)]
    assert send(account(server), *contacts) == [OK] * len(contacts)
    assert [mail["Envelope-to"] for mail in server.mails(len(contacts))] == contacts


def test_who_does_not_wait_for_the_answer_cannot_know(server: Exim) -> None:
    assert send(account(server), "slow@example.org", timeout=GIVES_UP) == [
        Outcome(code="timeout", uncertain=True)
    ]
    eventually(
        lambda: server.logged("lost after final dot")
    )  # Exim checks, and drops such a mail. Other servers would keep it.
    server.mails(0)


def test_addresses_of_other_scripts(server: Exim) -> None:
    contacts = (
        "a@bücher.example.org",
        "张三@example.org",
        "a+tag_x'y@example.org",
        f"{'x' * 64}@example.org",
    )
    outcomes = send(
        account(server, sender_name="通知"),
        *contacts,
        content={"subject": "验证码 ☂", "text": "你好"},
    )
    assert outcomes == [
        Outcome(Loss.SUBMIT_FAILED, "550"),
        OK,
        OK,
        OK,
    ]  # Exim does not relay for the first
    by_contact = {str(mail["Envelope-to"]): mail for mail in server.mails(3)}
    assert set(by_contact) == set(contacts[1:])
    assert " with utf8esmtp " in " ".join(by_contact["张三@example.org"]["Received"].split())
    for contact, mail in by_contact.items():
        assert (mail["To"], mail["Subject"]) == (contact, "验证码 ☂")
        assert mail["From"].addresses[0].display_name == "通知"


def test_what_arrives_is_what_was_sent(server: Exim) -> None:
    lines = [
        "Hello",
        ".",
        "..two",
        "." + "x" * 3000,
        "From here",
        "你" * 500,
        "tab\there",
        "bare cr\rbare lf",
        "trailing ",
    ]
    assert send(
        account(server),
        "a@example.org",
        content={"subject": "长" * 200 + " a" * 50, "text": "\n".join(lines)},
    ) == [OK]
    (mail,) = server.mails(1)
    assert mail["Subject"] == "长" * 200 + " a" * 50
    assert mail.get_content().replace("\r\n", "\n").rstrip("\n") == "\n".join(lines).replace(
        "\r", "\n"
    )
    assert all(len(line) <= 998 and line.isascii() for line in server.raw[0].splitlines())


def test_html_its_plain_part_files_and_the_way_out(server: Exim) -> None:
    html = (
        "<html><body><p>Guten Tag &amp; 你好</p>"
        '<a href="https://e.org/x?a=1&amp;b=2">more</a></body></html>'
    )
    files = (
        Attachment("报告 (最终).pdf", "application/pdf", b"%PDF-\x00\xff\r\n.\r\n" * 500),
        Attachment("a.txt", "text/plain", b"one\n.\n"),
        Attachment("a.txt", "text/plain", b"two\r\n"),
        Attachment("m.eml", "message/rfc822", b"Subject: inner\r\n\r\n\xff"),
    )
    out = "https://ums.example/prod/u/" + "t" * 400
    login, content = account(server, "starttls", LOGIN), {"subject": "s", "text": html}
    assert send(login, "a@example.org", content=content, files=files, out=out) == [OK]
    (mail,) = server.mails(1)
    assert mail["List-Unsubscribe"] == f"<{out}>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058 3.1
    plain, marked = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert marked is not None
    assert plain.get_content().strip() == "Guten Tag & 你好\nmore (https://e.org/x?a=1&b=2)"
    assert marked.get_content().strip() == html
    arrived = [
        (part.get_filename(), part.get_payload(decode=True)) for part in mail.iter_attachments()
    ]
    assert arrived == [(file.name, file.body) for file in files]


@pytest.mark.parametrize(
    "name", ['"Evil" <x@y.org>, b', "a\\", "x@y.org", "(comment)", "名" * 60 + ",", "a;b:c,d<e>"]
)
def test_a_senders_name_is_a_name_and_nothing_else(server: Exim, name: str) -> None:
    assert send(
        account(server, sender_name=name), "a@example.org", content={"subject": name, "text": "t"}
    ) == [OK]
    (mail,) = server.mails(1)
    assert [address.addr_spec for address in mail["From"].addresses] == ["news@corp.example"]
    assert {header.lower() for header in mail} <= {
        "return-path",
        "envelope-to",
        "delivery-date",
        "received",
        "from",
        "to",
        "subject",
        "date",
        "message-id",
        "mime-version",
        "content-type",
        "content-transfer-encoding",
    }
