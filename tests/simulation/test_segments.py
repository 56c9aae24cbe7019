"""Each member of a segment by rules is in one chunk, wherever a planner is ended."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.flow.requests import SendRequest
from tests.builders import SHOP
from tests.profiles import examples
from tests.simulation.test_scanned_audiences import CROWD, TAGGED, Scanned

EVEN = {"all": [{"attribute": "even", "is": "equals", "value": 1}, {"contact": "app"}]}


@dataclass
class BySegment(Scanned):
    """A message to a segment by rules in three partitions. Half of the crowd belongs to it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        users = self.world.users
        for name in CROWD:
            attributes = {"even": int(name in TAGGED)}
            users.stored[name] = replace(users.stored[name], attributes=attributes)
        segment = Group(Family.SEGMENT, 5, SHOP, "even", "rules", rule=EVEN)
        self.world.records.of(GROUPS[Family.SEGMENT]).put(segment)

    def request(self) -> SendRequest:
        return replace(super().request(), everyone=False, segment=5)

    def _check_people(self) -> None:
        assert set(self.planned()) == TAGGED
        assert set(self.planned().values()) == {1}


def finished(simulation: BySegment) -> BySegment:
    simulation.submit()
    simulation.run()
    simulation.check()
    return simulation


def test_every_member_is_in_one_chunk() -> None:
    shown = finished(BySegment()).report()
    assert shown["progress"]["targets"] == len(TAGGED)  # type: ignore[index]
    assert shown["funnel"]["users"]["delivered"] == len(TAGGED)  # type: ignore[index]


@pytest.mark.parametrize("part", range(4))
def test_a_planner_ended_at_any_step_leaves_no_member_out(part: int) -> None:
    for number in finished(BySegment()).world.kills[part::8]:
        simulation = BySegment()
        simulation.world.kill_at(number)
        simulation.submit()
        simulation.run()
        if simulation.msgid is not None:
            simulation.check()


@examples(20)
@given(seed=st.integers(0, 10**6), kills=st.lists(st.integers(0, 300), max_size=6))
def test_a_member_is_judged_when_the_page_is_read(seed: int, kills: list[int]) -> None:
    """Users change sides while workers plan chunks. Who never changed is in one chunk or none."""
    simulation, chance = BySegment(order=random.Random(seed)), random.Random(seed)
    changed: set[str] = set()
    simulation.submit()
    for kill in kills:
        name = chance.choice(CROWD)
        users = simulation.world.users
        even = 1 - users.stored[name].attributes["even"]
        users.stored[name] = replace(users.stored[name], attributes={"even": even})
        changed.add(name)
        simulation.world.kill_at(len(simulation.world.log) + kill)
        simulation.run()
    simulation.run()
    simulation.world.spare()
    planned = simulation.planned()
    assert set(planned.values()) <= {1}
    assert TAGGED - changed <= set(planned) <= TAGGED | changed
