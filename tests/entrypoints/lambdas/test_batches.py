"""The jobs of a batch: their order, their time, and those that go back to the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.entrypoints.lambdas import runtime
from chalicelib.ports import World
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

QUEUE = "openums-prod-email-1"
ARN = f"arn:aws-cn:sqs:cn-north-1:123456789012:{QUEUE}"


class Batch:
    """A batch of jobs, as Chalice hands it over. `left`: ms that the function has before each."""

    def __init__(self, *jobs: tuple[str, str], left: tuple[int, ...] = (60_000,)) -> None:
        self.jobs, self.left = jobs, list(left)
        self.context = self

    def get_remaining_time_in_millis(self) -> int:
        return self.left.pop(0) if len(self.left) > 1 else self.left[0]

    def to_dict(self) -> dict[str, Any]:
        return {
            "Records": [
                {
                    "messageId": f"m{n}",
                    "body": text,
                    "eventSourceARN": ARN,
                    "attributes": {"MessageGroupId": group},
                }
                for n, (group, text) in enumerate(self.jobs)
            ]
        }


@pytest.fixture
def fake() -> Iterator[FakeWorld]:
    world = FakeWorld()
    wiring.use(world.ports)
    yield world
    wiring.use(None)


def consumed(batch: Batch, work: Callable[[World, str], None]) -> tuple[list[str], list[str]]:
    """Return the texts of the jobs in the order of work, and the ids of those that failed."""
    texts: list[str] = []

    @runtime.jobs
    def consume(world: World, text: str) -> None:
        texts.append(text)
        work(world, text)

    answer = consume(batch)
    return texts, [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def idle(world: World, text: str) -> None:
    """Do nothing."""


def test_the_jobs_of_a_quiet_tenant_come_before_those_of_a_busy_one(fake: FakeWorld) -> None:
    batch = Batch(("busy", "a"), ("busy", "b"), ("quiet", "c"), ("busy", "d"))
    assert consumed(batch, idle) == (["c", "a", "b", "d"], [])


def test_jobs_that_there_is_no_time_for_are_sent_anew_and_have_not_failed(fake: FakeWorld) -> None:
    batch = Batch(("x", "a"), ("y", "b"), ("x", "c"), ("x", "d"), left=(60_000, 1_000))
    assert consumed(batch, idle) == (["b"], [])
    assert fake.queues.handed_back == [(QUEUE, "x", text) for text in ("a", "c", "d")]


def test_jobs_that_cannot_be_sent_anew_come_back_as_failed(fake: FakeWorld) -> None:
    def refuse(number: int, name: str) -> None:
        if name == "queues.hand_back":
            raise OSError

    fake.on_step = refuse
    batch = Batch(("x", "a"), ("x", "b"), left=(60_000, 1_000))
    assert consumed(batch, idle) == (["a"], ["m1"])


def test_a_worker_that_ends_while_it_sends_them_anew_loses_none(fake: FakeWorld) -> None:
    fake.kill_at(0)
    with pytest.raises(Killed):
        consumed(Batch(("x", "a"), ("x", "b"), left=(60_000, 1_000)), idle)


def test_the_first_job_is_always_worked_on(fake: FakeWorld) -> None:
    assert consumed(Batch(("x", "a"), left=(1,)), idle) == (["a"], [])


def test_each_job_is_told_when_the_function_ends(fake: FakeWorld) -> None:
    ends: list[int | None] = []

    def work(world: World, text: str) -> None:
        ends.append(world.ends)

    consumed(Batch(("x", "a"), ("x", "b"), left=(60_000, 40_000, 39_000)), work)
    assert ends == [fake.clock.now() + 60_000, fake.clock.now() + 39_000]
