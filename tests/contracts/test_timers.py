"""Timers: each comes due in its slot, once, and the clock ticks for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib import config
from chalicelib.aws.timers import TOGETHER, Timers, execution_name, slot_of
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import DueRow, World
from tests.contracts import faults
from tests.contracts.conftest import Container, a_message, real_container

WIDTH = 60_000
HOUR = 3_600_000
FAR = 10**5


def a_timer(
    world: World,
    after: int = HOUR,
    kind: TimerKind = TimerKind.CHECK,
    chunk: int = 0,
    msgid: str = "",
    **changes: Any,
) -> Timer:
    at = world.clock.now() + after
    return Timer(
        at,
        kind,
        ChunkId(msgid or a_message().msgid, chunk),
        **{"priority": Priority.MEDIUM, **changes},
    )


def due_rows(world: World, timers: list[Timer], later: int = 2 * HOUR) -> list[DueRow]:
    wanted = {timer.chunk.msgid for timer in timers}
    rows = world.timers.due(world.clock.now() + later, FAR)
    return [row for row in rows if wanted & {timer.chunk.msgid for timer in row.timers}]


def due(world: World, timers: list[Timer], later: int = 2 * HOUR) -> list[Timer]:
    return [timer for row in due_rows(world, timers, later) for timer in row.timers]


def told(timers: list[Timer]) -> set[tuple[Any, ...]]:
    return {(t.kind, t.chunk, t.priority, t.channel) for t in timers}


def test_what_is_set_comes_due_with_all_it_says(container: Container) -> None:
    one = container()
    timers = [
        a_timer(one),
        a_timer(one, kind=TimerKind.RECOUNT, priority=Priority.LOW, chunk=12),
        a_timer(one, kind=TimerKind.POLL, priority=Priority.HIGH, channel="p#1%"),
    ]
    one.timers.set(timers)
    assert told(due(container(), timers)) == told(timers)
    one.timers.set([])


def test_nothing_comes_due_before_its_time_and_everything_within_three_widths_after(
    world: World,
) -> None:
    soon, later = a_timer(world, 0), a_timer(world, HOUR)
    world.timers.set([soon, later])
    assert due(world, [soon, later], 0) == []
    assert told(due(world, [soon, later], 3 * WIDTH)) == told([soon])
    assert told(due(world, [soon, later], HOUR - 1000)) == told([soon])
    assert told(due(world, [soon, later], HOUR + WIDTH)) == told([soon, later])


def test_the_same_timer_of_the_same_slot_is_one_even_within_one_batch(container: Container) -> None:
    one = container()
    at = (one.clock.now() // WIDTH + 10) * WIDTH
    timer = Timer(at - 5, TimerKind.CHECK, ChunkId(a_message().msgid, 0), Priority.MEDIUM)
    again = Timer(at, timer.kind, timer.chunk, timer.priority)
    one.timers.set([timer, again, timer])
    container().timers.set([timer])
    assert len(due(one, [timer])) == 1


def test_what_is_done_does_not_come_due_again_and_what_was_set_meanwhile_does(world: World) -> None:
    timers = [a_timer(world, HOUR + n % 60 * WIDTH, chunk=n) for n in range(120)]
    world.timers.set(timers)
    rows = due_rows(world, timers, 3 * HOUR)
    assert sum(len(row.timers) for row in rows) == 120
    assert len(rows) <= 61, "a new slot may begin meanwhile"
    world.timers.done(rows[:40])
    world.timers.done(rows[:40])
    left = told([timer for row in rows[40:] for timer in row.timers])
    assert told(due(world, timers, 3 * HOUR)) == left


def test_no_more_come_due_than_asked_for(world: World) -> None:
    world.timers.set([a_timer(world, HOUR + n * WIDTH) for n in range(20)])
    assert len(world.timers.due(world.clock.now() + 2 * HOUR, 7)) == 7


@pytest.mark.parametrize("number", [2, 50, 51, 120])
def test_timers_of_a_slot_that_are_set_together_share_rows(
    container: Container, number: int
) -> None:
    one = container()
    at = (one.clock.now() // WIDTH + 20) * WIDTH
    timers = [
        Timer(at - n, TimerKind.CHECK, ChunkId(a_message().msgid, n), Priority.MEDIUM)
        for n in range(number)
    ]
    one.timers.set(timers)
    container().timers.set(timers[::-1])  # a repeat stores nothing more
    rows = due_rows(container(), timers)
    assert len(rows) == -(-number // 50)
    assert {row.slot for row in rows} == {at}
    assert len({row.name for row in rows}) == len(rows)
    found = [timer for row in rows for timer in row.timers]
    assert (told(found), len(found)) == (told(timers), number)
    container().timers.done(rows)
    assert due(one, timers) == []


def test_a_sweep_does_not_end_where_an_answer_is_cut(
    real: World, aws: Callable[[str], Any]
) -> None:
    timers = [a_timer(real, HOUR + n * WIDTH) for n in range(5)]
    for timer in timers:
        real.timers.set([timer])
    with faults.short_pages(aws("dynamodb"), "Query"):
        assert told(due(real, timers)) == told(timers)


def test_a_timer_that_was_set_with_others_may_be_in_several_rows(container: Container) -> None:
    one = container()
    at = (one.clock.now() // WIDTH + 20) * WIDTH
    first, second, third = (
        Timer(at, TimerKind.CHECK, ChunkId(a_message().msgid, 0), Priority.MEDIUM) for _ in range(3)
    )
    one.timers.set([first, second])
    container().timers.set([second, third])
    container().timers.set([second])
    rows = due_rows(one, [first, second, third])
    assert sorted(len(row.timers) for row in rows) == [1, 2, 2]
    one.timers.done([row for row in rows if first in row.timers])
    assert told(due(one, [first, second, third])) == told([second, third])


def test_the_oldest_of_the_due_rows_is_told_whichever_shard_it_is_in(world: World) -> None:
    later = world.clock.now() + 3 * HOUR
    world.timers.done(world.timers.due(later, FAR))
    assert world.timers.oldest(later) is None
    world.timers.set([a_timer(world, 2 * HOUR + n * WIDTH) for n in range(12)])
    assert world.timers.oldest(world.clock.now() + HOUR) is None
    rows = world.timers.due(later, FAR)
    assert len(rows) == 12
    assert world.timers.oldest(later) == min(row.slot for row in rows)


# -- what only AWS does


def test_a_row_is_a_write_unit_whatever_is_in_it(real: World) -> None:
    at = (real.clock.now() // WIDTH + 20) * WIDTH
    number = 7 * TOGETHER
    timers = [
        Timer(at, TimerKind.CHECK, ChunkId(a_message().msgid, n), Priority.MEDIUM)
        for n in range(number)
    ]
    rows = Timers.rows({(at, timer.what) for timer in timers})
    assert len(rows) == 7
    for row in rows:
        names = sum(map(len, row))
        assert names + 2 + len(row["due"]["S"]) + len(row["timers"]["B"]) <= 1024


def executions(aws: Callable[[str], Any]) -> list[str]:
    found = aws("stepfunctions").list_executions(stateMachineArn=config.settings().clock_arn)[
        "executions"
    ]
    return [each["name"] for each in found]


def test_the_clock_ticks_once_for_all_that_is_due_in_a_slot(
    real: World, aws: Callable[[str], Any]
) -> None:
    before = set(executions(aws))
    at = (real.clock.now() // WIDTH + 1000) * WIDTH
    timers = [
        Timer(at - n, TimerKind.CHECK, ChunkId(a_message().msgid, n), Priority.MEDIUM)
        for n in range(30)
    ]
    with faults.counted(aws("stepfunctions"), aws("dynamodb")) as calls:
        real.timers.set(timers)
        real.timers.set(timers)
    # The second time, this container knows that they are there.
    assert calls == ["StartExecution", "BatchWriteItem"]
    assert len(set(executions(aws)) - before) == 1


def test_the_clock_that_another_container_started_is_good_enough(
    real: World, aws: Callable[[str], Any]
) -> None:
    """AWS answers ExecutionAlreadyExists for a used name, but not while the same input runs."""
    from chalicelib.aws import timers as adapter

    at = (real.clock.now() // WIDTH + 2000) * WIDTH
    timer = Timer(at, TimerKind.CHECK, ChunkId(a_message().msgid, 0), Priority.MEDIUM)
    real.timers.set([timer])
    before = len(executions(aws))
    getattr(adapter, "_started", {}).clear()
    other = real_container()
    with faults.counted(aws("stepfunctions")) as calls:
        other.timers.set([timer])
    assert calls == ["StartExecution"]
    assert len(executions(aws)) == before


def test_an_execution_knows_its_time_and_nothing_else(
    real: World, aws: Callable[[str], Any]
) -> None:
    at = (real.clock.now() // WIDTH + 3000) * WIDTH
    with faults.answered(aws("stepfunctions"), "StartExecution") as seen:
        real.timers.set(
            [
                Timer(
                    at,
                    TimerKind.POLL,
                    ChunkId(a_message().msgid, 0),
                    Priority.HIGH,
                    "channel-marked",
                )
            ]
        )
    (asked,) = seen
    assert set(json.loads(asked["input"])) == {"at"}
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.000)?Z", json.loads(asked["input"])["at"]
    )
    assert "marked" not in json.dumps(asked)


def test_a_clock_that_cannot_be_started_leaves_no_row(
    real: World, aws: Callable[[str], Any]
) -> None:
    """The row would not be seen in time: whoever sets the timer tries again."""
    timer = Timer(
        (real.clock.now() // WIDTH + 4000) * WIDTH,
        TimerKind.CHECK,
        ChunkId(a_message().msgid, 0),
        Priority.MEDIUM,
    )
    refused = {"__type": "StateMachineDoesNotExist", "message": "no"}
    with (
        faults.answered(aws("stepfunctions"), "StartExecution", refused, status=400),
        pytest.raises(Exception, match="StateMachine"),
    ):
        real.timers.set([timer])
    assert due(real, [timer], 5000 * WIDTH) == []


@given(
    st.integers(10**12, 4 * 10**12),
    st.integers(-(10**10), 10**10),
    st.sampled_from([1, 5, 60, 3600]),
)
def test_a_slot_is_neither_too_early_nor_too_late_nor_too_soon(
    now: int, ahead: int, width: int
) -> None:
    wide, at = width * 1000, now + ahead
    slot = slot_of(at, now, wide)
    assert slot % wide == 0
    assert slot >= at
    assert slot >= now + wide  # time enough to start the clock and put the row
    assert slot < max(at, now + 3 * wide) + wide


@given(st.integers(0, 10**13 - 1))
def test_the_name_of_an_execution_is_one_that_is_allowed(slot: int) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", execution_name(slot))


@given(st.sets(st.integers(0, 10**9), min_size=2, max_size=2))
def test_each_slot_has_a_name_of_its_own(seconds: set[int]) -> None:
    assert len({execution_name(each * 1000) for each in seconds}) == 2
