"""Fact files are written again and again, the last time shortly before facts expire."""

from __future__ import annotations

from chalicelib.domain import fact_files as files
from chalicelib.domain import keys
from chalicelib.domain.jobs import FactsJob
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import fact_files, timers
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld

HOUR, DAY = 3_600_000, 86_400_000
UNIT = ChunkId("", START // 900_000)
LARGE = ChunkId(keys.message_id(START, bytes(4)), 3)


def timer_after(age: int, ends: int) -> int:
    """Return how long (ms) the file of a unit of some age waits."""
    fake = FakeWorld()
    fake.fact_files.is_on = True
    fake.clock.time = START + age
    fact_files.changing(fake.ports, {UNIT: ends})
    (timer,) = fake.timers.waiting()
    return timer.at - fake.clock.time


def test_a_young_file_waits_an_hour_and_an_old_one_a_day() -> None:
    assert timer_after(0, START + 99 * DAY) <= HOUR + 120_000
    assert HOUR < timer_after(4 * HOUR, START + 99 * DAY) <= DAY + 120_000


def test_a_file_is_written_shortly_before_its_facts_expire() -> None:
    age = 7 * DAY - HOUR
    left = HOUR - timer_after(age, START + 7 * DAY)
    assert fact_files.EARLY - 60_000 <= left <= fact_files.EARLY
    assert timer_after(7 * DAY - 60_000, START + 7 * DAY) <= 4 * 60_000


def test_a_due_timer_becomes_a_job_of_the_function_of_fact_files() -> None:
    fake = FakeWorld()
    fake.fact_files.is_on = True
    fact_files.changing(fake.ports, {UNIT: START + DAY, LARGE: START + DAY})
    fake.clock.time = fake.timers.next() or 0
    timers.sweep(fake.ports)
    jobs = [envelope.job for envelope in fake.queues.sent]
    assert sorted(jobs, key=lambda job: job.number if isinstance(job, FactsJob) else 0) == [
        FactsJob(*LARGE),
        FactsJob(*UNIT),
    ]


def test_a_chunk_stays_in_the_file_that_releases_before_wrote() -> None:
    """A file is replaced by its name, so another name would leave the facts there twice."""
    names = {
        number: files.name_of(files.unit_of_chunk(LARGE._replace(number=number)), "2026-11-29")
        for number in (0, 399, 400, 4000)
    }
    begin = f"facts/day=2026-11-29/{LARGE.msgid}"
    assert names == {
        0: f"{begin}-0000.parquet",
        399: f"{begin}-0000.parquet",
        400: f"{begin}-0001.parquet",
        4000: f"{begin}-0010.parquet",
    }
    small = files.name_of(files.unit_of_block(START // 15_000), "2026-11-29")
    assert small == f"facts/day=2026-11-29/quarter-{START // 900_000:07d}.parquet"
