"""Providers do not answer, are slow, put off or refuse.

Nobody is sent to twice, and the strategy goes on.
"""

from __future__ import annotations

import pytest

from chalicelib import observability
from chalicelib.domain.delivery_channels import OnUncertain
from chalicelib.domain.errors import Misconfigured, Throttled, Unavailable, Uncertain
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Answer, Loss, Outcome, OutgoingCall
from chalicelib.flow.delivery.postponed import MAX_DELAY, backoff
from tests.builders import a_strategy
from tests.simulation.world import Simulation, finished


def test_an_answer_that_times_out_is_repeated_with_the_same_token_and_sent_once() -> None:
    simulation = Simulation()
    simulation.world.providers.push.fail(Uncertain("timeout"), Uncertain("timeout"), taken=True)
    finished(simulation)
    tokens = {call.token for call in simulation.world.providers.push.calls}
    assert len(simulation.world.providers.push.calls) == 3
    assert len(tokens) == 1


def test_without_a_token_an_uncertain_call_is_unknown_and_the_strategy_goes_on() -> None:
    simulation = Simulation()
    simulation.world.providers.text.fail(Uncertain("timeout"), taken=True)
    finished(simulation)
    assert simulation.contacts("text", FactKind.UNKNOWN)
    assert len(simulation.contacts("mail", FactKind.DELIVERED)) >= 3


def test_a_kind_of_content_without_a_token_is_not_repeated_though_the_provider_has_tokens() -> None:
    simulation = Simulation()
    simulation.world.providers.push.of_session["token_for"] = lambda session, content: None
    simulation.world.providers.push.fail(Uncertain("timeout"), taken=True)
    finished(simulation)
    assert {call.token for call in simulation.world.providers.push.calls} == {None}
    assert simulation.contacts("push", FactKind.UNKNOWN)
    assert max(simulation.world.providers.push.sent().values()) == 1


def test_an_operator_may_choose_to_send_again() -> None:
    simulation = Simulation(on_uncertain=OnUncertain.RESEND)
    simulation.world.providers.text.fail(Uncertain("timeout"), taken=True)
    finished(simulation)
    assert max(simulation.world.providers.text.sent().values()) == 2
    assert not simulation.contacts("text", FactKind.UNKNOWN)


def test_throttling_is_not_failure() -> None:
    simulation = Simulation()
    simulation.world.providers.push.fail(*[Throttled("2002", retry_after=3)] * 20)
    simulation.world.providers.mail.fail(*[Unavailable("down")] * 5)
    finished(simulation)
    assert len(simulation.world.providers.push.calls) == 21


def test_credentials_that_a_provider_refuses_lose_nothing_and_are_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    simulation = Simulation()
    simulation.world.providers.text.fail(*[Misconfigured("1004")] * 3)
    finished(simulation)
    observability.flush_metrics()
    assert '"channel_misconfigured":3' in capsys.readouterr().out
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}


def test_what_was_submitted_before_credentials_were_refused_is_reported_all_the_same() -> None:
    """The second call of a job is held back for an operator, who takes days.

    Receipts for the first call are added.
    """
    simulation = Simulation(strategy=a_strategy("sms", "email", "app"))
    text = simulation.world.providers.text
    text.can(call_size=1)

    def refused_after_ann(call: OutgoingCall) -> Answer:
        if call.recipients[0].contact != "1001":
            raise Misconfigured("1004")
        return text.deliver(call)

    text.instead = refused_after_ann
    simulation.submit()
    for _ in range(60):
        simulation._next()
    assert simulation.contacts("text", FactKind.SUBMITTED) == {"1001"}
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1001"}
    assert "ann@example.com" not in simulation.world.providers.mail.sent()


def test_a_token_is_as_old_as_the_call_that_may_have_been_taken() -> None:
    """A call that waits while the provider takes none is not a try.

    The time for which its token is recognised has not begun.
    """
    simulation = Simulation()
    push = simulation.world.providers.push
    push.can(token_life=540)
    push.fail(*[Throttled("2002", retry_after=600)] * 3)
    push.fail(Uncertain("timeout"), taken=True)
    finished(simulation)
    assert not simulation.contacts("push", FactKind.UNKNOWN)
    assert len({call.token for call in push.calls[3:]}) == 1


def test_what_a_provider_puts_off_is_tried_again_alone() -> None:
    simulation = Simulation()
    simulation.world.providers.mail.answers["eva@example.com"] = Outcome(code="451", later=True)
    simulation.submit()
    while len(simulation.world.providers.mail.calls) < 3:
        simulation._next()
    simulation.world.providers.mail.answers.clear()
    simulation.run()
    simulation.check()
    assert simulation.world.providers.mail.sent()["eva@example.com"] == 1


def test_what_was_put_off_does_not_multiply_while_the_server_is_down() -> None:
    """A mail is greylisted, then its server is gone for a while.

    Each try is one job, not one and another for the delivery that was put off.
    """
    simulation = Simulation(strategy=a_strategy("email", "app", "sms"))
    mail = simulation.world.providers.mail
    mail.answers["ann@example.com"] = Outcome(code="451", later=True)
    simulation.submit()
    while not mail.calls:
        simulation._next()
    mail.answers.clear()
    until = simulation.world.clock.now() + 15_000

    def down_for_a_while(call: OutgoingCall) -> Answer:
        if simulation.world.clock.now() < until:
            raise Unavailable("down")
        return mail.deliver(call)

    mail.instead = down_for_a_while
    simulation.run()
    simulation.check()
    assert len(mail.calls) < 20
    assert mail.sent()["ann@example.com"] == 1


def test_a_call_that_never_succeeds_does_not_hold_up_those_behind_it() -> None:
    """A mail job of several calls: the first mail server is down for good, the others are not."""
    simulation = Simulation(strategy=a_strategy("email", "app", "sms"))
    mail = simulation.world.providers.mail
    mail.can(call_size=1)

    def down_for_ann(call: OutgoingCall) -> Answer:
        if call.recipients[0].contact == "ann@example.com":
            raise Unavailable("down")
        return mail.deliver(call)

    mail.instead = down_for_ann
    simulation.submit()
    for _ in range(30):
        simulation._next()
    assert {"bob@example.com", "eva@example.com"} <= set(mail.sent())


def test_backing_off_for_days_is_no_error() -> None:
    assert backoff(100_000) == MAX_DELAY


def test_what_is_put_off_for_ever_fails_with_its_reason() -> None:
    simulation = Simulation()
    simulation.world.providers.mail.answers["eva@example.com"] = Outcome(code="451", later=True)
    simulation.submit()
    simulation.run()
    losses = simulation.report()["losses"]
    assert losses["channels"]["email"] == {"submit_failed:451": 1}  # type: ignore[index]
    assert simulation.report()["status"] == "finished"


def test_a_refused_contact_goes_on_at_once() -> None:
    simulation = Simulation()
    simulation.world.providers.text.answers["1002"] = Outcome(Loss.INVALID_TARGET, "50006")
    finished(simulation)
    losses = simulation.report()["losses"]
    assert losses["channels"]["sms"]["invalid_target:50006"] == 1  # type: ignore[index]
    assert "bob@example.com" in simulation.contacts("mail", FactKind.DELIVERED)


def test_what_is_never_submitted_expires_and_the_strategy_ends() -> None:
    simulation = Simulation()
    simulation.world.providers.text.fail(*[Unavailable("down")] * 5000)
    simulation.submit()
    simulation.run(20_000)
    simulation.check()
    assert simulation.contacts("text", FactKind.EXPIRED) >= {"1002", "1004"}
    assert not simulation.world.providers.text.sent()
    assert {"bob@example.com", "dan@example.com"} <= simulation.contacts("mail", FactKind.DELIVERED)
