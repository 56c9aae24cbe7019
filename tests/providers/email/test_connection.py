"""Connections to a mail server: TLS, login and addresses."""

from __future__ import annotations

import email
import email.policy
import ssl
import time
from dataclasses import replace

import pytest
import trustme

from chalicelib.domain.errors import Misconfigured
from chalicelib.domain.provider_io import CallTime, Loss, Outcome
from chalicelib.web.egress import Policy
from tests.liveness import GIVES_UP, PATIENCE
from tests.providers.email.calls import AUTHORITY, CONTENT, OK, account, mails, outcomes, pem, sent
from tests.providers.email.mailservers import (
    Inbox,
    ScriptedServer,
    authenticator,
    independent,
    usual,
)


def server_context(name: str = "mail.example.test", ca: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name).configure_cert(context)
    return context


def test_a_job_uses_one_connection_and_each_mail_has_our_id() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        answers = sent(
            account(port, sender_name="B\u00fcro, Nord"),
            mails("a@example.org", "b@example.org"),
            mails("c@example.org"),
        )
    assert [list(answer.outcomes) for answer in answers] == [[OK, OK], [OK]]
    assert [envelope.rcpt_tos for envelope in inbox.mails] == [
        ["a@example.org"],
        ["b@example.org"],
        ["c@example.org"],
    ]
    assert len(inbox.sessions) == 1
    assert inbox.mails[0].mail_from == "news@corp.example"
    parsed = email.message_from_bytes(inbox.mails[1].content, policy=email.policy.default)
    assert parsed["Message-ID"] == "<m.0.1@corp.example>"
    assert parsed["Date"]
    assert parsed["Subject"] == CONTENT["subject"]
    assert parsed["To"] == "b@example.org"
    assert parsed["From"].addresses[0].display_name == "B\u00fcro, Nord"
    assert parsed.get_content().replace("\r\n", "\n").rstrip("\n") == CONTENT["text"]


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("mode", ["tls", "starttls"])
def test_tls_is_checked_by_name_and_carries_the_login(mode: str) -> None:
    inbox = Inbox()
    login = {
        "authenticator": authenticator(b"user", b"pass"),
        "auth_required": True,
        "auth_require_tls": mode == "starttls",
    }
    with independent(inbox, server_context(), mode, **login) as port:
        (answer,) = sent(account(port, mode, ("user", "pass"), ca=pem()), mails("a@example.org"))
        assert list(answer.outcomes) == [OK]
        assert len(inbox.mails) == 1
        with pytest.raises(Misconfigured, match="535"):
            sent(account(port, mode, ("user", "wrong"), ca=pem()), mails("a@example.org"))
        with pytest.raises(Misconfigured):
            sent(account(port, mode, None, ca=pem()), mails("a@example.org"))


@pytest.mark.parametrize("mode", ["tls", "starttls"])
@pytest.mark.parametrize(
    ("name", "trusted"), [("other.example.test", True), ("mail.example.test", False)]
)
def test_a_certificate_that_is_not_the_servers_is_refused(
    mode: str, name: str, trusted: bool
) -> None:
    inbox = Inbox()
    with (
        independent(inbox, server_context(name), mode) as port,
        pytest.raises(Misconfigured, match="tls_certificate"),
    ):
        sent(account(port, mode, ca=pem() if trusted else ""), mails("a@example.org"))
    assert inbox.mails == []


def test_a_server_without_starttls_is_misconfigured() -> None:
    with independent(Inbox()) as port, pytest.raises(Misconfigured, match="starttls_not_offered"):
        sent(account(port, "starttls"), mails("a@example.org"))


def test_a_certificate_option_that_is_none_is_misconfigured() -> None:
    broken = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----"
    with (
        independent(Inbox(), server_context(), "tls") as port,
        pytest.raises(Misconfigured, match="ca"),
    ):
        sent(account(port, "tls", ca=broken), mails("a@example.org"))


def test_a_mail_goes_over_an_open_connection_only_where_the_deployment_allows_it() -> None:
    server = ScriptedServer(lambda line, number: usual(line))
    for other in ("", f"http://mail.example.test:{server.port}", "smtp://mail.example.test:26"):
        policy = Policy(("127.0.0.0/8", other), resolve=lambda host, port: ["127.0.0.1"])
        with pytest.raises(Misconfigured, match="mail_without_tls"):
            sent(account(server.port, "none"), mails("a@example.org"), policy=policy)
    assert server.connections == 0


def test_a_password_does_not_go_over_an_open_connection() -> None:
    server = ScriptedServer(lambda line, number: usual(line))
    origin = f"smtp://mail.example.test:{server.port}"
    policy = Policy(("127.0.0.0/8", origin), resolve=lambda host, port: ["127.0.0.1"])
    with pytest.raises(Misconfigured, match="login_without_tls"):
        sent(account(server.port, "none", ("u", "p")), mails("a@example.org"), policy=policy)
    assert server.connections == 0
    with independent(
        Inbox(), authenticator=authenticator(b"u", b"p"), auth_require_tls=False
    ) as port:
        (answer,) = sent(
            account(port, "none", ("u", "p"), allow_plain_auth=True),
            mails("a@example.org"),
            policy=replace(policy, allow=("127.0.0.0/8", f"smtp://mail.example.test:{port}")),
        )
        assert list(answer.outcomes) == [OK]


def test_a_login_that_the_server_does_not_offer_is_misconfigured() -> None:
    server = ScriptedServer(lambda line, number: usual(line))
    with pytest.raises(Misconfigured, match="login_not_offered"):
        sent(account(server.port, "none", ("u", "p")), mails("a@example.org"))


@pytest.mark.parametrize(
    "contact",
    [
        "a@[10.0.0.1]",
        "a",
        "@b",
        "a@",
        "a@b@c",
        "a b@c.org",
        "a@c.org\r\nRCPT TO:<x@y>",
        "a..b@c.org",
        '"a b"@c.org',
        "\u202e@c.org",
        "",
    ],
)
def test_what_is_no_address_is_an_invalid_target_and_not_sent(contact: str) -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", contact, "b@example.org"))
    assert list(answer.outcomes) == [OK, Outcome(Loss.INVALID_TARGET, "bad_address"), OK]
    assert len(inbox.mails) == 2


def test_the_server_hears_the_size_first_and_what_it_will_not_take_stays_here() -> None:
    def answer(line: str, number: int) -> str:
        if line.startswith("EHLO"):
            return "250-hi\r\n250 SIZE 1000"
        return "552 5.3.4 too large" if line.startswith("MAIL") else usual(line)

    server = ScriptedServer(answer)
    assert outcomes(server, "a@example.org") == [Outcome(Loss.SUBMIT_FAILED, "552 5.3.4")]
    (said,) = (line for line in server.lines if line.startswith("MAIL"))
    assert int(said.rpartition("SIZE=")[2]) > 100
    assert "DATA" not in server.lines


def test_a_local_part_in_another_script_needs_a_server_that_can() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("\u5f20@example.org", "b@example.org"))
    assert list(answer.outcomes) == [Outcome(Loss.SUBMIT_FAILED, "utf8_not_offered"), OK]
    with independent(inbox, enable_SMTPUTF8=True) as port:
        (answer,) = sent(account(port), mails("\u5f20@example.org", "b@example.org"))
    assert list(answer.outcomes) == [OK, OK]
    assert [mail.rcpt_tos for mail in inbox.mails] == [
        ["b@example.org"],
        ["\u5f20@example.org"],
        ["b@example.org"],
    ]
    assert inbox.mails[1].smtp_utf8
    assert "To: \u5f20@example.org\r\n".encode() in inbox.mails[1].content


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("excluded", [["LOGIN"], ["PLAIN"]])
def test_logins_are_utf8(excluded: list[str]) -> None:
    login = ("m\u00fcller", "\u5bc6\u7801")
    options = {
        "authenticator": authenticator(login[0].encode(), login[1].encode()),
        "auth_required": True,
        "auth_require_tls": False,
    }
    with independent(Inbox(), auth_exclude_mechanism=excluded, **options) as port:
        (answer,) = sent(account(port, "none", login), mails("a@example.org"))
        assert list(answer.outcomes) == [OK]
        with pytest.raises(Misconfigured, match="login_characters"):
            sent(account(port, "none", ("u", "\ud800")), mails("a@example.org"))


def test_a_line_break_in_a_subject_is_refused_when_it_is_rendered_too() -> None:
    inbox = Inbox()
    with independent(inbox) as port:
        (answer,) = sent(
            account(port),
            mails("a@example.org", content={"subject": "x\r\nBcc: b@example.org", "text": "t"}),
        )
    assert list(answer.outcomes) == [Outcome(Loss.SUBMIT_FAILED, "bad_content")]
    assert inbox.mails == []


def test_an_answer_to_the_last_dot_may_take_as_long_as_the_worker_has() -> None:
    def thorough(line: str, number: int) -> str:
        if line == ".":
            time.sleep(3 * GIVES_UP)
        return usual(line)

    server = ScriptedServer(thorough)
    call = replace(mails("a@example.org"), time=CallTime(end=PATIENCE))
    (answer,) = sent(account(server.port), call, timeout=GIVES_UP)
    assert list(answer.outcomes) == [OK]
