"""Wherever a worker is ended, nothing is lost and nothing is sent twice."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.domain.channels import OnUncertain
from chalicelib.domain.errors import Throttled, Unavailable, Uncertain
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.plans import PageId
from chalicelib.domain.sending import Answer, Loss, Outcome, OutgoingCall, Receipt, ReceiptKind
from chalicelib.flow import audience, calls, fallback, receipts
from tests.builders import WEBHOOK_TOKEN, a_strategy
from tests.fakes.clock import START
from tests.fakes.providers import ScriptedSession
from tests.fakes.steps import Killed
from tests.simulation.world import Simulation


def _finished(simulation: Simulation) -> Simulation:
    simulation.submit()
    simulation.run()
    simulation.check()
    return simulation


def _steps() -> list[str]:
    simulation = Simulation()
    simulation.submit()
    simulation.run()
    return list(simulation.world.log)


def test_without_accidents_everybody_is_reached_by_the_first_channel_that_works() -> None:
    simulation = _finished(Simulation())
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}
    assert simulation.contacts("mail", FactKind.DELIVERED) == {"cem@example.com", "eva@example.com"}
    told = simulation.report()
    assert told["funnel"]["users"] == {"planned": 8, "valid": 6, "submitted": 6, "delivered": 6, "clicked": 0}  # type: ignore[index]
    assert told["losses"]["users"] == {"no_contact": 1, "unknown_user": 1}  # type: ignore[index]


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_nothing_and_repeats_nothing(part: int) -> None:
    """Every step of the whole way of a message, before and after its effect."""
    steps = _steps()
    for number in range(part, len(steps), 4):
        simulation = Simulation()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is None:  # ended before it was stored: the sender knows that nothing was accepted
            assert not simulation.world.queues.sent, steps[number]
            continue
        simulation.check()


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_between_pages_loses_no_page(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three targets, of which a job plans two."""
    monkeypatch.setattr(audience, "PAGE_TARGETS", 3)
    monkeypatch.setattr(audience, "PAGES_PER_JOB", 2)
    steps = _steps()
    for number in range(part, len(steps), 4):
        simulation = Simulation()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()
            assert len(simulation.pages()) == 3


def test_a_second_worker_with_the_same_job_waits_while_the_first_ones_lease_lives() -> None:
    simulation = Simulation()
    others: list[Envelope] = []

    def meanwhile(number: int, name: str) -> None:
        if name == "provider.send" and not others:
            others.extend(e for e in simulation.world.queues.sent if isinstance(e.job, DeliverJob))
            for envelope in others:
                simulation._handle(envelope)

    simulation.world.on_step = meanwhile
    _finished(simulation)
    assert others
    assert simulation.world.providers.push.sent().most_common(1)[0][1] == 1


def test_two_looks_at_once_with_other_facts_in_between_freeze_everybody_once() -> None:
    """The second look reads the page, then the first one freezes its list, and a receipt comes."""
    simulation = Simulation()
    looks: list[PageId] = []

    def meanwhile(number: int, name: str) -> None:
        if name == "ledger.freeze" and len(looks) < 3:
            looks.append(PageId(simulation.msgid or "", 0))
            simulation._collect_receipts()
            simulation.world.clock.advance(5)
            simulation._post_what_is_due()
            fallback.settle(simulation.world.ports, looks[-1])

    simulation.world.on_step = meanwhile
    _finished(simulation)
    (page,) = simulation.pages()
    for step in (1, 2):
        listed = [t for go in page.lists(step) for t in go.members]
        assert len(listed) == len(set(listed))


def test_every_message_of_every_queue_delivered_twice_changes_nothing() -> None:
    once, twice = _finished(Simulation()), _finished(Simulation(twice=True))
    assert twice.report()["funnel"] == once.report()["funnel"]
    assert twice.world.providers.push.sent() == once.world.providers.push.sent()


def test_receipts_before_their_submission_are_kept() -> None:
    assert _finished(Simulation(early=True)).report()["funnel"] == _finished(Simulation()).report()["funnel"]


def test_a_receipt_that_comes_while_the_answer_is_still_on_its_way_is_parked_and_found() -> None:
    """The provider posts before our worker has written anything: the earliest that a receipt can come."""
    simulation = Simulation(early=True)

    def post_at_once(number: int, name: str) -> None:
        if name == "provider.send.done":
            simulation._collect_receipts()
            simulation._post_what_is_due()

    simulation.world.on_step = post_at_once
    _finished(simulation)
    assert simulation.world.lookups.waiting
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}


@pytest.mark.parametrize("twice", [False, True])
def test_a_lookup_written_between_the_readings_of_a_webhook_is_found(twice: bool) -> None:
    """The webhook reads, parks and reads again; the worker writes and reads what is parked: they meet in either order."""
    simulation = Simulation(early=True, twice=twice)
    simulation.world.lookups.stale = True  # eventually consistent readings see nothing yet
    assert _finished(simulation).report()["funnel"] == _finished(Simulation()).report()["funnel"]


def test_a_call_that_goes_by_two_names_is_found_by_either() -> None:
    simulation = Simulation()
    push = simulation.world.providers.push
    take = push.take

    def named_twice(call: OutgoingCall) -> Answer:
        answer = take(call)
        return replace(answer, provider_id=f"{answer.provider_id} card-{answer.provider_id}")

    push.take = named_twice  # type: ignore[method-assign]
    _finished(simulation)
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}
    clicks = [Receipt(f"card-{taken.provider_id}", ReceiptKind.CLICKED, START, taken.contact) for taken in push.taken]
    receipts.record(simulation.world.ports, "push", clicks)
    assert {"reg-ann", "reg-fay"} <= simulation.contacts("push", FactKind.CLICKED)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), kills=st.lists(st.integers(0, 250), max_size=6), twice=st.booleans(), early=st.booleans())
def test_many_accidents_in_any_order(seed: int, kills: list[int], twice: bool, early: bool) -> None:
    simulation = Simulation(order=random.Random(seed), twice=twice, early=early)

    def strike(number: int, name: str) -> None:
        if number in kills:
            raise Killed(name)

    simulation.world.on_step = strike
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()


def test_the_timers_rows_are_swept_even_when_their_execution_is_gone() -> None:
    simulation = Simulation()
    simulation.world.timers.start_clock = lambda timers: None  # type: ignore[method-assign,assignment]
    _finished(simulation)


def test_an_answer_that_times_out_is_repeated_with_the_same_token_and_sent_once() -> None:
    simulation = Simulation()
    simulation.world.providers.push.fail(Uncertain("timeout"), Uncertain("timeout"), taken=True)
    _finished(simulation)
    tokens = {call.token for call in simulation.world.providers.push.calls}
    assert len(simulation.world.providers.push.calls) == 3
    assert len(tokens) == 1


def test_without_a_token_an_uncertain_call_is_unknown_and_the_strategy_goes_on() -> None:
    simulation = Simulation()
    simulation.world.providers.text.fail(Uncertain("timeout"), taken=True)
    _finished(simulation)
    assert simulation.contacts("text", FactKind.UNKNOWN)
    assert len(simulation.contacts("mail", FactKind.DELIVERED)) >= 3


def test_a_kind_of_content_without_a_token_is_not_repeated_though_the_provider_has_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ScriptedSession, "token_for", lambda self, content: None)
    simulation = Simulation()
    simulation.world.providers.push.fail(Uncertain("timeout"), taken=True)
    _finished(simulation)
    assert {call.token for call in simulation.world.providers.push.calls} == {None}
    assert simulation.contacts("push", FactKind.UNKNOWN)
    assert max(simulation.world.providers.push.sent().values()) == 1


def test_an_operator_may_choose_to_send_again() -> None:
    simulation = Simulation(on_uncertain=OnUncertain.RESEND)
    simulation.world.providers.text.fail(Uncertain("timeout"), taken=True)
    _finished(simulation)
    assert max(simulation.world.providers.text.sent().values()) == 2
    assert not simulation.contacts("text", FactKind.UNKNOWN)


def test_throttling_is_not_failure() -> None:
    simulation = Simulation()
    simulation.world.providers.push.fail(*[Throttled("2002", retry_after=3)] * 20)
    simulation.world.providers.mail.fail(*[Unavailable("down")] * 5)
    _finished(simulation)
    assert len(simulation.world.providers.push.calls) == 21


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


def test_who_is_reached_between_the_go_list_and_the_call_is_skipped_there_and_goes_on_nowhere() -> None:
    simulation = Simulation()

    def late_receipt(number: int, name: str) -> None:
        if name == "ledger.freeze.done" and simulation.world.clock.now() > START + 50_000:
            simulation.world.on_step = lambda number, name: None
            found = simulation.world.providers.push.receipts(ReceiptKind.DELIVERED, simulation.world.clock.now(), "reg-bob-silent")
            request = simulation.world.providers.push.webhook_request(found)
            receipts.take_webhook(simulation.world.ports, "push", WEBHOOK_TOKEN, request)

    simulation.world.on_step = late_receipt
    simulation.submit()
    simulation.run()
    assert simulation.contacts("text", FactKind.SKIPPED) == {"1002"}
    assert "1002" not in simulation.world.providers.text.sent()
    assert "bob@example.com" not in simulation.world.providers.mail.sent()
    told = simulation.report()
    assert told["status"] == "finished"
    assert told["balanced"]


def test_a_call_that_never_succeeds_does_not_hold_up_those_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mail job of several calls: the first mail server is down for good, the others are not."""
    simulation = Simulation(strategy=a_strategy("email", "app", "sms"))
    mail = simulation.world.providers.mail
    monkeypatch.setattr(mail, "capabilities", replace(mail.capabilities, call_size=1))
    taken = mail._take

    def down_for_ann(call: OutgoingCall) -> Answer:
        if call.recipients[0].contact == "ann@example.com":
            raise Unavailable("down")
        return taken(call)

    monkeypatch.setattr(mail, "_take", down_for_ann)
    simulation.submit()
    for _ in range(30):
        simulation._next()
    assert {"bob@example.com", "eva@example.com"} <= set(mail.sent())


def test_a_sender_whose_jobs_could_not_be_queued_is_not_told_to_send_again() -> None:
    simulation = Simulation()
    send = simulation.world.queues.send

    def refuse_once(envelopes: Sequence[Envelope]) -> None:
        simulation.world.queues.send = send  # type: ignore[method-assign]
        raise ConnectionError("the queue is not there")

    simulation.world.queues.send = refuse_once  # type: ignore[method-assign]
    _finished(simulation)


def test_backing_off_for_days_is_no_error() -> None:
    assert calls._backoff(100_000) == calls.MAX_DELAY


def test_what_is_put_off_for_ever_fails_with_its_reason() -> None:
    simulation = Simulation()
    simulation.world.providers.mail.answers["eva@example.com"] = Outcome(code="451", later=True)
    simulation.submit()
    simulation.run()
    assert simulation.report()["losses"]["channels"]["email"] == {"submit_failed:451": 1}  # type: ignore[index]
    assert simulation.report()["status"] == "finished"


def test_a_refused_contact_goes_on_at_once() -> None:
    simulation = Simulation()
    simulation.world.providers.text.answers["1002"] = Outcome(Loss.INVALID_TARGET, "50006")
    _finished(simulation)
    assert simulation.report()["losses"]["channels"]["sms"]["invalid_target:50006"] == 1  # type: ignore[index]
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
