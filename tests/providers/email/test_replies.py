"""Refusals of us, of one recipient, and of the moment, in the words of many servers."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import Misconfigured, Rejected, Unavailable
from chalicelib.domain.provider_io import Loss, Outcome
from chalicelib.providers.email.replies import SenderRefused, outcome
from chalicelib.providers.email.smtp import STRANGER, Smtp
from chalicelib.web.smtp import Reply
from tests.liveness import PATIENCE
from tests.providers.email.calls import OK, POLICY, account, mails, sent
from tests.providers.email.mailservers import ScriptedServer, usual
from tests.providers.email.transcripts import ABOUT_US, DEAD, LATER, THIS_MAIL, cases

TWO = ("a@example.org", "b@example.org")


def to_rcpt(reply: str) -> Outcome:
    code, _, text = reply.partition(" ")
    return outcome(Reply("rcpt", int(code), text))


def server(*replies: str, dead: str = "") -> ScriptedServer:
    """Answer each RCPT with the next of these replies, and the last one for ever."""
    left = list(replies)

    def answer(line: str, number: int) -> str:
        if not line.startswith("RCPT"):
            return usual(line)
        return left.pop(0) if len(left) > 1 else left[0]

    return ScriptedServer(answer)


@pytest.mark.parametrize("reply", cases(LATER))
def test_a_limit_of_the_moment_is_for_later(reply: str) -> None:
    assert to_rcpt(reply).later


@pytest.mark.parametrize("reply", cases(DEAD))
def test_an_address_that_does_not_exist_is_dead(reply: str) -> None:
    assert (to_rcpt(reply).loss, to_rcpt(reply).undeliverable) == (Loss.INVALID_TARGET, True)


@pytest.mark.parametrize("reply", cases(THIS_MAIL))
def test_another_refusal_says_nothing_about_the_address(reply: str) -> None:
    assert (to_rcpt(reply).loss, to_rcpt(reply).undeliverable) == (Loss.SUBMIT_FAILED, False)
    assert not isinstance(to_rcpt(reply), SenderRefused)


def test_exchange_online_knows_at_its_edge_who_exists() -> None:
    reply = "550 5.4.1 Recipient address rejected: Access denied. [XY.prod.protection.outlook.com]"
    assert to_rcpt(reply) == Outcome(Loss.INVALID_TARGET, "550 5.4.1")


@pytest.mark.parametrize("reply", cases(ABOUT_US))
def test_a_refusal_of_us_keeps_every_mail_for_an_operator(reply: str) -> None:
    assert isinstance(to_rcpt(reply), SenderRefused)


@pytest.mark.parametrize("reply", [ABOUT_US[name][0] for name in ABOUT_US])
def test_it_is_seen_over_a_connection_and_by_a_test_of_the_channel(reply: str) -> None:
    refusing = server(reply)
    with pytest.raises(Misconfigured, match=reply[:3]):
        sent(account(refusing.port), mails(*TWO))
    assert "DATA" not in refusing.lines
    with pytest.raises(Misconfigured, match=reply[:3]):
        check(refusing)


RELAY = "554 5.7.1 <b@example.org>: Relay access denied"


def test_a_relay_for_some_domains_refuses_the_others_alone() -> None:
    refused = Outcome(Loss.SUBMIT_FAILED, "554 5.7.1")
    for replies, expected in (
        (("250 OK", RELAY), [OK, refused]),
        ((RELAY, "250 OK"), [refused, OK]),
    ):
        (answer,) = sent(account(server(*replies).port), mails(*TWO))
        assert list(answer.outcomes) == expected


def test_a_dead_address_beside_it_is_no_proof_that_the_server_takes_our_mails() -> None:
    (answer,) = sent(account(server("550 5.1.1 unknown", RELAY).port), mails(*TWO))
    dead, kept = answer.outcomes
    assert dead.undeliverable
    assert kept == Outcome(code="554 5.7.1", later=True)


def check(server: ScriptedServer, **options: str) -> None:
    with Smtp(POLICY, PATIENCE).connect(account(server.port, **options)) as session:
        session.check()


def test_a_test_names_sender_and_recipient_and_sends_nothing() -> None:
    fine = server("250 OK")
    check(fine)
    check(fine, test_recipient="me@corp.example")
    assert [line for line in fine.lines if line.startswith("RCPT")] == [
        f"RCPT TO:<{STRANGER}>",
        "RCPT TO:<me@corp.example>",
    ]
    assert fine.lines.count("RSET") == 2
    assert "DATA" not in fine.lines


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("450 4.2.0 Greylisted", Unavailable),
        ("554 5.7.1 some policy", Rejected),
        ("421 closing", Unavailable),
    ],
)
def test_a_test_says_what_the_server_answered(reply: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        check(server(reply))


def test_a_recipient_who_does_not_exist_is_enough_for_a_test() -> None:
    check(server("550 5.1.1 unknown"))
