"""Estimates and exact counts of segments."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.groups import GROUPS, Family, Group
from chalicelib.domain.jobs import SegmentJob
from chalicelib.domain.users import User
from chalicelib.domain.warnings import Code, Warning
from chalicelib.flow import segment_counts, segment_samples
from chalicelib.flow.segment_samples import Lots
from chalicelib.manage import segments
from chalicelib.reports import segments as report
from tests.builders import SHOP, a_channel, a_user, an_access_channel
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld, limits_of

RICH = {"attribute": "points", "is": "at_least", "value": 100}
SEGMENT = Group(Family.SEGMENT, 5, SHOP, "rich", "rules", rule=RICH)
BY_HAND = Group(Family.SEGMENT, 6, SHOP, "by hand", "manual")


def a_person(n: int) -> User:
    person = a_user(f"u{n:04d}", text=f"1390000{n:04d}" if n % 2 else "")
    return replace(person, attributes={"points": n})


def a_world(people: int = 200, *, restricted: bool = False) -> FakeWorld:
    world = FakeWorld(limits_of(counted_page=10, counted_users=50))
    shop = an_access_channel(channels=("text",), restricted=restricted)
    world.settings.put_access_channel(shop)
    world.settings.put_channel(a_channel("text"))
    for segment in (SEGMENT, BY_HAND):
        world.records.of(GROUPS[Family.SEGMENT]).put(segment)
    world.users.has(*map(a_person, range(people)))
    return world


def run(world: FakeWorld, *, twice: bool = False) -> None:
    while (envelope := world.queues.take()) is not None:
        assert isinstance(envelope.job, SegmentJob)
        for _ in range(2 if twice else 1):
            try:
                segment_counts.count(world.ports, envelope.job)
            except Killed:
                world.spare()
                world.queues.back(envelope, 60)
                world.clock.advance(60)
                break


@pytest.mark.parametrize("twice", [False, True])
def test_members_are_counted_with_their_contacts(twice: bool) -> None:
    world = a_world()
    assert report.count_of(world.ports, SEGMENT)["state"] == "none"
    segment_counts.begin(world.ports, SEGMENT)
    assert report.count_of(world.ports, SEGMENT)["state"] == "running"
    run(world, twice=twice)
    counted = report.count_of(world.ports, SEGMENT)
    assert (counted["state"], counted["progress"]) == ("done", 100)
    assert (counted["users"], counted["contacts"]) == (100, {"sms": 50})
    assert counted["is_outdated"] is False
    changed = replace(SEGMENT, rule={"contact": "sms"})
    assert report.count_of(world.ports, changed)["is_outdated"] is True


def test_a_count_ends_right_wherever_its_worker_is_ended() -> None:
    world = a_world()
    segment_counts.begin(world.ports, SEGMENT)
    begun = len(world.log)
    run(world)
    steps = len(world.log) - begun
    for step in range(0, steps, 3):
        again = a_world()
        segment_counts.begin(again.ports, SEGMENT)
        again.kill_at(len(again.log) + step)
        run(again)
        assert report.count_of(again.ports, SEGMENT)["users"] == 100, step


def test_the_progress_of_a_count_rises() -> None:
    world, seen = a_world(), []
    segment_counts.begin(world.ports, SEGMENT)
    while (envelope := world.queues.take()) is not None:
        assert isinstance(envelope.job, SegmentJob)
        segment_counts.count(world.ports, envelope.job)
        seen.append(report.count_of(world.ports, SEGMENT)["progress"])
    assert seen == sorted(seen)
    assert len(seen) > 3
    assert 0 < seen[1] < 100


def test_a_segment_by_hand_is_counted_too() -> None:
    world = a_world()
    world.audiences.change("segment#000006", ["u0001", "u0002", "not yet a user"])
    segment_counts.begin(world.ports, BY_HAND)
    run(world)
    counted = report.count_of(world.ports, BY_HAND)
    assert (counted["users"], counted["contacts"]) == (3, {"sms": 1})


def test_a_restricted_access_channel_counts_whom_its_message_would_plan() -> None:
    """Users of others are not targets. An unknown user is one, and is lost."""
    world = a_world(restricted=True)
    own = replace(a_user("mine"), contacts={ChannelType.SMS: {SHOP: ("13912345678",)}})
    world.users.has(own)
    world.audiences.change("segment#000006", ["u0001", "mine", "not yet a user"])
    segment_counts.begin(world.ports, BY_HAND)
    run(world)
    counted = report.count_of(world.ports, BY_HAND)
    assert (counted["users"], counted["contacts"]) == (2, {"sms": 1})


def test_a_daily_count_sets_the_next_one_until_it_is_switched_off() -> None:
    world = a_world()
    segments.change(world.ports, 5, None, {"daily": True})
    for day in range(1, 4):
        at = world.timers.next()
        assert at is not None
        world.clock.time = at
        due = world.timers.ready()
        segment_counts.count_daily(world.ports, due)
        segment_counts.count_daily(world.ports, due)
        world.timers.forget(due)
        run(world)
        assert len(list(world.ports.figures.between("segment-sizes#000005", "0", "9"))) == day
    segments.change(world.ports, 5, None, {"daily": False})
    world.clock.time = world.timers.next() or 0
    due = world.timers.ready()
    segment_counts.count_daily(world.ports, due)
    world.timers.forget(due)
    assert world.queues.take() is None
    assert world.timers.next() is None


# -- estimates


def test_an_estimate_of_few_users_is_exact() -> None:
    estimate = segment_samples.estimate(a_world().ports, SHOP, RICH)
    assert (estimate.members, estimate.error, estimate.sampled) == (100, 0, 200)


def test_estimates_are_within_their_error_in_most_samples() -> None:
    random.seed(11)
    world = a_world(2000)
    rule = {"attribute": "points", "is": "less", "value": 600}
    within = 0
    for _ in range(60):
        estimate = segment_samples.estimate(world.ports, SHOP, rule, Lots(enough=300))
        within += abs(estimate.members - 600) <= estimate.error
    assert within >= 48, "57 of 60 are expected"


def test_stretches_of_large_buckets_are_drawn() -> None:
    sample = segment_samples.draw(a_world(2500).ports, Lots(whole=4, stretch=2, stretches=3))
    assert [len(page) for page in sample.pages[:2]] == [2, 2]
    assert sample.size / sample.share == pytest.approx(2500, rel=0.9)


def test_a_sample_without_members_says_how_many_there_may_be() -> None:
    world, rule = a_world(), {"tag": "nobody"}
    estimate = segment_samples.estimate(world.ports, SHOP, rule, Lots(enough=20))
    assert estimate.members == 0
    assert estimate.error >= 3


def test_what_nobody_has_is_a_warning() -> None:
    rule = {
        "all": [
            {"attribute": "age", "is": "exists"},
            {"event": "order"},
            {"attribute": "points", "is": "in_last", "value": 3},
            {"not": {"attribute": "points", "is": "more", "value": 3}},
        ]
    }
    world = a_world()
    world.users.has(replace(a_user("x"), attributes={"points": "many"}))
    warnings = segment_samples.estimate(world.ports, SHOP, rule).warnings
    assert list(warnings) == [
        Warning("rule.all[0]", Code.UNKNOWN_ATTRIBUTE),
        Warning("rule.all[1]", Code.UNKNOWN_EVENT),
    ]
    world.users.stored = {"x": world.users.stored["x"]}
    warnings = segment_samples.estimate(world.ports, SHOP, rule).warnings
    assert Warning("rule.all[3].not", Code.OTHER_TYPE) in warnings
