"""A withdrawn message stays withdrawn, wherever a worker is ended.

Calls that had not left stay. Submitted ones are recalled, or it is recorded that they cannot be.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import (
    NotFound,
    Rejected,
    TooLateToWithdraw,
    Unavailable,
    Uncertain,
    WithdrawnAlready,
)
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import RecallJob, WithdrawJob
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Outcome
from chalicelib.flow import audience, submit, withdraw
from chalicelib.reports import message as report
from tests.builders import SHOP, a_big_message
from tests.fakes.clock import START
from tests.fakes.providers import raised
from tests.fakes.world import FakeWorld, limits_of
from tests.profiles import examples
from tests.simulation.world import Simulation


def check(simulation: Simulation) -> None:
    """Check that every delivery has ended, and that every submitted one has a result."""
    simulation.world.spare()
    shown = simulation.report()
    assert shown["status"] == "withdrawn"
    assert shown["balanced"], shown
    progress = shown["progress"]
    assert progress["unsubmitted"] == progress["undecided"] == 0, shown  # type: ignore[index]
    for code, provider in {
        **simulation.providers(),
        "mail": simulation.world.providers.mail,
    }.items():
        sent = provider.sent()
        assert set(sent.values()) <= {1}, f"{code} sent twice: {sent}"
        submitted = simulation.contacts(code, FactKind.SUBMITTED)
        assert submitted <= set(sent)
        assert set(sent) <= submitted | simulation.contacts(code, FactKind.UNKNOWN)
        assert submitted <= simulation.contacts(code, FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)


def is_withdrawn(simulation: Simulation) -> bool:
    return simulation.world.messages.withdrawn(simulation.msgid or "") is not None


def run(simulation: Simulation, steps: int) -> Simulation:
    """Send, and withdraw the message after so many events."""
    simulation.submit()
    for _ in range(steps):
        simulation._next()
    simulation.withdraw()
    simulation.run()
    return simulation


def test_what_has_not_left_stays() -> None:
    simulation = run(Simulation(), 0)
    check(simulation)
    assert not simulation.world.providers.push.calls
    assert simulation.contacts("push", FactKind.WITHDRAWN) == {
        "reg-ann",
        "reg-bob-silent",
        "reg-cem-silent",
        "reg-fay",
        "reg-fay2-silent",
    }
    shown = simulation.report()
    assert shown["losses"]["channels"] == {"app": {"withdrawn": 5}}  # type: ignore[index]


def withdrawn_when_submitted(code: str) -> Simulation:
    simulation = Simulation()
    simulation.submit()
    while not simulation.contacts(code, FactKind.SUBMITTED):
        simulation._next()
    simulation.withdraw()
    simulation.run()
    check(simulation)
    return simulation


def test_what_was_submitted_is_taken_back_where_the_provider_can_and_no_further_step_is_taken() -> (
    None
):
    simulation = withdrawn_when_submitted("push")
    assert {contact for _, contact in simulation.world.providers.push.recalled} >= {
        "reg-bob-silent",
        "reg-cem-silent",
    }
    assert simulation.contacts("push", FactKind.WITHDRAWN) == simulation.contacts(
        "push", FactKind.SUBMITTED
    )
    assert "1002" not in simulation.world.providers.text.sent()  # whom the push did not reach


def test_what_cannot_be_taken_back_says_so_for_each_target() -> None:
    simulation = withdrawn_when_submitted("text")
    assert (
        simulation.contacts("text", FactKind.WITHDRAW_FAILED)
        == simulation.contacts("text", FactKind.SUBMITTED)
        != set()
    )
    shown = report.target(simulation.world.ports, SHOP, simulation.msgid or "", "dan")
    (sms,) = [d for d in shown["deliveries"] if d["channel"] == "sms"]
    assert sms["withdrawal"] == "withdraw_failed"
    assert ("withdraw_failed", "cannot_be_recalled") in [
        (fact["fact"], fact["code"]) for fact in sms["facts"]
    ]


def test_a_message_is_withdrawn_once_and_within_a_day() -> None:
    simulation = run(Simulation(), 0)
    with pytest.raises(WithdrawnAlready):
        withdraw.withdraw(simulation.world.ports, SHOP, simulation.msgid or "")
    for seconds, late in ((24 * 3600, False), (24 * 3600 + 1, True)):
        other = Simulation()
        other.submit()
        other.world.clock.time = START + seconds * 1000
        if not late:
            withdraw.withdraw(other.world.ports, SHOP, other.msgid or "")
            continue
        with pytest.raises(TooLateToWithdraw):
            withdraw.withdraw(other.world.ports, SHOP, other.msgid or "")


def test_another_access_channels_message_is_not_there() -> None:
    simulation = Simulation()
    simulation.submit()
    with pytest.raises(NotFound):
        withdraw.withdraw(simulation.world.ports, "other", simulation.msgid or "")
    assert not is_withdrawn(simulation)


@pytest.mark.parametrize("after", [0, 1, 3, 6, 12, 20])
def test_a_worker_ended_at_any_step_of_a_withdrawal_leaves_nothing_open(after: int) -> None:
    """Every step from the withdrawal on, before and after its effect."""
    sample = Simulation()
    sample.submit()
    for _ in range(after):
        sample._next()
    begun = len(sample.world.log)
    sample.withdraw()
    sample.run()
    for number in [number for number in sample.world.kills if number >= begun]:
        simulation = Simulation()
        simulation.world.kill_at(number)
        run(simulation, after)
        if is_withdrawn(simulation):
            check(simulation)
        else:
            simulation.check()


def check_chunks(simulation: Simulation, msgid: str) -> None:
    """Check each planned chunk: withdrawn, and every submitted delivery has a result."""
    assert simulation.report()["status"] == "withdrawn"
    chunks = [simulation.world.ledger.chunk(ChunkId(msgid, number)) for number in range(3)]
    for chunk in chunks:
        if chunk is None:
            continue
        assert chunk.withdrawn is not None
        for _, _, ref in chunk.refs(simulation.world.messages.stored[msgid]):
            state = chunk.state_of(ref)
            assert state.ended
            has_result = state.has(FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)
            assert FactKind.SUBMITTED not in state.facts or has_result
    for provider in (*simulation.providers().values(), simulation.world.providers.mail):
        assert set(provider.sent().values()) <= {1}


@examples(60)
@given(
    seed=st.integers(0, 10**6),
    after=st.integers(0, 40),
    kills=st.lists(st.integers(0, 250), max_size=5),
    twice=st.booleans(),
    small=st.booleans(),
)
def test_many_accidents_in_any_order(
    seed: int, after: int, kills: list[int], twice: bool, small: bool
) -> None:
    limits = limits_of(chunk_targets=3 if small else 1000, chunks_per_job=1)
    simulation = Simulation(order=random.Random(seed), twice=twice, world=FakeWorld(limits))
    simulation.world.kill_at(*kills)
    simulation.submit()
    for _ in range(after):
        simulation._next()
    if simulation.msgid is None:
        return
    simulation.withdraw()
    simulation.run()
    simulation.world.spare()
    if is_withdrawn(simulation):
        check_chunks(simulation, simulation.msgid)
    else:
        simulation.check()


def test_a_call_that_is_under_way_when_the_message_is_withdrawn_is_taken_back_afterwards() -> None:
    simulation = Simulation()

    def meanwhile(number: int, name: str) -> None:
        if name == "provider.send" and not is_withdrawn(simulation):
            simulation.world.spare()
            withdraw.withdraw(simulation.world.ports, SHOP, simulation.msgid or "")
            for envelope in [
                e for e in simulation.world.queues.sent if isinstance(e.job, WithdrawJob)
            ]:
                simulation._handle(envelope)

    simulation.world.on_step = meanwhile
    simulation.submit()
    simulation.run()
    check(simulation)
    assert simulation.contacts("push", FactKind.SUBMITTED)
    assert simulation.contacts("push", FactKind.SUBMITTED) == simulation.contacts(
        "push", FactKind.WITHDRAWN
    )


def test_a_recall_that_gets_no_answer_is_asked_again_and_given_up_in_the_end() -> None:
    simulation, errors = Simulation(), [Unavailable("down"), Uncertain("timeout")] * 50
    simulation.world.providers.push.of_session["recall"] = lambda *_: raised(errors.pop())
    simulation.submit()
    while not simulation.contacts("push", FactKind.SUBMITTED):
        simulation._next()
    simulation.withdraw()
    simulation.run()
    check(simulation)
    assert simulation.contacts("push", FactKind.WITHDRAW_FAILED) == simulation.contacts(
        "push", FactKind.SUBMITTED
    )
    assert len(errors) <= 100 - withdraw.MAX_TRIES


def test_a_provider_that_refuses_a_recall_is_believed() -> None:
    simulation = Simulation()
    simulation.world.providers.push.of_session["recall"] = lambda *_: raised(Rejected("1003"))
    simulation.submit()
    while not simulation.contacts("push", FactKind.SUBMITTED):
        simulation._next()
    simulation.withdraw()
    simulation.run()
    check(simulation)
    assert simulation.contacts("push", FactKind.WITHDRAW_FAILED) == simulation.contacts(
        "push", FactKind.SUBMITTED
    )


def test_planning_stops_where_the_message_is_withdrawn() -> None:
    simulation = Simulation()
    message = a_big_message(1200)
    simulation.world.messages.has(message)
    simulation.world.queues.send(audience.first_jobs(message))
    withdraw.withdraw(simulation.world.ports, SHOP, message.msgid)
    simulation.run()
    assert simulation.world.ledger.plan(ChunkId(message.msgid, 0)) is None
    assert not simulation.world.providers.push.calls


@pytest.mark.parametrize(("priority", "at_once"), [(Priority.HIGH, 2), (Priority.LOW, 5)])
def test_a_recall_at_priority_1_leaves_its_worker_to_codes(
    priority: Priority, at_once: int
) -> None:
    simulation, recalled = Simulation(), list[str]()
    world = simulation.world
    world.providers.push.can(call_size=1)

    def recall(_: object, provider_id: str, contacts: Sequence[str]) -> Sequence[Outcome]:
        world.clock.advance(2)
        recalled.extend(contacts)
        return [Outcome() for _ in contacts]

    world.providers.push.of_session["recall"] = recall
    submit.submit(world.ports, replace(simulation.request(), priority=priority))
    while len(simulation.contacts("push", FactKind.SUBMITTED)) < 5:
        simulation._next()
    simulation.withdraw()
    (job,) = [e.job for _, e in world.queues.waiting if isinstance(e.job, RecallJob)]
    withdraw.recall(world.ports, job)
    assert len(recalled) == at_once
    simulation.run()
    check(simulation)
    assert set(recalled) == simulation.contacts("push", FactKind.WITHDRAWN)
