"""Wherever a worker is ended, every state is reported to the sender, and nothing else is."""

from __future__ import annotations

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.callbacks import OF_FACTS, BatchState
from chalicelib.ports import Limits, Reply
from tests.fakes.world import LIMITS, FakeWorld, limits_of
from tests.profiles import examples
from tests.simulation.world import Simulation

SMALL = limits_of(chunk_targets=3, chunks_per_job=2)


def reporting(limits: Limits = LIMITS, **options: object) -> Simulation:
    """Return a simulation with callbacks, whose receiver refuses every third request."""
    simulation = Simulation(world=FakeWorld(limits), reports=True, **options)  # type: ignore[arg-type]
    statuses = itertools.cycle((200, 500, 200))
    simulation.world.receivers.answer = lambda url: Reply(next(statuses))
    return simulation


def check_reports(simulation: Simulation) -> None:
    """Compare what the receiver took with the ledger."""
    world = simulation.world
    taken = list(world.receivers.posts)
    told = {(r["type"], r["userid"], r.get("sender_id", "")) for p in taken for r in p.records}
    happened: set[tuple[int, str, str]] = set()
    for chunk in simulation.chunks():
        for target in chunk.plan.targets:
            happened.add((1 if target.loss else 0, target.id, ""))
        for ref, state in chunk.states.items():
            name, contact = chunk.plan.targets[ref.target].id, chunk.plan.contact(ref)
            kinds = [kind for kind in state.facts if kind in OF_FACTS]
            happened |= {(OF_FACTS[kind].value, name, contact) for kind in kinds}
    assert told == happened
    assert {batch.state for batch in world.callbacks.batches()} == {BatchState.DELIVERED}


def finish(simulation: Simulation) -> None:
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()
        check_reports(simulation)


@pytest.mark.parametrize("limits", [LIMITS, SMALL])
def test_without_accidents_every_state_is_reported(limits: Limits) -> None:
    finish(reporting(limits))


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_no_report(part: int) -> None:
    simulation = reporting()
    finish(simulation)
    for number in simulation.world.kills[part::4]:
        killed = reporting()
        killed.world.kill_at(number)
        finish(killed)


@pytest.mark.parametrize("withdraw_at", [5, 40, 120, 200])
def test_a_withdrawn_message_reports_what_was_stopped_and_taken_back(withdraw_at: int) -> None:
    simulation = reporting()
    asked: list[int] = []

    def meanwhile(number: int, name: str) -> None:
        if number >= withdraw_at and not asked and simulation.msgid is not None:
            asked.append(number)
            simulation.withdraw()

    simulation.world.on_step = meanwhile
    simulation.submit()
    simulation.run()
    assert asked
    chunks = [c for c in simulation.world.ledger.partitions if simulation.world.ledger.chunk(c)]
    if chunks:
        check_reports(simulation)


@examples(30)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 400), max_size=6),
    twice=st.booleans(),
    early=st.booleans(),
)
def test_many_accidents_in_any_order(seed: int, kills: list[int], twice: bool, early: bool) -> None:
    simulation = reporting(order=random.Random(seed), twice=twice, early=early)
    simulation.world.kill_at(*kills)
    finish(simulation)
