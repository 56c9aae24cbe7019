"""A late receipt cancels what has not been sent yet. A strategy may take days."""

from __future__ import annotations

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Throttled
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import OutgoingCall, ReceiptKind
from chalicelib.domain.strategies import Missing, Operator, Step, Strategy, Term
from chalicelib.flow import webhooks
from tests.builders import WEBHOOK_TOKEN
from tests.fakes.clock import START
from tests.simulation.world import Simulation, finished

APP, SMS, MAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL
DAY = 86_400
CEM = "reg-cem-silent"


def push_arrives(simulation: Simulation, contact: str = CEM) -> None:
    """Post the receipt of a push that came late."""
    push = simulation.world.providers.push
    reports = push.receipts(ReceiptKind.DELIVERED, simulation.world.clock.now(), contact)
    request = push.webhook_request(reports)
    webhooks.take_webhook(simulation.world.ports, "push", WEBHOOK_TOKEN, request)


def test_a_receipt_between_two_calls_of_a_job_cancels_the_second() -> None:
    """The job has read its facts seconds ago, and reads them again."""
    simulation = Simulation()
    text = simulation.world.providers.text
    text.can(call_size=1)

    def meanwhile(call: OutgoingCall) -> None:
        if call.recipients[0].contact == "1002":
            simulation.world.clock.advance(2)
            push_arrives(simulation)

    text.watchers.append(meanwhile)
    simulation.submit()
    simulation.run()
    assert set(text.sent()) == {"1002", "1004"}
    assert simulation.contacts("text", FactKind.SKIPPED) == {"1003-silent"}
    assert "cem@example.com" not in simulation.world.providers.mail.sent()
    assert simulation.report()["balanced"]


def test_a_call_that_the_provider_did_not_take_is_not_repeated_for_who_was_reached_since() -> None:
    simulation = Simulation()
    text = simulation.world.providers.text
    refused: list[str] = []

    def refuse(call: OutgoingCall) -> None:
        contacts = [recipient.contact for recipient in call.recipients]
        if "1003-silent" in contacts and not refused:
            refused.extend(contacts)
            push_arrives(simulation)
            raise Throttled("too_fast")

    text.watchers.append(refuse)
    simulation.submit()
    simulation.run()
    assert refused == ["1002", "1003-silent"]
    assert set(text.sent()) == {"1002", "1004"}
    assert simulation.contacts("text", FactKind.SKIPPED) == {"1003-silent"}
    assert simulation.report()["status"] == "finished"


@pytest.mark.parametrize("part", range(4))
def test_a_receipt_at_any_step_of_the_way_leaves_nobody_both_skipped_and_sent_to(part: int) -> None:
    steps = list(finished(Simulation()).world.log)
    for number in range(part, len(steps), 4):
        simulation = Simulation()

        def strike(
            at: int, name: str, simulation: Simulation = simulation, n: int = number
        ) -> None:
            is_pushed = CEM in simulation.world.providers.push.sent()
            if at >= n and is_pushed and name.startswith("ledger.") and name.endswith(".done"):
                simulation.world.on_step = lambda number, name: None
                push_arrives(simulation)

        simulation.world.on_step = strike
        simulation.submit()
        simulation.run()
        skipped = simulation.contacts("text", FactKind.SKIPPED)
        sent = simulation.world.providers.text.sent()
        assert not skipped & set(sent), steps[number]
        assert set(sent.values()) <= {1}
        report = simulation.report()
        assert (report["status"], report["balanced"]) == ("finished", True), steps[number]
        if skipped:
            assert "cem@example.com" not in simulation.world.providers.mail.sent()


def sent_at(simulation: Simulation, code: str) -> set[int]:
    """Return the seconds after the first push at which a channel submitted."""
    facts = [
        state.facts[FactKind.SUBMITTED]
        for chunk in simulation.chunks()
        for ref, state in chunk.states.items()
        if ref.channel == code and state.has(FactKind.SUBMITTED)
    ]
    return {(fact.time - START) // 1000 for fact in facts}


def test_a_strategy_of_three_days_runs_on_a_virtual_clock() -> None:
    """People who cannot be reached go on at once. The clock's slots are a minute wide."""
    second = Step((SMS,), (Term(APP, Missing.DELIVERED, DAY),))
    third = Step((MAIL,), (Term(SMS, Missing.DELIVERED, 2 * DAY),))
    simulation = finished(Simulation(strategy=Strategy((Step((APP,)), second, third))))
    assert sent_at(simulation, "push") == {0}
    assert sent_at(simulation, "text") == {0, DAY}
    assert sent_at(simulation, "mail") == {0, 3 * DAY}


@pytest.mark.parametrize(("operator", "days"), [(Operator.AND, 3), (Operator.OR, 2)])
def test_a_condition_on_the_first_step_is_due_although_the_second_waits(
    operator: Operator, days: int
) -> None:
    """Cem got push and SMS without a receipt. Nobody clicks a push, so OR needs two days."""
    second = Step((SMS,), (Term(APP, Missing.DELIVERED, DAY),))
    terms = (Term(APP, Missing.CLICKED, 3 * DAY), Term(SMS, Missing.DELIVERED, DAY))
    strategy = Strategy((Step((APP,)), second, Step((MAIL,), terms, operator)))
    simulation = Simulation(strategy=strategy)
    simulation.submit()
    simulation.run()
    assert simulation.report()["balanced"]
    mail = simulation.world.providers.mail
    assert "cem@example.com" in mail.sent()
    assert days * DAY in sent_at(simulation, "mail")
    assert ("bob@example.com" in mail.sent()) is (operator is Operator.OR)
