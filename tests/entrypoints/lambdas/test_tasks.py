"""Functions that the clock and schedules call, as Lambda calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib import wiring
from chalicelib.aws.clients import Busy
from chalicelib.aws.items import Unprocessed
from chalicelib.domain.delivery_channels import Priority, ReceiptMode
from chalicelib.domain.jobs import PollJob, Timer, TimerKind
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.lambdas import schedules, steps
from chalicelib.entrypoints.lambdas.runtime import Again
from chalicelib.flow.timers import SWEEP
from tests.builders import a_channel, a_msgid
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld


class Context:
    def __init__(self, *remaining: int) -> None:
        self.remaining = list(remaining)

    def get_remaining_time_in_millis(self) -> int:
        return self.remaining.pop(0) if len(self.remaining) > 1 else self.remaining[0]


def rush(fake: FakeWorld, rows: int = SWEEP) -> None:
    """Have so many rows of timers that are due."""
    now = fake.clock.now()
    fake.clock.time -= (rows + 2) * 60_000
    for number in range(rows):
        at = fake.clock.now() + (number + 2) * 60_000
        fake.timers.put_row(Timer(at, TimerKind.CHECK, ChunkId(a_msgid(), 3), Priority.HIGH))
    fake.clock.time = now


@pytest.fixture(autouse=True)
def fake() -> Iterator[FakeWorld]:
    fake = FakeWorld()
    wiring.use(fake.ports)
    yield fake
    wiring.use(None)


@pytest.mark.parametrize(
    ("rows", "left", "sweeps"),
    [(1, 60_000, 1), (2 * SWEEP + 1, 60_000, 3), (SWEEP - 1, 9_000, 1)],
)
def test_the_sweep_goes_on_while_there_is_time(
    fake: FakeWorld, rows: int, left: int, sweeps: int
) -> None:
    rush(fake, rows)
    assert steps.sweep({"by": "schedule"}, Context(left)) == {}
    assert fake.log.count("timers.due") == sweeps
    assert not fake.timers.rows


@pytest.mark.parametrize("error", [None, Busy("13800138000"), Unprocessed("due")])
def test_a_sweep_without_time_or_whose_aws_is_busy_is_called_again_and_is_no_error(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str], error: Exception | None
) -> None:
    rush(fake)
    if error is not None:
        fake.fail(error, "timers.due")
    with pytest.raises(Again) as raised:
        steps.sweep({"at": "2027-01-15T08:00:01.000Z"}, Context(9_000))
    assert "13800138000" not in str(raised.value)
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "task_" in line]
    assert (json.loads(line)["level"], json.loads(line)["message"]) == ("WARNING", "task_not_done")


def test_ticks_of_a_long_rush_do_not_become_ever_more_sweeps_of_the_same_timers(
    fake: FakeWorld,
) -> None:
    event, minutes = {"at": "2027-01-15T08:00:00.000Z"}, 0
    for minutes in range(100):
        fake.clock.time = START + minutes * 60_000
        rush(fake)
        try:
            assert steps.sweep(event, Context(9_000)) == {}
        except Again:
            continue
        break
    assert 5 <= minutes <= 6
    rush(fake)
    with pytest.raises(Again):
        steps.sweep({"by": "schedule"}, Context(9_000))


def test_a_tick_that_comes_early_takes_what_is_due_at_its_time(fake: FakeWorld) -> None:
    fake.timers.put_row(Timer(START, TimerKind.CHECK, ChunkId(a_msgid(), 3), Priority.HIGH))
    assert fake.timers.next() == START + 120_000
    fake.clock.advance(119)
    steps.sweep({"by": "schedule"}, Context(60_000))
    assert fake.timers.rows
    steps.sweep({"at": "2027-01-15T08:02:00.000Z"}, Context(60_000))
    assert not fake.timers.rows


def test_a_task_that_fails_says_so_but_quotes_nothing(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.fail(ValueError("13800138000"), "timers.oldest")
    with pytest.raises(RuntimeError, match="poll failed: ValueError") as raised:
        schedules.poll({}, None)
    assert raised.value.__suppress_context__
    assert "13800138000" not in capsys.readouterr().out


def test_the_schedule_starts_polling(fake: FakeWorld) -> None:
    fake.settings.put_channel(a_channel("text", receipts=ReceiptMode.POLL))
    fake.lookups.expecting["text"] = fake.clock.now()
    assert schedules.poll({"by": "schedule"}, None) == {}
    assert [envelope.job for envelope in fake.queues.sent] == [PollJob("text")]


def test_each_minute_tells_how_late_the_timers_are(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
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
