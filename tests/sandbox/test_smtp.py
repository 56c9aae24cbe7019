from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from infra.sandbox.server import new_core
from infra.sandbox.smtp import server as smtp
from infra.sandbox.vendor import Options
from tests.liveness import GIVES_UP, HANG, PATIENCE, eventually
from tests.providers.sandboxes import Sandbox, running, webhook

SENDER = "news@corp.example"


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    with running("--late", "30", "--timeout-hang", str(HANG), "--retry-after", "1") as sandbox:
        yield sandbox


@pytest.fixture
def box(started: Sandbox) -> Sandbox:
    started.clear()
    return started


@contextmanager
def connected(
    box: Sandbox, mode: str = "smtp", timeout: float = PATIENCE
) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context(cadata=box.ask("GET", "/_sandbox/certificate").text)
    port = box.about[f"{mode}_port"]
    if mode == "smtps":
        client: smtplib.SMTP = smtplib.SMTP_SSL("127.0.0.1", port, context=context, timeout=timeout)
    else:
        client = smtplib.SMTP("127.0.0.1", port, timeout=timeout)
    with client:
        if mode == "starttls":
            client.starttls(context=context)
        yield client


def mail(text: str = "hello", html: str = "") -> str:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"], message["Message-ID"] = (
        SENDER,
        "x@example.com",
        "Hi",
        "<m.1@corp.example>",
    )
    message.set_content(text)
    if html:
        message.add_alternative(html, subtype="html", cte="base64")
    return message.as_string()


def reply_to_recipient(box: Sandbox, address: str) -> tuple[int, bytes]:
    with connected(box) as client:
        client.ehlo()
        client.mail(SENDER)
        return client.rcpt(address)


@pytest.mark.parametrize("mode", ["smtp", "smtps", "starttls"])
def test_every_listener_takes_mail_with_and_without_a_login(box: Sandbox, mode: str) -> None:
    for login in (False, True):
        with connected(box, mode) as client:
            if login:
                client.login("anyone", "anything")
            client.sendmail(SENDER, ["a@example.com"], mail())
    calls = box.get("calls", contact="a@example.com")["calls"]
    assert [(call["endpoint"], call["outcome"], call["token"]) for call in calls] == [
        (mode, "accepted", "<m.1@corp.example>")
    ] * 2
    assert box.sends("a@example.com") == 2


def test_the_password_wrong_is_wrong(box: Sandbox) -> None:
    with connected(box) as client, pytest.raises(smtplib.SMTPAuthenticationError):
        client.login("anyone", "wrong")


def test_the_starttls_listener_takes_nothing_without_tls(box: Sandbox) -> None:
    with (
        smtplib.SMTP("127.0.0.1", box.about["starttls_port"], timeout=PATIENCE) as client,
        pytest.raises(smtplib.SMTPException),
    ):
        client.sendmail(SENDER, ["a@example.com"], mail())
    assert box.sends("a@example.com") == 0


def test_the_certificate_must_be_trusted(box: Sandbox) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        smtplib.SMTP_SSL(
            "127.0.0.1", box.about["smtps_port"], context=ssl.create_default_context(), timeout=8
        )


def test_a_refused_recipient_is_named_and_the_others_get_the_mail(box: Sandbox) -> None:
    with connected(box) as client:
        refused = client.sendmail(SENDER, ["a@example.com", "a-reject@example.com"], mail())
    assert refused == {"a-reject@example.com": (550, b"5.1.1 No such user here")}
    assert box.outcomes("a-reject@example.com") == ["refused"]
    assert (box.sends("a@example.com"), box.sends("a-reject@example.com")) == (1, 0)


@pytest.mark.parametrize(
    ("behaviour", "code", "outcome"), [("flaky", 451, "failed"), ("throttle", 450, "throttled")]
)
def test_a_temporary_refusal_comes_once(
    box: Sandbox, behaviour: str, code: int, outcome: str
) -> None:
    address = f"a-{behaviour}@example.com"
    assert reply_to_recipient(box, address)[0] == code
    with connected(box) as client:
        assert client.sendmail(SENDER, [address], mail()) == {}
    assert box.outcomes(address) == [outcome, "accepted"]


@pytest.mark.parametrize("behaviour", ["undelivered", "silent", "double"])
def test_what_smtp_cannot_report_is_taken_like_any_mail(box: Sandbox, behaviour: str) -> None:
    with connected(box) as client:
        assert client.sendmail(SENDER, [f"a-{behaviour}@example.com"], mail()) == {}
    assert box.sends(f"a-{behaviour}@example.com") == 1


def test_a_late_answer_is_a_little_late(box: Sandbox) -> None:
    with connected(box) as client:
        assert client.sendmail(SENDER, ["a-late@example.com"], mail()) == {}
    assert [pauses_for(word) for word in ("late", "deliver")] == [[smtp.LATE_SECONDS], []]


def pauses_for(word: str) -> list[float]:
    """The seconds that a mail server waits before it answers."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    core = new_core(Options(30.0, HANG, 1, 1.0))
    envelope = Envelope()
    envelope.rcpt_tos = [f"a-{word}@example.com"]
    server = smtp.MailServer(core, "smtp", pause)
    assert asyncio.run(server.handle_DATA(SMTP(server), Session(None), envelope)).startswith("250")
    return pauses


def test_a_mail_whose_answer_stays_away_was_taken_and_a_repeat_is_a_second_one(
    box: Sandbox,
) -> None:
    address = "a-timeout@example.com"
    with (
        pytest.raises((TimeoutError, smtplib.SMTPServerDisconnected)),
        connected(box, timeout=GIVES_UP) as client,
    ):
        client.sendmail(SENDER, [address], mail())
    with connected(box) as client:
        client.sendmail(SENDER, [address], mail())
    assert box.outcomes(address) == ["timeout", "accepted"]
    assert box.sends(address) == 2


def test_a_person_opens_the_link_of_a_mail_whatever_its_encoding(box: Sandbox) -> None:
    with webhook() as page:
        link = page.url.replace("/hook?token=t", "/s/a?b=1&c=2")
        html = f'<a href="{link.replace("&", "&amp;")}">go</a>'
        with connected(box) as client:
            client.sendmail(SENDER, ["a-click@example.com"], mail("no link here", html))
        eventually(lambda: page.seen)
        assert [(seen.method, seen.path) for seen in page.seen] == [("GET", "/s/a?b=1&c=2")]


def test_the_inbox_shows_mails_decoded(box: Sandbox) -> None:
    with connected(box) as client:
        client.sendmail(SENDER, ["a@example.com"], mail("one", "<p>two</p>"))
    (message,) = box.get("inbox", contact="a@example.com")["messages"]
    assert message["provider_id"] == "<m.1@corp.example>"
    assert message["content"]["subject"] == "Hi"
    assert message["content"]["from"] == SENDER
    assert [text.strip() for text in message["content"]["texts"]] == ["one", "<p>two</p>"]
