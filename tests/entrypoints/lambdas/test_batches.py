"""The jobs of a batch: their order, their time, and those that go back to the queue."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chalicelib import wiring
from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.jobs import PollJob
from chalicelib.entrypoints.lambdas import queues, runtime
from chalicelib.ports import World
from tests.fakes.steps import Killed
from tests.fakes.world import FakeWorld

QUEUE = "openums-prod-email-1"
ARN = f"arn:aws-cn:sqs:cn-north-1:123456789012:{QUEUE}"


class Batch:
    """A batch of jobs, as Chalice hands it over.

    `left`: ms that the function has before each. `again`: a text for each failure of its job.
    """

    def __init__(
        self, *jobs: tuple[str, str], left: tuple[int, ...] = (60_000,), again: Sequence[str] = ()
    ) -> None:
        self.jobs, self.left, self.again = jobs, list(left), again
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
                    "attributes": {
                        "MessageGroupId": group,
                        "ApproximateReceiveCount": str(1 + self.again.count(text)),
                    },
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
    fake.fail(OSError(), "queues.hand_back")
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


class Shared:
    """The texts of a batch, and the errors of its end."""

    def __init__(self, texts: Sequence[str], errors: Mapping[str, Exception]) -> None:
        self.texts, self.errors, self.done = list(texts), errors, list[str]()

    def end(self) -> Mapping[str, Exception]:
        return self.errors


def shared(batch: Batch, errors: Mapping[str, Exception]) -> tuple[Shared, list[str]]:
    """Return what a batch shared, and the ids of its jobs that failed. Job `x` fails by itself."""
    begun: list[Shared] = []

    def begin(world: World, texts: Sequence[str]) -> Shared:
        begun.append(Shared(texts, errors))
        return begun[0]

    @runtime.jobs_together(begin)
    def consume(world: World, text: str, batch: Shared) -> None:
        batch.done.append(text)
        if text == "x":
            raise OSError

    answer = consume(batch)
    return begun[0], [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


def test_jobs_that_fail_at_the_end_of_their_batch_go_back_with_those_that_failed_before(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = Batch(("t", "a"), ("t", "x"), ("t", "b"), ("t", "c"))
    together, failed = shared(batch, {"x": OSError(), "c": OSError()})
    assert together.texts == together.done == ["a", "x", "b", "c"]
    assert failed == ["m1", "m3"]
    assert '"message_id":"m3"' in capsys.readouterr().out


def test_a_batch_that_runs_out_of_time_ends_all_the_same(fake: FakeWorld) -> None:
    batch = Batch(("t", "a"), ("t", "b"), left=(60_000, 1_000))
    together, failed = shared(batch, {"a": OSError()})
    assert together.done == ["a"]
    assert failed == ["m0"]
    assert [text for _, _, text in fake.queues.handed_back] == ["b"]


SLOW = 3  # seconds of a job


def marked(world: World, text: str, together: Shared) -> str:
    return f"{text} of {len(together.texts)}"


def patient(
    fake: FakeWorld, batch: Batch, unbegun: Callable[[World, str, Shared], str] | None = marked
) -> tuple[list[str], list[str]]:
    """Return the texts of the jobs that were begun, and of those that went back."""
    begun: list[str] = []
    wiring.use(fake.ports)

    @runtime.jobs_together(lambda world, texts: Shared(texts, {}), unbegun, fake.clock.monotonic)
    def consume(world: World, text: str, together: Shared) -> None:
        begun.append(text)
        fake.clock.advance(SLOW)

    assert consume(batch) == {"batchItemFailures": []}
    return begun, [text for _, _, text in fake.queues.handed_back]


def test_a_batch_that_has_worked_for_some_seconds_hands_back_the_rest(
    fake: FakeWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    batch = Batch(*(("t", text) for text in "abcd"))
    assert patient(fake, batch) == (["a", "b"], ["c of 4", "d of 4"])
    assert '"jobs_handed_back":2' in capsys.readouterr().out.replace(" ", "")


def test_the_first_job_is_begun_by_a_batch_without_patience(fake: FakeWorld) -> None:
    fake.limits = replace(fake.limits, lease=0)
    assert patient(fake, Batch(("t", "a"), ("t", "b"))) == (["a"], ["b of 2"])


def test_a_job_that_is_alone_in_its_batch_is_never_handed_back(fake: FakeWorld) -> None:
    fake.limits = replace(fake.limits, lease=0)
    assert patient(fake, Batch(("t", "a"), left=(1,))) == (["a"], [])


def test_the_batches_of_other_functions_work_on(fake: FakeWorld) -> None:
    batch = Batch(*(("t", text) for text in "abcd"))
    assert patient(fake, batch, None) == (list("abcd"), [])


def test_a_batch_that_cannot_say_how_its_jobs_go_back_keeps_them(fake: FakeWorld) -> None:
    def unbegun(world: World, text: str, together: Shared) -> str:
        raise OSError

    fake.limits = replace(fake.limits, lease=0)
    wiring.use(fake.ports)

    @runtime.jobs_together(lambda world, texts: Shared(texts, {}), unbegun)
    def consume(world: World, text: str, together: Shared) -> None:
        assert text == "a"

    failed = consume(Batch(("t", "a"), ("t", "b")))["batchItemFailures"]
    assert failed == [{"itemIdentifier": "m1"}]


def test_a_job_that_has_failed_is_begun_first_so_that_its_failures_count(fake: FakeWorld) -> None:
    batch = Batch(("many", "a"), ("many", "b"), ("few", "c"), again=["b"])
    assert consumed(batch, idle) == (["b", "c", "a"], [])


def test_the_job_that_has_failed_most_is_begun_first(fake: FakeWorld) -> None:
    """Jobs that fail slowly meet in a batch. One of them must become a dead letter."""
    batch = Batch(("few", "a"), ("many", "b"), ("many", "c"), again=["a", *"bb", *"ccc"])
    assert consumed(batch, idle) == (["c", "b", "a"], [])


def test_answers_are_recorded_before_the_rest_is_handed_back(fake: FakeWorld) -> None:
    fake.limits = replace(fake.limits, lease=0)
    wiring.use(fake.ports)
    together, order = Shared([], {}), list[str]()
    together.end = lambda: order.append("end") or {}  # type: ignore[method-assign]

    def unbegun(world: World, text: str, together: Shared) -> str:
        order.append(text)
        return text

    consume = runtime.jobs_together(lambda world, texts: together, unbegun)(
        lambda world, text, together: None
    )
    consume(Batch(("t", "a"), ("t", "b")))
    assert order == ["end", "b"]


@pytest.mark.parametrize("text", ["{", "null", envelopes.encode(PollJob("sms1"))])
def test_a_text_that_takes_no_turn_goes_back_as_it_was(fake: FakeWorld, text: str) -> None:
    fake.limits = replace(fake.limits, lease=0)
    wiring.use(fake.ports)
    together = runtime.jobs_together(queues._batch, queues._unbegun, fake.clock.monotonic)
    consume = together(lambda world, text, batch: None)
    assert consume(Batch(("t", text), ("t", text))) == {"batchItemFailures": []}
    assert fake.queues.handed_back == [(QUEUE, "t", text)]


def test_delivery_functions_have_patience_and_no_others_do() -> None:
    source = inspect.getsource(queues)
    assert source.count("jobs_together(") == 1
    assert "_together = jobs_together(_batch, _unbegun)" in source
    assert source.count("@_together\n") == len(ChannelType)
