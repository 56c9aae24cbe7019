"""A paused delivery channel: nothing is called, nothing is lost, and everything goes on later."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.flow.delivery.postponed import PAUSE
from chalicelib.manage import delivery_channels
from tests.builders import a_channel, an_access_channel
from tests.fakes.world import FakeWorld
from tests.flow.delivery.mails import planned, run
from tests.simulation.world import Simulation


def paused(fake: FakeWorld, *, paused: bool = True, code: str = "mail") -> None:
    delivery_channels.pause(fake.ports, code, None, paused=paused)


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    fake.settings.put_channel(a_channel("mail", deliveries_per_day=1000))
    return fake


def test_jobs_of_a_paused_channel_come_back_and_use_nothing_up(fake: FakeWorld) -> None:
    _, job = planned(fake)
    paused(fake)
    fake.log.clear()
    ((again, delay),) = run(fake, job)
    assert (again.start, again.end, delay) == (job.start, job.end, PAUSE)
    assert not fake.providers.mail.sent()
    assert not [step for step in fake.log if step.startswith("counters.")]
    paused(fake, paused=False)
    fake.clock.advance(PAUSE)
    assert run(fake, again) == []
    assert fake.providers.mail.sent().total() == 100


def test_a_strategy_goes_on_when_a_paused_channel_has_not_been_resumed_in_time() -> None:
    simulation = Simulation()
    paused(simulation.world, code="push")
    simulation.submit()
    simulation.run()
    simulation.check()
    losses: Any = simulation.report()["losses"]
    assert losses["channels"]["app"] == {"expired:channel_paused": 5}
    assert not simulation.world.providers.push.sent()
    assert simulation.world.providers.text.sent().total() == 4


def test_what_waits_is_sent_once_when_the_channel_is_resumed() -> None:
    simulation = Simulation(twice=True)
    paused(simulation.world, code="push")
    simulation.submit()
    for _ in range(20):
        simulation._next()
    assert not simulation.world.providers.push.sent()
    paused(simulation.world, paused=False, code="push")
    simulation.run()
    simulation.check()
    assert set(simulation.world.providers.push.sent().values()) == {1}
