"""Outcomes of mails by the replies of a server."""

from __future__ import annotations

import time
from typing import Any

import pytest

from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.provider_io import CallTime, Loss, Outcome
from chalicelib.providers.email.replies import SenderRefused, outcome
from chalicelib.web.egress import Policy
from chalicelib.web.smtp import Reply
from tests.providers.email.calls import OK, account, mails, outcomes, sent
from tests.providers.email.mailservers import Inbox, ScriptedServer, independent, usual

REFUSALS = {
    "550 5.1.1 no such user": Outcome(Loss.INVALID_TARGET, "550 5.1.1", undeliverable=True),
    "550 unknown": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "551 moved": Outcome(Loss.INVALID_TARGET, "551"),
    "553 bad name": Outcome(Loss.INVALID_TARGET, "553"),
    "550 5.2.1 disabled": Outcome(Loss.INVALID_TARGET, "550 5.2.1", undeliverable=True),
    "550 5.1.10 null MX": Outcome(Loss.INVALID_TARGET, "550 5.1.10", undeliverable=True),
    # Replies of Exim, QQ and NetEase without an enhanced code.
    "550 Unrouteable address": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "550 The recipient may contain a non-existent account": Outcome(
        Loss.INVALID_TARGET, "550", undeliverable=True
    ),
    "550 User not found": Outcome(Loss.INVALID_TARGET, "550", undeliverable=True),
    "550 relay not permitted": Outcome(Loss.SUBMIT_FAILED, "550"),
    "550 Sender verify failed": Outcome(Loss.SUBMIT_FAILED, "550"),
    # Postfix, about the sender: it answers to MAIL only after RCPT.
    "550 5.1.0 Sender address rejected": Outcome(Loss.SUBMIT_FAILED, "550 5.1.0"),
    "554 5.7.1 Relay access denied": Outcome(Loss.SUBMIT_FAILED, "554 5.7.1"),
    "550 5.7.1 policy": Outcome(Loss.SUBMIT_FAILED, "550 5.7.1"),
    "552 5.2.2 full": Outcome(Loss.SUBMIT_FAILED, "552 5.2.2"),
    "554 no": Outcome(Loss.SUBMIT_FAILED, "554"),
    "450 4.7.1 greylisted": Outcome(code="450", later=True),
    "452 full": Outcome(code="452", later=True),
}


@pytest.mark.parametrize("refusal", list(REFUSALS))
def test_a_refused_recipient_does_not_stop_the_others(refusal: str) -> None:
    inbox = Inbox({"b@example.org": refusal})
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", "b@example.org", "c@example.org"))
    assert list(answer.outcomes) == [OK, REFUSALS[refusal], OK]
    assert len(inbox.sessions) == 1


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply("end", 250, ""), OK),
        (Reply("end", 554, "spam"), Outcome(Loss.SUBMIT_FAILED, "554")),
        (
            Reply("end", 550, "5.1.1 none"),
            Outcome(Loss.INVALID_TARGET, "550 5.1.1", undeliverable=True),
        ),
        (Reply("mail", 552, "too large"), Outcome(Loss.SUBMIT_FAILED, "552")),
        (Reply("end", 550, "no"), Outcome(Loss.SUBMIT_FAILED, "550")),
        (Reply("end", 451, ""), Outcome(code="451", later=True)),
        (Reply("data", 554, ""), Outcome(Loss.SUBMIT_FAILED, "554")),
        (Reply("rcpt", 250, ""), Outcome(code="250", later=True)),
        (Reply("rcpt", 550, "5.1.8 sender"), SenderRefused(Loss.SUBMIT_FAILED, "550 5.1.8")),
    ],
)
def test_what_replies_mean(reply: Reply, expected: Outcome) -> None:
    assert outcome(reply) == expected


@pytest.mark.parametrize(
    ("code", "kind"),
    [(550, Misconfigured), (530, Misconfigured), (451, Unavailable), (421, Unavailable)],
)
def test_a_refused_sender_concerns_every_mail(code: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        outcome(Reply("mail", code, ""))


@pytest.mark.parametrize(
    "reply",
    [
        Reply("data", 454, "Throttling failure: Daily message quota exceeded."),  # Amazon SES
        Reply(
            "end",
            550,
            "5.4.5 Daily user sending limit exceeded. For more information on limits go to …",
        ),  # Gmail
        Reply("mail", 550, "5.4.5 Daily sending quota exceeded"),
    ],
)
def test_a_days_quota_concerns_every_mail_too(reply: Reply) -> None:
    with pytest.raises(QuotaUsedUp):
        outcome(reply)


@pytest.mark.parametrize(
    "text",
    [
        "4.2.2 The email account that you tried to reach is over quota",
        "Throttling failure: Maximum sending rate exceeded.",
    ],
)
def test_another_quota_concerns_one_mail(text: str) -> None:
    assert outcome(Reply("rcpt", 452, text)).later


def test_mails_after_the_last_one_of_the_day_wait() -> None:
    """Sent mails keep their outcome.

    The others are another attempt, which is refused as a whole.
    """
    inbox = Inbox({"b@example.org": "454 Throttling failure: Daily message quota exceeded."})
    with independent(inbox) as port:
        (answer,) = sent(account(port), mails("a@example.org", "b@example.org", "c@example.org"))
        assert answer.outcomes[0] == OK
        assert [outcome.later for outcome in answer.outcomes] == [False, True, True]
        with pytest.raises(QuotaUsedUp):
            sent(account(port), mails("b@example.org", "c@example.org"))


def test_all_greylisted_is_unavailable() -> None:
    server = ScriptedServer(
        lambda line, number: "450 later" if line.startswith("RCPT") else usual(line)
    )
    with pytest.raises(Unavailable, match="450"):
        outcomes(server, "a@example.org", "b@example.org")


def test_nobody_listening_is_unavailable() -> None:
    with independent(Inbox()) as port:
        pass
    with pytest.raises(Unavailable, match="connect"):
        sent(account(port), mails("a@example.org"))


@pytest.mark.parametrize(
    ("greeting", "kind"),
    [("421 busy", Unavailable), ("554 not you", Misconfigured), ("hello", Unavailable)],
)
def test_an_unfriendly_greeting(greeting: str, kind: type[Exception]) -> None:
    server = ScriptedServer(lambda line, number: usual(line), greeting)
    with pytest.raises(kind):
        outcomes(server, "a@example.org")


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", [None, "421 closing"])
def test_a_server_that_closes_between_two_mails_is_called_again(
    stage: str, answer: str | None
) -> None:
    mailed = {1: 0, 2: 0, 3: 0}

    def limited(line: str, number: int) -> str | None:
        mailed[number] += line == "."
        return answer if mailed[number] == 2 and line.startswith(stage) else usual(line)

    server = ScriptedServer(limited)
    assert outcomes(server, *(f"{n}@example.org" for n in range(5))) == [OK] * 5
    assert server.connections == 3
    assert server.lines.count(".") == 5


def test_a_server_that_goes_away_leaves_the_rest_for_later() -> None:
    def once(line: str, number: int) -> str | None:
        return (
            None if number > 1 or (line.startswith("MAIL") and "." in server.lines) else usual(line)
        )

    server = ScriptedServer(once)
    assert outcomes(server, "a@example.org", "b@example.org", "c@example.org") == [
        OK,
        Outcome(code="connection_lost", later=True, untried=True),
        Outcome(code="connection_lost", later=True, untried=True),
    ]


def test_a_connection_that_breaks_after_the_last_dot_is_uncertain_for_that_mail_only() -> None:
    server = ScriptedServer(
        lambda line, number: None if line == "." and number == 1 else usual(line)
    )
    assert outcomes(server, "a@example.org", "b@example.org") == [
        Outcome(code="connection_lost", uncertain=True),
        OK,
    ]
    assert server.lines.count(".") == 2
    assert server.connections == 2


def test_an_answer_to_the_last_dot_that_stays_away_is_uncertain() -> None:
    server = ScriptedServer(lambda line, number: "" if line == "." else usual(line))
    (result,) = outcomes(server, "a@example.org", timeout=0.3)
    assert result.uncertain


def test_a_connection_that_breaks_before_the_last_dot_was_not_taken() -> None:
    server = ScriptedServer(lambda line, number: None if line == "DATA" else usual(line))
    with pytest.raises(Unavailable):
        outcomes(server, "a@example.org")
    assert server.lines.count("DATA") == 1


PEOPLE = tuple(f"{n}@example.org" for n in range(5))


class SlowServer:
    """A server that takes three seconds for each line, by a clock of its own."""

    def __init__(self) -> None:
        self.now = 0.0
        self.server = ScriptedServer(self._answer)

    def _answer(self, line: str, number: int) -> str:
        self.now += 3
        return usual(line)

    def send(self, **options: Any) -> list[Outcome]:
        (answer,) = sent(
            account(self.server.port),
            mails(*PEOPLE, **options),
            timeout=10,
            clock=lambda: self.now,
        )
        return list(answer.outcomes)


@pytest.mark.parametrize("time", [CallTime(begin=20), CallTime(end=60)])
def test_no_mail_begins_that_might_not_end_in_time(time: CallTime) -> None:
    """A mail takes twelve seconds, and twenty at most, the first one forty with its connection."""
    slow = SlowServer()
    outcomes = slow.send(time=time)
    sent_before = outcomes.index(Outcome(code="out_of_time", later=True, untried=True))
    assert 0 < sent_before < 5
    assert outcomes[:sent_before] == [OK] * sent_before
    assert all(outcome.untried for outcome in outcomes[sent_before:])
    assert slow.server.lines.count(".") == sent_before
    assert slow.now <= time.end


def test_without_time_for_the_first_mail_nothing_is_sent() -> None:
    slow = SlowServer()
    with pytest.raises(Unavailable, match="out_of_time"):
        slow.send(time=CallTime(end=39))
    assert not slow.server.lines


@pytest.mark.parametrize("stage", ["RCPT", "DATA"])
@pytest.mark.parametrize("answer", [None, "421 4.7.0 try later"])
def test_a_recipient_who_ends_each_connection_does_not_starve_the_others(
    stage: str, answer: str | None
) -> None:
    """Postfix answers so to a recipient that a policy server defers with 421."""
    bad: dict[int, bool] = {}

    def closing(line: str, number: int) -> str | None:
        if line.startswith("RCPT"):
            bad[number] = "0@example.org" in line
        return answer if bad.get(number) and line.startswith(stage) else usual(line)

    results = outcomes(ScriptedServer(closing), *PEOPLE)
    assert [result.later for result in results] == [True, False, False, False, False]
    assert not results[0].untried


def test_a_server_that_ends_every_connection_is_left_alone_after_two() -> None:
    server = ScriptedServer(
        lambda line, number: "421 overloaded" if line.startswith("RCPT") else usual(line)
    )
    with pytest.raises(Unavailable, match="421"):
        outcomes(server, *PEOPLE)
    assert server.connections == 2


def test_each_turn_begins_with_another_recipient() -> None:
    """Two who end each connection stand first, so the first turn reaches nobody."""

    def closing(line: str, number: int) -> str | None:
        bad = line.startswith(("RCPT TO:<0@", "RCPT TO:<1@"))
        return "421 no" if bad else usual(line)

    server = ScriptedServer(closing)
    with pytest.raises(Unavailable):
        outcomes(server, *PEOPLE)
    (answer,) = sent(account(server.port), mails(*PEOPLE, turn=1))
    assert [outcome.later for outcome in answer.outcomes] == [True, True, False, False, False]


def test_a_server_that_trickles_is_cut_off() -> None:
    def drip(line: str, number: int) -> str:
        time.sleep(0.25)
        return "250-more"

    server = ScriptedServer(drip)
    with pytest.raises(Unavailable):
        outcomes(server, "a@example.org", timeout=0.3)


def test_a_private_server_needs_the_allow_list() -> None:
    with pytest.raises(Misconfigured, match="egress"):
        sent(
            account(2525, "tls"),
            mails("a@example.org"),
            policy=Policy(resolve=lambda host, port: ["10.0.0.25"]),
        )
