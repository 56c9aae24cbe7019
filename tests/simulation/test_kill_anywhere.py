"""Wherever a worker is ended, nothing is lost and nothing is sent twice."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import evaluate
from chalicelib.ports import Limits
from tests.fakes.world import LIMITS, FakeWorld, limits_of
from tests.profiles import examples
from tests.simulation.world import Simulation, finished


def _whole(limits: Limits = LIMITS) -> FakeWorld:
    simulation = Simulation(world=FakeWorld(limits))
    simulation.submit()
    simulation.run()
    return simulation.world


def _killed_at(number: int, limits: Limits = LIMITS) -> Simulation:
    simulation = Simulation(world=FakeWorld(limits))
    simulation.world.kill_at(number)
    simulation.submit()
    simulation.run()
    return simulation


def test_without_accidents_everybody_is_reached_by_the_first_channel_that_works() -> None:
    simulation = finished(Simulation())
    assert simulation.contacts("push", FactKind.DELIVERED) == {"reg-ann", "reg-fay"}
    assert simulation.contacts("text", FactKind.DELIVERED) == {"1002", "1004"}
    assert simulation.contacts("mail", FactKind.DELIVERED) == {"cem@example.com", "eva@example.com"}
    shown = simulation.report()
    assert shown["funnel"]["users"] == {
        "planned": 8,
        "valid": 6,
        "submitted": 6,
        "delivered": 6,
        "clicked": 0,
    }  # type: ignore[index]
    assert shown["losses"]["users"] == {"no_contact": 1, "unknown_user": 1}  # type: ignore[index]


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_at_any_step_loses_nothing_and_repeats_nothing(part: int) -> None:
    """Each place on the whole way of a message is tried, before and after each effect."""
    whole = _whole()
    for number in whole.kills[part::4]:
        simulation = _killed_at(number)
        # Ended before it was stored: the sender knows that nothing was accepted.
        if simulation.msgid is None:
            assert not simulation.world.queues.sent, whole.log[number]
            continue
        simulation.check()


def test_steps_without_an_effect_in_between_are_one_place_to_be_ended() -> None:
    """Compare what follows its first and last step. Other tests try the first one."""
    whole = _whole()
    places = list(pairwise([*whole.kills, len(whole.log)]))
    assert sum(following - first > 1 for first, following in places) > 30
    for first, following in places[::2]:
        steps = {tuple(_killed_at(n).world.log[n + 1 :]) for n in (first, following - 1)}
        assert len(steps) == 1, whole.log[first:following]


@pytest.mark.parametrize("part", range(4))
def test_a_worker_ended_between_chunks_loses_no_chunk(part: int) -> None:
    """Chunks of three targets, of which a job plans two."""
    small = limits_of(chunk_targets=3, chunks_per_job=2)
    for number in _whole(small).kills[part::4]:
        simulation = _killed_at(number, small)
        if simulation.msgid is not None:
            simulation.check()
            assert len(simulation.chunks()) == 3


def test_a_second_worker_with_the_same_job_waits_while_the_first_ones_lease_lives() -> None:
    simulation = Simulation()
    others: list[Envelope] = []

    def meanwhile(number: int, name: str) -> None:
        if name == "provider.send" and not others:
            others.extend(e for e in simulation.world.queues.sent if isinstance(e.job, DeliverJob))
            for envelope in others:
                simulation._handle(envelope)

    simulation.world.on_step = meanwhile
    finished(simulation)
    assert others
    assert simulation.world.providers.push.sent().most_common(1)[0][1] == 1


def test_two_looks_at_once_with_other_facts_in_between_freeze_everybody_once() -> None:
    """The second look reads the chunk, then the first one freezes its list, and a receipt comes."""
    simulation = Simulation()
    looks: list[ChunkId] = []

    def meanwhile(number: int, name: str) -> None:
        if name == "ledger.freeze" and len(looks) < 3:
            looks.append(ChunkId(simulation.msgid or "", 0))
            simulation._collect_receipts()
            simulation.world.clock.advance(5)
            simulation._post_what_is_due()
            evaluate.check_chunk(simulation.world.ports, looks[-1])

    simulation.world.on_step = meanwhile
    finished(simulation)
    (chunk,) = simulation.chunks()
    for step in (1, 2):
        listed = [t for entrants in chunk.entrants_of(step) for t in entrants.members]
        assert len(listed) == len(set(listed))


def test_every_message_of_every_queue_delivered_twice_changes_nothing() -> None:
    once, twice = finished(Simulation()), finished(Simulation(twice=True))
    assert twice.report()["funnel"] == once.report()["funnel"]
    assert twice.world.providers.push.sent() == once.world.providers.push.sent()


@examples(60)
@given(
    seed=st.integers(0, 10**6),
    kills=st.lists(st.integers(0, 250), max_size=6),
    twice=st.booleans(),
    early=st.booleans(),
)
def test_many_accidents_in_any_order(seed: int, kills: list[int], twice: bool, early: bool) -> None:
    simulation = Simulation(order=random.Random(seed), twice=twice, early=early)
    simulation.world.kill_at(*kills)
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()


def test_the_timers_rows_are_swept_even_when_their_execution_is_gone() -> None:
    simulation = Simulation()
    timers = simulation.world.timers
    simulation.world.meanwhile("timers.start_clock.done", timers.started.clear)
    finished(simulation)


def test_a_sender_whose_jobs_could_not_be_queued_is_not_told_to_send_again() -> None:
    simulation = Simulation()
    simulation.world.fail(ConnectionError("the queue is not there"), "queues.send", times=1)
    finished(simulation)
