"""The rates of the messages that were sent to a segment."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.flow import tally
from chalicelib.flow.requests import SendRequest
from chalicelib.reports import segments
from tests.builders import SHOP
from tests.simulation.world import Simulation

SEGMENT = Group(Family.SEGMENT, 5, SHOP, "with a phone", "rules", rule={"contact": "sms"})


class ToSegment(Simulation):
    """A message to a segment by rules."""

    def request(self) -> SendRequest:
        return replace(super().request(), userids=(), segment=5)


def test_what_came_of_the_messages_to_a_segment_is_added() -> None:
    simulation = ToSegment()
    ports = simulation.world.ports
    ports.records.of(GROUPS[Family.SEGMENT]).put(SEGMENT)
    simulation.submit()
    simulation.run()
    for chunk in simulation.chunks():
        tally.recount_chunk(ports, chunk.plan.id)
    told = segments.analysis(ports, SEGMENT, 90)
    users = told["users"]
    people = len(simulation.chunks()[0].plan.targets)
    assert users["planned"] == users["delivered"] == people > 1
    assert users["delivery_rate"] == 1.0
    assert [message["msgid"] for message in told["messages"]] == [simulation.msgid]
    assert told["messages"][0]["users"]["planned"] == people
    simulation.world.clock.advance(91 * 86_400)
    assert segments.analysis(ports, SEGMENT, 90)["messages"] == []
