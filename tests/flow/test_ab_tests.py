"""A/B tests run to their end, decide once, and send to the rest once."""

from __future__ import annotations

import pytest

from chalicelib.domain.errors import (
    BroadcastsUsedUp,
    Invalid,
    NotWaiting,
    StillTesting,
    UnknownTemplate,
)
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.ab_tests import Metric, Phase, Then
from chalicelib.domain.stored_requests import State
from chalicelib.flow import ab_tests, schedules, tally, withdraw
from chalicelib.manage import ab_tests as managed
from chalicelib.manage import schedules as scheduled
from tests.flow.ab_testing import DOOR, MEMBER, PEOPLE, SHOP, Laboratory, a_test

B_IS_SMS = {"b": {"template": 2}}


def test_each_variant_is_a_message_to_people_of_its_own() -> None:
    laboratory = Laboratory()
    laboratory.start(a_test(3000, 3000, holdout=1000), B_IS_SMS)
    assert laboratory.test.phase is Phase.RUNNING
    a, b = laboratory.targets("a"), laboratory.targets("b")
    held = {person for person, loss in a.items() if loss}
    assert {a[person] for person in held} == {"holdout"}
    assert set(b.values()) == {None}
    assert not set(a) & set(b)
    rest = set(PEOPLE) - set(a) - set(b)
    assert all(10 < len(group) < 50 for group in (set(a) - held, b, rest))
    assert (laboratory.message("a").template, laboratory.message("b").template) == ((1, 1), (2, 1))
    assert laboratory.message("b").name == "spring (b)"


def test_the_winner_goes_to_the_rest_and_to_nobody_else() -> None:
    laboratory = Laboratory()
    laboratory.start(a_test(3000, 3000, holdout=1000), B_IS_SMS)
    laboratory.click("b", 25)
    laboratory.advance(60)
    assert laboratory.test.phase is Phase.SENT
    rest = laboratory.targets()
    assert laboratory.message().template == (2, 1)
    assert set(rest.values()) == {None}
    everybody = [*laboratory.targets("a"), *laboratory.targets("b"), *rest]
    assert sorted(everybody) == sorted(PEOPLE)
    assert laboratory.test.decision
    assert laboratory.test.decision.winner == "b"


def test_looking_at_the_figures_never_ends_a_test() -> None:
    """However large the difference is: only the end decides."""
    laboratory = Laboratory()
    laboratory.start()
    laboratory.click("b", 40)
    for _ in range(59):
        laboratory.fake.clock.advance(60)
        stored = managed.get(laboratory.fake.ports, laboratory.id)
        ab_tests.advance(laboratory.fake.ports, stored, DOOR)
        assert laboratory.test.phase is Phase.RUNNING
        assert laboratory.test.decision is None
    assert len(laboratory.fake.messages.stored) == 2
    laboratory.advance(1)
    assert laboratory.test.phase is Phase.SENT


def test_what_happens_after_the_end_changes_nothing() -> None:
    laboratory = Laboratory()
    laboratory.start(a_test(if_winner=Then.ASK))
    laboratory.advance(60)
    laboratory.click("b", 40)
    b = laboratory.test.variant("b")
    assert b
    assert b.figures
    assert b.figures.clicked == 0
    assert laboratory.test.decision
    assert laboratory.test.decision.winner == ""


def test_a_wake_up_that_comes_twice_or_late_sends_once() -> None:
    laboratory = Laboratory()
    laboratory.start()
    laboratory.click("b", 25)
    laboratory.advance(600)
    for _ in range(3):
        schedules.carry_out(laboratory.fake.ports, laboratory.id, DOOR, ab_tests.advance)
    assert len(laboratory.fake.messages.stored) == 3


def test_two_functions_at_once_send_once() -> None:
    """Both have read the test before either of them has done anything."""
    laboratory = Laboratory()
    laboratory.start()
    laboratory.click("b", 25)
    laboratory.fake.clock.advance(3600)
    world = laboratory.fake.ports
    stored = managed.get(world, laboratory.id)
    first = ab_tests.advance(world, stored, DOOR)
    second = ab_tests.advance(world, stored, DOOR)
    assert first.ab_test == second.ab_test
    assert len(laboratory.fake.messages.stored) == 3


def test_without_a_winner_a_member_chooses() -> None:
    laboratory = Laboratory()
    laboratory.start()
    world = laboratory.fake.ports
    with pytest.raises(StillTesting):
        managed.choose(world, laboratory.id, None, "b", MEMBER, DOOR)
    laboratory.advance(60)
    assert laboratory.test.phase is Phase.DECIDED
    with pytest.raises(Invalid):
        managed.choose(world, laboratory.id, None, "z", MEMBER, DOOR)
    managed.choose(world, laboratory.id, None, "b", MEMBER, DOOR)
    assert laboratory.test.rest
    assert laboratory.test.rest.by == MEMBER
    assert laboratory.message().split == laboratory.test.split_of_rest(laboratory.id, "b")
    with pytest.raises(NotWaiting):
        managed.choose(world, laboratory.id, None, "a", MEMBER, DOOR)
    assert len(laboratory.fake.messages.stored) == 3


def test_without_a_rest_nothing_can_be_chosen() -> None:
    laboratory = Laboratory()
    laboratory.start(a_test(5000, 5000, if_none=Then.BASELINE))
    laboratory.advance(60)
    assert laboratory.test.phase is Phase.DECIDED
    with pytest.raises(NotWaiting):
        managed.choose(laboratory.fake.ports, laboratory.id, None, "a", MEMBER, DOOR)


def test_a_variant_of_another_time_is_measured_as_long_as_the_others() -> None:
    """The test ends as much later as that variant starts."""
    laboratory = Laboratory()
    laboratory.start(variants={"b": {"option": {"schedule": "2027-01-15T13:00:00"}}})
    laboratory.click("a", 5)
    laboratory.advance(60)
    a, b = laboratory.test.variants
    assert a.figures
    assert a.figures.clicked == 5
    assert b.figures is None
    laboratory.click("a", PEOPLE)  # too late
    laboratory.wake()
    assert laboratory.message("b").starts == laboratory.fake.clock.now()
    laboratory.click("b", 30)
    laboratory.advance(60)
    assert laboratory.test.phase is Phase.SENT
    assert laboratory.test.rest
    waiting = laboratory.fake.stored.stored[laboratory.test.rest.msgid]
    assert waiting.timing
    assert waiting.timing.at == "2027-01-16T13:00:00"
    assert waiting.split == laboratory.test.split_of_rest(laboratory.id, "b")
    laboratory.advance(24 * 60)
    assert set(laboratory.targets()) == set(PEOPLE) - {
        *laboratory.targets("a"),
        *laboratory.targets("b"),
    }


def test_a_withdrawn_variant_cannot_win() -> None:
    laboratory = Laboratory()
    laboratory.start()
    laboratory.click("b", 40)
    withdraw.withdraw(laboratory.fake.ports, SHOP, laboratory.message("b").msgid)
    laboratory.advance(60)
    b = laboratory.test.variant("b")
    assert b
    assert b.failure
    assert b.failure.outcome == "withdrawn"
    assert laboratory.test.phase is Phase.DECIDED


def test_a_refusal_of_the_rest_is_told_and_may_be_mended() -> None:
    laboratory = Laboratory()
    laboratory.start()
    laboratory.click("b", 25)
    laboratory.change_access(enabled=False)
    laboratory.advance(60)
    rest = laboratory.test.rest
    assert laboratory.test.phase is Phase.DECIDED
    assert rest
    assert rest.failure
    assert rest.failure.reason == "AccessChannelClosed"
    laboratory.change_access(enabled=True)
    managed.choose(laboratory.fake.ports, laboratory.id, None, "a", MEMBER, DOOR)
    assert laboratory.test.phase is Phase.SENT


def test_a_cancelled_test_sends_nothing_more_by_itself() -> None:
    laboratory = Laboratory()
    laboratory.start(variants={"b": {"option": {"schedule": "2027-01-15T13:00:00"}}})
    managed.cancel(laboratory.fake.ports, laboratory.id, None, DOOR, withdraws=True)
    assert laboratory.test.phase is Phase.CANCELLED
    assert laboratory.fake.messages.withdrawn(laboratory.message("a").msgid) is not None
    b = laboratory.test.variant("b")
    assert b
    assert laboratory.fake.stored.stored[b.msgid].state is State.CANCELLED
    laboratory.advance(6 * 60)
    assert len(laboratory.fake.messages.stored) == 1
    with pytest.raises(NotWaiting):
        managed.cancel(laboratory.fake.ports, laboratory.id, None, DOOR, withdraws=False)
    managed.choose(laboratory.fake.ports, laboratory.id, None, "a", MEMBER, DOOR)
    assert laboratory.test.phase is Phase.SENT


def test_a_cancelled_test_takes_back_what_quiet_hours_hold() -> None:
    window = {"begin": "00:00", "end": "23:00", "time_zone": "UTC", "priorities": [1, 2, 3]}
    laboratory = Laboratory()
    laboratory.change_access(rules={"quiet_hours": {"action": "hold", "windows": [window]}})
    laboratory.start()
    held = [laboratory.message(name) for name in ("a", "b")]
    assert [message.starts > laboratory.fake.clock.now() for message in held] == [True, True]
    managed.cancel(laboratory.fake.ports, laboratory.id, None, DOOR, withdraws=False)
    assert laboratory.test.phase is Phase.CANCELLED
    for message in held:
        assert laboratory.fake.messages.withdrawn(message.msgid) is not None


def test_a_test_is_checked_whole_before_anything_is_sent() -> None:
    laboratory = Laboratory()
    with pytest.raises(UnknownTemplate):
        laboratory.start(variants={"b": {"template": 99}})
    with pytest.raises(Invalid):
        laboratory.start(a_test(minutes=7 * 24 * 60 + 1))
    assert not laboratory.fake.messages.stored
    assert not laboratory.fake.stored.stored


def test_a_test_of_broadcasts_needs_room_for_all_of_them() -> None:
    laboratory = Laboratory()
    laboratory.change_access(rules={"broadcast_quota": {"per_day": 1}})
    with pytest.raises(BroadcastsUsedUp):
        laboratory.start(broadcast=True)
    assert not laboratory.fake.messages.stored
    laboratory.change_access(rules={"broadcast_quota": {"per_day": 2}})
    laboratory.start(broadcast=True)
    assert len(laboratory.fake.messages.stored) == 2


def test_a_variant_that_waits_cannot_be_changed() -> None:
    laboratory = Laboratory()
    laboratory.start(variants={"b": {"option": {"schedule": "2027-01-15T13:00:00"}}})
    b = laboratory.test.variant("b")
    assert b
    stored = laboratory.fake.stored.stored[b.msgid]
    request = DOOR.read(laboratory.access, stored)
    with pytest.raises(StillTesting):
        scheduled.change(laboratory.fake.ports, stored.id, None, request, "")


def test_a_test_that_nobody_could_start_for_a_day_sends_nothing() -> None:
    laboratory = Laboratory()
    laboratory.fake.fail(ConnectionError(), "messages.create")
    laboratory.start()
    assert laboratory.test.phase is Phase.STARTING
    laboratory.fake.spare()
    laboratory.advance(24 * 60)
    failures = {variant.failure.outcome for variant in laboratory.test.variants if variant.failure}
    assert failures == {"missed"}
    assert not laboratory.fake.messages.stored
    assert laboratory.test.phase is Phase.DECIDED


def test_a_start_that_broke_off_is_finished_by_the_wake_up() -> None:
    laboratory = Laboratory()
    laboratory.fake.fail(ConnectionError(), "messages.create")
    laboratory.start()
    laboratory.fake.spare()
    laboratory.wake()
    assert laboratory.test.phase is Phase.RUNNING
    assert len(laboratory.fake.messages.stored) == 2


def test_bodies_are_deleted_with_the_messages_and_the_result_stays() -> None:
    laboratory = Laboratory()
    laboratory.start(a_test(metric=Metric.DELIVERED))
    laboratory.advance(60)
    laboratory.wake()
    stored = laboratory.fake.stored.stored[laboratory.id]
    assert (stored.state, dict(stored.written.body)) == (State.DONE, {})
    assert stored.expires == laboratory.fake.clock.now() // 1000 + 400 * 86400
    assert laboratory.fake.wakeups.next() is None
    with pytest.raises(NotWaiting):
        managed.choose(laboratory.fake.ports, laboratory.id, None, "a", MEMBER, DOOR)


def test_a_large_audience_is_counted_once_more_before_it_is_measured() -> None:
    laboratory = Laboratory()
    laboratory.start(broadcast=True)
    for variant in "ab":
        message = laboratory.message(variant)
        laboratory.fake.queues.waiting.clear()
        laboratory.fake.ledger.put_plan(laboratory._plan(variant), message)
        tally.recount_chunk(laboratory.fake.ports, ChunkId(message.msgid, 0))
    laboratory.click("b", 30)
    laboratory.advance(60)
    assert laboratory.test.phase is Phase.RUNNING
    for timer in laboratory.fake.timers.waiting():
        if timer.kind is TimerKind.RECOUNT:
            tally.recount(laboratory.fake.ports, [timer])
    laboratory.wake()
    b = laboratory.test.variant("b")
    assert b
    assert b.figures
    assert b.figures.clicked == 30
    assert laboratory.test.phase is Phase.SENT
