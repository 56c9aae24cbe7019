"""Wherever a worker is ended, what counts under a frequency cap is what was sent."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chalicelib.domain.facts import FactKind
from chalicelib.domain.rules.caps import ANY, Cap
from chalicelib.flow import tally
from chalicelib.manage import caps as manage
from chalicelib.ports import Sizes
from tests.builders import SHOP
from tests.fakes.world import LIMITS, FakeWorld
from tests.simulation.world import Simulation

CAPS = (Cap(1, 24), Cap(1, 24, "sms"))
# A big message, so that another worker plans a chunk again.
SMALL = replace(LIMITS, sizes=Sizes(chunk_targets=3, chunks_per_job=2))


def a_simulation(**changes: object) -> Simulation:
    simulation = Simulation(world=FakeWorld(SMALL), **changes)  # type: ignore[arg-type]
    manage.put(simulation.world.ports, SHOP, None, CAPS)
    simulation.world.forget_steps()
    return simulation


def finished(simulation: Simulation) -> Simulation:
    simulation.broadcast()
    simulation.run()
    simulation.world.spare()
    if simulation.msgid is not None:
        for chunk in simulation.chunks():
            tally.recount_chunk(simulation.world.ports, chunk.plan.id)
        report = simulation.report()
        assert (report["status"], report["balanced"]) == ("finished", True)
        check(simulation)
    return simulation


def check(simulation: Simulation) -> None:
    """Check that each person has the marks of what was sent, or may have been."""
    channels = simulation.world.messages.stored[simulation.msgid or ""].channels
    for chunk in simulation.chunks():
        for n, target in enumerate(chunk.plan.targets):
            sent = {
                channels[ref.channel].value
                for ref, state in chunk.states.items()
                if ref.target == n and (state.submitted or state.has(FactKind.UNKNOWN))
            }
            marks = simulation.world.marks.of(f"cap#{SHOP}#user#{target.id}")
            assert {mark.kind for mark in marks} == ({ANY} if sent else set()) | (sent & {"sms"})


SAMPLE = finished(a_simulation()).world


@pytest.mark.parametrize("part", range(4))
def test_wherever_a_worker_is_ended_what_counts_is_what_was_sent(part: int) -> None:
    assert "marks.put" in SAMPLE.log
    for number in SAMPLE.kills[part::4]:
        simulation = a_simulation()
        simulation.world.kill_at(number)
        finished(simulation)


@pytest.mark.parametrize("seed", range(6))
def test_in_any_order_and_with_every_job_done_twice(seed: int) -> None:
    finished(a_simulation(twice=seed % 2 == 0, order=random.Random(seed)))


def test_a_second_message_to_everybody_reaches_nobody_that_the_first_one_has_reached() -> None:
    simulation = finished(a_simulation())
    sent = {code: dict(fake.sent()) for code, fake in simulation.providers().items()}
    simulation.broadcast()
    simulation.run()
    assert {code: dict(fake.sent()) for code, fake in simulation.providers().items()} == sent
