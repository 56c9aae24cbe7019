"""Suppressions and opt-outs are not lost, wherever a worker is ended.

Providers are not called faster than they allow.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.provider_io import Loss, Outcome, OutgoingCall, Reply
from chalicelib.flow import webhooks
from tests.builders import SHOP, WEBHOOK_TOKEN
from tests.fakes.clock import START
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of
from tests.simulation.world import Simulation

THREES = limits_of(chunk_targets=3)
SLOW = {"calls_per_second": 0.02}  # a call of priority 2 or 3 in 62.5 seconds


def a_simulation(**changes: object) -> Simulation:
    """Build a simulation in which Bob's app is gone for good."""
    simulation = Simulation(**changes)  # type: ignore[arg-type]
    simulation.world.providers.push.answers["reg-bob-silent"] = Outcome(
        Loss.INVALID_TARGET, "no_such_app", undeliverable=True
    )
    return simulation


def finished(simulation: Simulation) -> Simulation:
    simulation.submit()
    simulation.run()
    if simulation.msgid is not None:
        simulation.check()
    return simulation


@pytest.mark.parametrize("part", range(4))
def test_a_dead_contact_is_suppressed_wherever_a_worker_is_ended(part: int) -> None:
    sample = finished(a_simulation()).world
    assert "users.save" in sample.log
    for number in sample.kills[part::4]:
        simulation = a_simulation()
        simulation.world.kill_at(number)
        finished(simulation)
        if simulation.msgid is not None:
            bob = simulation.world.users.stored["bob"]
            assert bob.suppression(ChannelType.APP, "reg-bob-silent", SHOP) == "contact_gone", (
                sample.log[number]
            )


@pytest.mark.parametrize("part", range(4))
def test_a_reservation_that_is_lost_with_its_worker_loses_nothing_else(part: int) -> None:
    """Chunks have three targets, so that several jobs wait for each channel's rate."""
    sample = finished(a_simulation(options=SLOW, world=FakeWorld(THREES))).world
    assert sample.log.count("rate_limiter.reserve") >= 6
    for number in sample.kills[part::4]:
        simulation = a_simulation(options=SLOW, world=FakeWorld(THREES))
        simulation.world.kill_at(number)
        finished(simulation)


def test_calls_keep_to_the_rate_whatever_happens() -> None:
    alone = FakeWorld(limits_of(chunk_targets=1))
    simulation = a_simulation(options=SLOW, order=random.Random(7), world=alone)
    called: dict[str, list[int]] = {}
    for code, provider in {
        **simulation.providers(),
        "mail": simulation.world.providers.mail,
    }.items():
        provider.watchers.append(_watched(simulation, called.setdefault(code, [])))
    finished(simulation)
    for code, times in called.items():
        assert len(times) >= 2, code
        assert all(later - earlier >= 61_500 for earlier, later in pairwise(times)), (code, times)


def _watched(simulation: Simulation, times: list[int]) -> Callable[[OutgoingCall], None]:
    return lambda call: times.append(simulation.world.clock.now())


def test_opt_outs_of_a_post_that_dies_are_taken_when_it_comes_again() -> None:
    """The provider posts until it gets an answer. Each step is tried, with two people in a post."""
    replies = [
        Reply("1001", "TD", START - 5),
        Reply("1002", "退订", START - 4),
        Reply("1002", "START", START - 3),
    ]
    length = 0
    number = 0
    while number <= length:
        simulation = Simulation()
        world = simulation.world
        world.kill_at(number)
        request = world.providers.text.webhook_request([], replies=replies)
        for _ in range(2):
            try:
                webhooks.take_webhook(world.ports, "text", WEBHOOK_TOKEN, request)
            except Killed:
                continue
            break
        length = max(length, len(world.log))
        ann, bob = world.users.stored["ann"], world.users.stored["bob"]
        assert ann.suppression(ChannelType.SMS, "1001", SHOP) == "opted_out", number
        assert bob.suppression(ChannelType.SMS, "1002", SHOP) == "", number
        number += 1
    assert number > 20
