"""Whoever parks receipts looks for their submissions once more, seconds later."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Envelope, ReceiptsJob
from chalicelib.domain.messages import Retention
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Receipt, ReceiptKind
from chalicelib.flow import matching, receipts
from chalicelib.ports import Lookup
from tests.builders import a_channel, a_message, a_plan
from tests.fakes.clock import START
from tests.fakes.world import LIMITS, FakeWorld

PHONE = "13900011111"


@pytest.fixture
def fake() -> FakeWorld:
    fake, message = FakeWorld(), a_message()
    fake.messages.create(message, a_plan(message), None)
    for code in ("push", "text"):
        fake.settings.put_channel(a_channel(code))
    return fake


def reports(*ids: str) -> list[Receipt]:
    return [Receipt(id, ReceiptKind.DELIVERED, START, "reg1") for id in ids]


def submitted(fake: FakeWorld, *ids: str, counted: bool = False) -> ChunkId:
    at = a_plan(a_message()).id
    lookup = Lookup(at, (0, 0), retention=Retention(START // 1000 + 86400, counted=counted))
    fake.lookups.has("push", dict.fromkeys(ids, lookup))
    return at


def jobs(fake: FakeWorld) -> list[Envelope]:
    return [each for each in fake.queues.sent if isinstance(each.job, ReceiptsJob)]


def look_again(fake: FakeWorld) -> None:
    for envelope in jobs(fake):
        assert isinstance(envelope.job, ReceiptsJob)
        receipts.look_again(fake.ports, envelope.job)


def kinds(fake: FakeWorld, at: ChunkId) -> set[FactKind]:
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    return {fact.kind for fact in chunk.reported}


def test_a_receipt_that_was_parked_is_added_by_a_job_that_comes_seconds_later(
    fake: FakeWorld,
) -> None:
    receipts.record(fake.ports, "push", reports("a"))
    (envelope,) = jobs(fake)
    assert (envelope.channel_type, envelope.delay) == ("app", matching.LOOK_AGAIN)
    assert envelope.priority is Priority.MEDIUM, "not in the queue of verification codes"
    at = submitted(fake, "a")
    assert kinds(fake, at) == set()
    look_again(fake)
    assert kinds(fake, at) == {FactKind.DELIVERED}


def test_a_job_adds_the_receipts_of_its_own_post(fake: FakeWorld) -> None:
    """Otherwise each of many posts under one id would add what all the others told."""
    clicked = replace(reports("a")[0], kind=ReceiptKind.CLICKED)
    receipts.record(fake.ports, "push", reports("a"))
    receipts.record(fake.ports, "push", [clicked])
    at = submitted(fake, "a")
    first, second = (each.job for each in jobs(fake) if isinstance(each.job, ReceiptsJob))
    receipts.look_again(fake.ports, second)
    assert kinds(fake, at) == {FactKind.CLICKED}
    receipts.look_again(fake.ports, first)
    assert kinds(fake, at) == {FactKind.CLICKED, FactKind.DELIVERED}


def test_a_job_leaves_a_large_message_to_its_worker_which_looks_itself(fake: FakeWorld) -> None:
    receipts.record(fake.ports, "push", reports("a"))
    at = submitted(fake, "a", counted=True)
    look_again(fake)
    assert kinds(fake, at) == set()
    receipts.record_parked(fake.ports, {"push": ["a"]})
    assert kinds(fake, at) == {FactKind.DELIVERED}


def test_known_receipts_of_a_post_are_kept_where_no_job_can_be_sent(fake: FakeWorld) -> None:
    at = submitted(fake, "known")
    fake.fail(OSError("no queue"), "queues.send")
    with pytest.raises(OSError, match="no queue"):
        receipts.record(fake.ports, "push", reports("known", "strange"))
    assert kinds(fake, at) == {FactKind.DELIVERED}


def test_receipts_of_another_system_stay_parked_and_are_not_looked_for_for_ever(
    fake: FakeWorld,
) -> None:
    receipts.record(fake.ports, "push", reports("a", "b"))
    before = {name: list(parked) for name, parked in fake.lookups.waiting.items()}
    look_again(fake)
    assert fake.lookups.waiting == before
    assert len(jobs(fake)) == 1


def test_a_receipt_that_found_its_submission_is_not_looked_for(fake: FakeWorld) -> None:
    submitted(fake, "a")
    receipts.record(fake.ports, "push", reports("a"))
    fake.lookups.stale = True  # found by the second reading alone
    receipts.record(fake.ports, "push", reports("a"))
    assert jobs(fake) == []


def test_jobs_have_few_names_and_none_of_them_tells_an_id(fake: FakeWorld) -> None:
    ids = [f"{PHONE}-{n}" for n in range(matching.NAMES + 1)]
    receipts.record(fake.ports, "push", reports(*ids, *ids))
    sizes = [len(each.job.posts) for each in jobs(fake) if isinstance(each.job, ReceiptsJob)]
    assert sizes == [matching.NAMES, 1]
    texts = [envelopes.encode(each.job) for each in jobs(fake)]
    assert max(map(len, texts)) < 100_000
    assert PHONE not in str(texts)


def test_who_parks_for_several_channels_of_an_account_looks_on_each(fake: FakeWorld) -> None:
    receipts.record_of_account(fake.ports, ["push", "text"], reports("a"))
    assert [envelope.group for envelope in jobs(fake)] == ["push", "text"]


def test_nobody_looks_where_nothing_can_have_been_submitted_promptly(fake: FakeWorld) -> None:
    receipts.record(fake.ports, "gone", reports("a"))
    fake.limits = replace(LIMITS, channel_types=())
    receipts.record(fake.ports, "push", reports("a"))
    fake.limits = LIMITS
    fake.providers.push.can(worker="cmpp")
    receipts.record(fake.ports, "push", reports("b"))
    assert jobs(fake) == []
