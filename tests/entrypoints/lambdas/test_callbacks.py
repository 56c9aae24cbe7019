"""The function of callbacks: what one report has delivered does not go out again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib import wiring
from chalicelib.domain import envelopes
from chalicelib.entrypoints.lambdas.callbacks import callbacks
from chalicelib.ports import Reply
from tests.builders import SHOP
from tests.entrypoints.lambdas.test_batches import Batch
from tests.fakes.world import FakeWorld
from tests.flow.callbacks.shop import a_shop, stream
from tests.flow.callbacks.test_deliver import send

OTHER_SHOP = "other"


@pytest.fixture
def fake() -> Iterator[FakeWorld]:
    world = a_shop(OTHER_SHOP, a_shop())
    wiring.use(world.ports)
    yield world
    wiring.use(None)


def queued(fake: FakeWorld, *keys: str) -> Batch:
    """Return a batch with a job of ten records for each of these access channels."""
    for number, key in enumerate(keys, 1):
        send(fake, 10, number, key)
        stream(fake)
    jobs = [fake.queues.take() for _ in keys]
    return Batch(*((job.group, envelopes.encode(job.job)) for job in jobs if job))


def test_what_a_slow_receiver_has_taken_is_not_sent_anew(fake: FakeWorld) -> None:
    batch = queued(fake, SHOP, SHOP, OTHER_SHOP, SHOP)

    def slow(url: str) -> Reply:
        batch.left = [1_000]
        return Reply(200)

    other = batch.jobs[2]
    batch.again = [batch.jobs[0][1]]  # it comes first
    fake.receivers.answer = slow
    assert callbacks(batch.to_dict(), batch) == {"batchItemFailures": []}
    assert [len(posted.records) for posted in fake.receivers.posts] == [30]
    assert [(group, text) for _, group, text in fake.queues.handed_back] == [other]


def test_what_failed_with_the_first_job_fails_whatever_time_is_left(fake: FakeWorld) -> None:
    batch = queued(fake, SHOP, SHOP)

    def broken(url: str) -> Reply:
        batch.left = [1_000]
        raise OSError

    fake.receivers.answer = broken
    failed = [
        failure["itemIdentifier"]
        for failure in callbacks(batch.to_dict(), batch)["batchItemFailures"]
    ]
    assert (failed, fake.queues.handed_back) == (["m0", "m1"], [])
