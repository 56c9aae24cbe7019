"""Messages are kept as long as their access channel says, or deleted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.errors import NotFound, StillSending
from chalicelib.flow import submit, withdraw
from chalicelib.flow.rules import quiet_hours, retention
from chalicelib.flow.rules.retention import RULE
from chalicelib.reports import message as report
from tests.builders import SHOP, an_access_channel
from tests.fakes.clock import START
from tests.simulation.world import Simulation, finished


@pytest.mark.parametrize(("rules", "days"), [({}, 7), ({RULE: {"days": 60}}, 60)])
def test_a_message_is_kept_as_its_access_channel_says(rules: dict[str, object], days: int) -> None:
    simulation = Simulation()
    request = replace(simulation.request(), channel=an_access_channel(rules=rules))
    submit.submit(simulation.world.ports, request)
    message = simulation.world.messages.stored[simulation.msgid or ""]
    assert message.expires == START // 1000 + message.strategy.length + days * 86400


def test_a_deleted_message_is_found_nowhere() -> None:
    simulation = finished(Simulation())
    world, msgid = simulation.world, simulation.msgid or ""
    message = world.messages.stored[msgid]
    retention.delete(world.ports, msgid)
    # Another container still remembers the message.
    for remembered in (False, True):
        if remembered:
            world.messages.stored[msgid] = message
        with pytest.raises(NotFound):
            report.message(world.ports, SHOP, msgid)
        with pytest.raises(NotFound):
            report.target(world.ports, SHOP, msgid, "ann")
        with pytest.raises(NotFound):
            withdraw.withdraw(world.ports, SHOP, msgid)
        with pytest.raises(NotFound):
            retention.delete(world.ports, msgid)


def test_a_message_that_is_still_sent_stays() -> None:
    simulation = Simulation()
    simulation.submit()
    for _ in range(4):
        with pytest.raises(StillSending):
            retention.delete(simulation.world.ports, simulation.msgid or "")
        simulation._next()
    simulation.withdraw()
    simulation.run()
    retention.delete(simulation.world.ports, simulation.msgid or "")


def test_a_message_on_hold_stays_until_it_is_withdrawn() -> None:
    night = {"begin": "00:00", "end": "23:59", "time_zone": "Etc/UTC", "priorities": [1, 2, 3]}
    quiet = {"action": "hold", "windows": [night]}
    simulation = Simulation()
    channel = an_access_channel(rules={quiet_hours.RULE: quiet})
    submit.submit(simulation.world.ports, replace(simulation.request(), channel=channel))
    with pytest.raises(StillSending):
        retention.delete(simulation.world.ports, simulation.msgid or "")
    simulation.withdraw()
    msgid = simulation.msgid or ""
    retention.delete(simulation.world.ports, msgid)
    simulation.run()
    assert not simulation.world.providers.push.calls


def test_jobs_that_are_left_of_a_deleted_message_do_nothing() -> None:
    simulation = finished(Simulation(twice=True))
    sent = len(simulation.world.queues.sent)
    retention.delete(simulation.world.ports, simulation.msgid or "")
    for envelope in list(simulation.world.queues.sent):
        simulation._handle(envelope)
    assert len(simulation.world.queues.sent) == sent
