"""A message in quiet hours is refused or held, and costs nothing where there are none."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from chalicelib.domain.access_channels import ACCESS_CHANNELS
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import QuietHours
from chalicelib.domain.rules.schedules import Occasion, Timing
from chalicelib.domain.rules.topics import Preferences, QuietTime, stored
from chalicelib.flow import submit
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.rules import quiet_hours
from chalicelib.flow.rules.quiet_hours import RULE
from chalicelib.reports import life
from chalicelib.reports.simulation import simulate
from tests.builders import SHOP, a_strategy, a_template, an_access_channel
from tests.simulation.world import Simulation

NOTHING = cast("ResolvedSend", None)
NIGHT = {"begin": "22:00", "end": "08:00", "time_zone": "Asia/Shanghai", "priorities": [2, 3]}
EVENING = round(datetime(2027, 3, 1, 23, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * 1000
MORNING = EVENING + 9 * 3600 * 1000


def a_simulation(action: str, now: int) -> Simulation:
    simulation = Simulation()
    settings = simulation.world.settings
    before = settings.access_channel(SHOP)
    assert before is not None
    rules: dict[str, Any] = {RULE: {"action": action, "windows": [NIGHT]}}
    simulation.world.records.of(ACCESS_CHANNELS).update(
        before, replace(before, rules=rules, version=2)
    )
    simulation.world.clock.time = now
    return simulation


def send(simulation: Simulation, priority: Priority = Priority.MEDIUM) -> str:
    access = simulation.world.settings.access_channel(SHOP) or an_access_channel()
    request = replace(simulation.request(), channel=access, priority=priority)
    return submit.submit(simulation.world.ports, request)


def test_a_message_is_refused_with_the_end() -> None:
    simulation = a_simulation("refuse", EVENING)
    with pytest.raises(QuietHours) as refused:
        send(simulation)
    assert refused.value.values == {"until": "2027-03-02T00:00:00+00:00"}
    assert not simulation.world.messages.stored
    assert send(simulation, Priority.HIGH)


def test_a_message_is_held_until_the_morning() -> None:
    simulation = a_simulation("hold", EVENING)
    send(simulation)
    assert simulation.report()["held_until"] == MORNING
    simulation.run()
    simulation.check()
    assert min(chunk.plan.time for chunk in simulation.chunks()) >= MORNING


@pytest.mark.parametrize("action", ["refuse", "hold"])
def test_a_step_that_is_due_in_the_night_waits_for_the_morning(action: str) -> None:
    """The push goes out at once, a minute before the night begins."""
    begin = EVENING - 3600 * 1000 - 30_000
    simulation = a_simulation(action, begin)
    send(simulation)
    simulation.run()
    simulation.check()
    times = [entrants.time for chunk in simulation.chunks() for entrants in chunk.entrants]
    late = [time for time in times if time > begin + 30_000]
    assert late
    assert all(MORNING <= time <= MORNING + 3600_000 for time in late)


def test_quiet_hours_cost_no_request() -> None:
    plain, quiet = Simulation(), a_simulation("hold", MORNING)
    plain.submit()
    quiet.world.log.clear()
    send(quiet)
    asked = [[s for s in one.world.log if "access" not in s] for one in (plain, quiet)]
    assert asked[0] == asked[1]


def of_own_zone(simulation: Simulation, *types: str, at: str = "2027-03-01T22:30:00") -> Chunk:
    """Send to Ann and Bob at a time of their own zones, half past ten in the evening."""
    simulation.world.settings.put_strategy(5, SHOP, "types", a_strategy(*types))
    simulation.world.settings.put_template(a_template(2, types))
    access = simulation.world.settings.access_channel(SHOP) or an_access_channel()
    occasion = Occasion(at, "Asia/Shanghai", "tz")
    request = replace(simulation.request(), channel=access, occasion=occasion, template=2)
    submit.submit(simulation.world.ports, replace(request, userids=("ann", "bob"), rule_id=5))
    simulation.run()
    (chunk,) = simulation.chunks()
    return chunk


@pytest.mark.parametrize("types", [("app",), ("app", "sms")])
def test_whose_own_time_comes_in_the_night_waits_for_the_morning(types: tuple[str, ...]) -> None:
    """Quiet hours hold at the time of each zone, however many steps there are."""
    simulation = a_simulation("refuse", EVENING - 6 * 3600 * 1000)
    chunk = of_own_zone(simulation, *types)
    assert [entrants.time >= MORNING for entrants in chunk.entrants_of(0)] == [True]
    assert chunk.members(0) == {0, 1}
    message = simulation.world.messages.stored[chunk.plan.id.msgid]
    simulation.world.clock.time = EVENING
    waits = life.waiting(simulation.world.ports, message, replace(chunk, entrants=()), 0) or {}
    assert (waits["step"], waits["until"], waits["reason"]) == (1, MORNING, "quiet_hours")


@pytest.mark.parametrize("action", ["refuse", "hold"])
def test_a_schedule_of_own_zones_is_not_stopped_by_the_night_in_which_it_begins(
    action: str,
) -> None:
    """Nine o'clock of the first zone of the world is three o'clock in Shanghai."""
    nine = Timing("Asia/Shanghai", at="2027-03-02T09:00:00", zone_attribute="tz")
    simulation = a_simulation(action, MORNING - 5 * 3600 * 1000)
    access = simulation.world.settings.access_channel(SHOP) or an_access_channel()
    request = replace(simulation.request(), timing=nine, channel=access)
    quiet_hours.for_message(simulation.world.ports, request, NOTHING)
    chunk = of_own_zone(simulation, "app", at="2027-03-02T09:00:00")
    assert [entrants.time for entrants in chunk.entrants_of(0)] == [MORNING + 3600 * 1000]
    late = of_own_zone(a_simulation(action, EVENING), "app")  # his time has come in the night
    assert [entrants.time for entrants in late.entrants_of(0)] == [MORNING]


@pytest.mark.parametrize("types", [("app",), ("app", "sms")])
def test_who_waited_for_the_morning_waits_for_a_quiet_time_too(types: tuple[str, ...]) -> None:
    simulation = a_simulation("hold", EVENING - 6 * 3600 * 1000)
    users = simulation.world.users.stored
    quiet = stored(Preferences({}, QuietTime("07:00", "09:00", "Asia/Shanghai")))
    users["ann"] = replace(users["ann"], preferences={SHOP: quiet})
    begun = {t: e.time for e in of_own_zone(simulation, *types).entrants_of(0) for t in e.members}
    assert [begun[t] >= MORNING + 3600 * 1000 for t in (0, 1)] == [True, False]


def test_a_simulation_plans_a_held_message_at_the_end_of_its_hold() -> None:
    simulation = a_simulation("hold", EVENING)
    users = simulation.world.users.stored
    night = stored(Preferences({}, QuietTime("22:00", "07:00", "Asia/Shanghai")))
    users["ann"] = replace(users["ann"], preferences={SHOP: night})
    access = simulation.world.settings.access_channel(SHOP) or an_access_channel()
    request = replace(simulation.request(), channel=access, userids=("ann",))
    said = simulate(simulation.world.ports, request)
    submit.submit(simulation.world.ports, request)
    simulation.run()
    (target,) = simulation.chunks()[0].plan.targets
    assert (target.loss, dict(target.refused)) == (None, {})
    assert (said["losses"]["users"], said["losses"]["channels"].get("app")) == ({}, {})
