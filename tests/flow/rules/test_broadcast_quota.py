"""Broadcasts of a day are counted exactly, and given back where nothing was accepted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import BroadcastsUsedUp, KeyReused
from chalicelib.flow import submit
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import broadcast_quota
from chalicelib.flow.rules.broadcast_quota import RULE
from chalicelib.ports import IdempotencyKey
from tests.builders import an_access_channel
from tests.fakes.steps import Killed
from tests.simulation.world import Simulation

ACCESS = an_access_channel(rules={RULE: {"per_day": 2}})
HOUR = 3600


def broadcast(simulation: Simulation, key: str = "", digest: str = "d", **changes: object) -> str:
    request: SendRequest = replace(
        simulation.request(), userids=(), everyone=True, channel=ACCESS, **changes
    )
    once = IdempotencyKey(key, digest) if key else None
    return submit.submit(simulation.world.ports, request, once)


def used(simulation: Simulation) -> int:
    return broadcast_quota.used(simulation.world.ports, ACCESS)


def test_the_third_broadcast_of_the_day_is_refused() -> None:
    simulation = Simulation()
    for _ in range(2):
        broadcast(simulation)
    with pytest.raises(BroadcastsUsedUp):
        broadcast(simulation, priority=Priority.HIGH)
    assert used(simulation) == 2
    assert len(simulation.world.messages.stored) == 2
    # The deployment's day begins at 16:00 of UTC, and the clock stands at 8:00.
    simulation.world.clock.advance(8 * HOUR - 1)
    with pytest.raises(BroadcastsUsedUp):
        broadcast(simulation)
    simulation.world.clock.advance(1)
    broadcast(simulation)
    assert used(simulation) == 1


def test_a_message_to_an_audience_is_not_counted() -> None:
    simulation = Simulation()
    submit.submit(simulation.world.ports, replace(simulation.request(), channel=ACCESS))
    assert not [step for step in simulation.world.log if step.startswith("counters")]


def test_an_access_channel_without_a_quota_costs_nothing() -> None:
    simulation = Simulation()
    request = replace(simulation.request(), userids=(), everyone=True)
    submit.submit(simulation.world.ports, request)
    assert not [step for step in simulation.world.log if step.startswith("counters")]


def test_a_repeat_with_the_same_key_counts_once_and_works_when_the_quota_is_used_up() -> None:
    simulation = Simulation()
    first = broadcast(simulation, "k")
    assert broadcast(simulation, "k") == first
    assert used(simulation) == 1
    broadcast(simulation)
    assert broadcast(simulation, "k") == first
    with pytest.raises(KeyReused):
        broadcast(simulation, "k", "another body")
    assert used(simulation) == 2


def test_a_place_is_given_back_where_the_message_was_not_stored() -> None:
    simulation = Simulation()
    simulation.world.fail(ConnectionError(), "messages.create")
    with pytest.raises(ConnectionError):
        broadcast(simulation)
    assert used(simulation) == 0


def test_a_place_is_kept_where_only_the_answer_got_lost() -> None:
    simulation = Simulation()
    simulation.world.fail(ConnectionError(), "messages.create.done")
    with pytest.raises(ConnectionError):
        broadcast(simulation)
    assert used(simulation) == 1


def test_wherever_a_request_is_ended_no_more_than_the_quota_is_accepted() -> None:
    sample = Simulation()
    broadcast(sample)
    for number in range(len(sample.world.log)):
        simulation = Simulation()
        simulation.world.kill_at(number)
        for _ in range(4):
            try:
                broadcast(simulation)
            except (Killed, BroadcastsUsedUp):
                continue
        assert 1 <= len(simulation.world.messages.stored) <= 2
