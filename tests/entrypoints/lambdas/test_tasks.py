"""Functions that the clock and schedules call, as Lambda calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.aws.clients import Busy
from chalicelib.aws.items import Unprocessed
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.lambdas import schedules, steps
from chalicelib.entrypoints.lambdas.runtime import Again
from chalicelib.flow import poll
from chalicelib.flow import timers as due
from tests.builders import a_msgid
from tests.fakes.world import FakeWorld


class Context:
    def __init__(self, *remaining: int) -> None:
        self.remaining = list(remaining)

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining.pop(0) if len(self.remaining) > 1 else self.remaining[0]


class Started:
    """A count of the times that polling was started."""

    def __init__(self) -> None:
        self.times = 0
        self.fails: Exception | None = None

    def start(self, world: Any) -> None:
        if self.fails is not None:
            raise self.fails
        self.times += 1


@pytest.fixture(autouse=True)
def fake() -> Iterator[FakeWorld]:
    fake = FakeWorld()
    wiring.use(fake.ports)
    yield fake
    wiring.use(None)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> Started:
    recorded = Started()
    monkeypatch.setattr(poll, "start", recorded.start)
    return recorded


@pytest.mark.parametrize(
    ("more", "left"), [([False], 60_000), ([True, True, False], 60_000), ([False], 9_000)]
)
def test_the_sweep_goes_on_while_there_is_time(
    monkeypatch: pytest.MonkeyPatch, more: list[bool], left: int
) -> None:
    calls = iter(more)
    monkeypatch.setattr(due, "sweep", lambda world, tick: next(calls))
    assert steps.sweep({"by": "schedule"}, Context(left)) == {}
    assert list(calls) == []


@pytest.mark.parametrize("error", [None, Busy("13800138000"), Unprocessed("due")])
def test_a_sweep_without_time_or_whose_aws_is_busy_is_called_again_and_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception | None,
) -> None:
    def sweep(world: Any, tick: int) -> bool:
        if error is not None:
            raise error
        return True

    monkeypatch.setattr(due, "sweep", sweep)
    with pytest.raises(Again) as raised:
        steps.sweep({"at": "2027-01-15T08:00:01.000Z"}, Context(9_000))
    assert "13800138000" not in str(raised.value)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "task_" in line]
    assert (json.loads(line)["level"], json.loads(line)["message"]) == ("WARNING", "task_not_done")


def test_ticks_of_a_long_rush_do_not_become_ever_more_sweeps_of_the_same_timers(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(due, "sweep", lambda world, tick: True)
    event, minutes = {"at": "2027-01-15T08:00:00.000Z"}, 0
    for minutes in range(100):
        fake.clock.time = 1_800_000_000_000 + minutes * 60_000
        try:
            assert steps.sweep(event, Context(9_000)) == {}
        except Again:
            continue
        break
    assert 5 <= minutes <= 6
    with pytest.raises(Again):
        steps.sweep({"by": "schedule"}, Context(9_000))


def test_the_sweep_is_told_for_which_time_the_clock_called(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks: list[int] = []
    monkeypatch.setattr(due, "sweep", lambda world, tick: ticks.append(tick))
    steps.sweep({"at": "2027-01-15T08:00:01.000Z"}, Context(60_000))
    steps.sweep({"by": "schedule"}, Context(60_000))
    assert ticks == [1_800_000_001_000, 0]


def test_a_task_that_fails_says_so_but_quotes_nothing(
    started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    started.fails = ValueError("13800138000")
    with pytest.raises(RuntimeError, match="poll failed: ValueError") as raised:
        schedules.poll({}, None)
    assert raised.value.__suppress_context__
    assert "13800138000" not in capsys.readouterr().out


def test_the_schedule_starts_polling(started: Started) -> None:
    assert schedules.poll({"by": "schedule"}, None) == {}
    assert started.times == 1


def test_each_minute_tells_how_late_the_timers_are(
    fake: FakeWorld, started: Started, capsys: pytest.CaptureFixture[str]
) -> None:
    def overdue() -> float:
        schedules.poll({"by": "schedule"}, None)
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        return next(line["oldest_due_seconds"] for line in lines if "oldest_due_seconds" in line)

    fake.timers.set(
        [Timer(fake.clock.now(), TimerKind.CHECK, ChunkId(a_msgid(), 3), Priority.HIGH)]
    )
    assert overdue() == 0
    fake.clock.advance(120 + 400)
    assert overdue() == 400
