"""Receipts come before, while and after their submission is written. All are added."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import FactKind
from chalicelib.domain.provider_io import Answer, OutgoingCall, ProviderIds, Receipt, ReceiptKind
from chalicelib.flow import receipts, webhooks
from chalicelib.ports import Lookup
from tests.builders import WEBHOOK_TOKEN, a_message, a_plan, a_user
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.simulation.world import Simulation, finished


def test_receipts_before_their_submission_are_kept() -> None:
    assert (
        finished(Simulation(early=True)).report()["funnel"]
        == finished(Simulation()).report()["funnel"]
    )


def test_a_receipt_that_comes_while_the_answer_is_still_on_its_way_is_parked_and_found() -> None:
    """The provider posts before our worker has written anything. No receipt can come earlier."""
    simulation = Simulation(early=True)

    def post_at_once(number: int, name: str) -> None:
        if name == "provider.send.done":
            simulation._collect_receipts()
            simulation._post_what_is_due()

    simulation.world.on_step = post_at_once
    finished(simulation)
    assert simulation.world.lookups.waiting
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}


@pytest.mark.parametrize("twice", [False, True])
def test_a_lookup_written_between_the_readings_of_a_webhook_is_found(twice: bool) -> None:
    """The webhook reads, parks and reads again. The worker writes, and reads what is parked.

    They meet in either order.
    """
    simulation = Simulation(early=True, twice=twice)
    simulation.world.lookups.stale = True  # eventually consistent readings see nothing yet
    assert finished(simulation).report()["funnel"] == finished(Simulation()).report()["funnel"]


def test_a_call_that_goes_by_two_names_is_found_by_either() -> None:
    simulation = Simulation()
    push = simulation.world.providers.push

    def named_twice(call: OutgoingCall) -> Answer:
        answer = push.deliver(call)
        return replace(answer, provider_id=f"{answer.provider_id} card-{answer.provider_id}")

    push.instead = named_twice
    finished(simulation)
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}
    clicks = [
        Receipt(f"card-{taken.provider_id}", ReceiptKind.CLICKED, START, taken.contact)
        for taken in push.taken
    ]
    receipts.record(simulation.world.ports, "push", clicks)
    assert {"reg-ann", "reg-fay"} <= simulation.contacts("push", FactKind.CLICKED)


@pytest.mark.parametrize("early", [False, True])
def test_texts_that_are_named_by_call_and_number_lose_nothing_wherever_a_worker_ends(
    early: bool,
) -> None:
    def by_call() -> Simulation:
        simulation = Simulation(early=early)
        simulation.world.providers.text.can(provider_ids=ProviderIds.PER_CALL)
        return simulation

    whole = finished(by_call())
    assert whole.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}
    for number in whole.world.kills_around("lookups", "recordings.put", "ledger.add"):
        simulation = by_call()
        simulation.world.kill_at(number)
        finished(simulation)
        known = simulation.contacts("text", FactKind.SUBMITTED)
        assert simulation.contacts("text", FactKind.DELIVERED) == known - {"1003-silent"}
        assert known or simulation.contacts("text", FactKind.UNKNOWN)


@pytest.mark.parametrize("spelling", ["REG-ANN", "Reg-ann", "reg-ann"])
def test_a_contact_that_a_provider_writes_in_another_case_is_known(spelling: str) -> None:
    """WeCom takes no account of case in userids, and names them as it likes."""
    simulation = finished(Simulation())
    push = simulation.world.providers.push
    taken = next(delivery for delivery in push.taken if delivery.contact == "reg-ann")
    receipts.record(
        simulation.world.ports,
        "push",
        [Receipt(taken.provider_id, ReceiptKind.CLICKED, START, spelling)],
    )
    assert "reg-ann" in simulation.contacts("push", FactKind.CLICKED)


def test_of_two_contacts_that_differ_in_case_each_gets_its_own_receipt() -> None:
    plan = a_plan(a_message("ann", number=4711), users=[a_user("ann", push=("REG-A", "reg-a"))])
    facts_of_each = [
        receipts._facts(
            FakeWorld().ports,
            plan,
            "push",
            ChannelType.APP,
            Receipt("id", ReceiptKind.CLICKED, START, name),
            Lookup(plan.id),
        )
        for name in ("reg-a", "REG-A")
    ]
    assert [[fact.ref.contact for fact in facts] for facts in facts_of_each] == [[1], [0]]


def test_a_target_that_is_reached_after_its_step_was_frozen_is_skipped_and_goes_no_further() -> (
    None
):
    simulation = Simulation()

    def late_receipt(number: int, name: str) -> None:
        if name == "ledger.freeze.done" and simulation.world.clock.now() > START + 50_000:
            simulation.world.on_step = lambda number, name: None
            reports = simulation.world.providers.push.receipts(
                ReceiptKind.DELIVERED, simulation.world.clock.now(), "reg-bob-silent"
            )
            request = simulation.world.providers.push.webhook_request(reports)
            webhooks.take_webhook(simulation.world.ports, "push", WEBHOOK_TOKEN, request)

    simulation.world.on_step = late_receipt
    simulation.submit()
    simulation.run()
    assert simulation.contacts("text", FactKind.SKIPPED) == {"1002"}
    assert "1002" not in simulation.world.providers.text.sent()
    assert "bob@example.com" not in simulation.world.providers.mail.sent()
    shown = simulation.report()
    assert shown["status"] == "finished"
    assert shown["balanced"]
