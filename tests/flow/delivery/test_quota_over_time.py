"""Deferred calls are made when a day turns or a quota is raised, or expire."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.chunks import Deferral
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.plans import CallKey, ChunkId
from chalicelib.flow import evaluate
from chalicelib.flow.delivery import quota
from tests.builders import a_channel, an_access_channel
from tests.fakes.clock import START
from tests.fakes.world import LIMITS, FakeWorld
from tests.flow.delivery.mails import planned, run
from tests.flow.delivery.quotas import HOUR, TURN, checks, chunk_of, limited, raise_quota, used


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    return fake


def test_a_check_sends_the_rest_when_it_is_time_and_nobody_else_does(fake: FakeWorld) -> None:
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    at = ChunkId(message.msgid, 0)
    fake.clock.time = START + HOUR - 1
    before = len(fake.queues.sent)
    evaluate.check_chunk(fake.ports, at)
    assert len(fake.queues.sent) == before
    assert min(checks(fake)) == START + HOUR
    fake.clock.time = START + HOUR
    evaluate.check_chunk(fake.ports, at)
    (sent,) = fake.queues.sent[before:]
    assert sent.job == replace(job, start=50), (
        "what comes before has been made, or has a job of its own"
    )
    evaluate.check_chunk(fake.ports, at)
    assert len(fake.queues.sent) == before + 1, "its job is under way"
    assert run(fake, replace(job, start=50)) == []
    assert chunk_of(fake, message).deferral(CallKey(0, 0, "mail", 50)) == Deferral(
        CallKey(0, 0, "mail", 50), 100, START + 2 * HOUR, for_quota=True
    )


def test_it_is_asked_again_each_hour_and_right_after_the_day_has_turned(fake: FakeWorld) -> None:
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    fake.clock.time = TURN - 600_000
    run(fake, job)
    after = TURN + quota.BEHIND * 1000
    assert chunk_of(fake, message).deferrals[0].until == after
    assert after in checks(fake)
    fake.clock.time = after
    assert run(fake, job) == []
    assert (used(fake), used(fake, "2027-01-16")) == (50, 50)
    assert max(fake.providers.mail.sent().values()) == 1
    assert fake.providers.mail.sent().total() == 100


def test_a_quota_that_is_raised_is_seen_within_the_hour(fake: FakeWorld) -> None:
    limited(fake, 63)
    job = planned(fake)[1]
    run(fake, job)
    raise_quota(fake)
    fake.clock.advance(3600)
    assert run(fake, job) == []
    assert fake.providers.mail.sent().total() == 100


def test_a_call_that_waits_for_a_quota_to_its_end_says_so(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    fake.clock.advance(3600)
    run(fake, job)
    fake.clock.advance(3600 + 599)
    run(fake, job)
    evaluate.check_chunk(fake.ports, ChunkId(message.msgid, 0))
    assert not any(
        state.has(FactKind.EXPIRED) for state in chunk_of(fake, message).states.values()
    ), "a twelfth longer: the next day begins"
    fake.clock.advance(1)
    evaluate.check_chunk(fake.ports, ChunkId(message.msgid, 0))
    chunk = chunk_of(fake, message)
    expired = [
        state.facts[FactKind.EXPIRED].code
        for state in chunk.states.values()
        if state.has(FactKind.EXPIRED)
    ]
    assert expired == ["quota_used_up"] * 50
    before = len(fake.queues.sent)
    assert run(fake, job) == []
    assert fake.providers.mail.sent().total() == 50
    assert len(fake.queues.sent) == before


def test_a_call_that_was_tried_since_expires_for_another_reason(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 31)
    message, job = planned(fake, 50)
    run(fake, job)
    fake.clock.advance(3600)
    fake.counters.counted.clear()
    fake.providers.mail.fail(Unavailable("down"))
    run(fake, job)
    fake.clock.advance(3600)
    evaluate.check_chunk(fake.ports, ChunkId(message.msgid, 0))
    chunk = chunk_of(fake, message)
    assert [
        state.facts[FactKind.EXPIRED].code
        for state in chunk.states.values()
        if state.has(FactKind.EXPIRED)
    ] == ["not_in_time"] * 25


@pytest.mark.parametrize(
    ("vendors", "deployments", "now", "date", "hours"),
    [
        (8, 0, 0, "2027-01-15", 8),
        (8, 0, 7, "2027-01-15", 1),
        (8, 0, 8, "2027-01-16", 24),
        (None, 0, 8, "2027-01-15", 8),
        (None, 0, 16, "2027-01-16", 24),
        (None, -5.5, 0, "2027-01-15", 21.5),
        (0, 8, 15.5, "2027-01-15", 0.5),
    ],
)
def test_a_day_is_one_on_the_vendors_clock_or_the_deployments(
    fake: FakeWorld, vendors: float | None, deployments: float, now: float, date: str, hours: float
) -> None:
    """START is eight o'clock in London."""
    fake.providers.mail.can(utc_offset=vendors)
    fake.limits = replace(LIMITS, utc_offset=deployments)
    fake.clock.advance(now * 3600)
    assert quota.today(fake.ports, a_channel("mail")) == quota.Day(
        date, fake.clock.now() + round(hours * HOUR)
    )


def test_what_is_decided_as_a_day_begins_is_tried_when_the_next_one_does(fake: FakeWorld) -> None:
    fake.providers.mail.can(utc_offset=16)
    limited(fake, 63)
    assert quota.today(fake.ports, a_channel("mail")).ends == START + 24 * HOUR
    message, job = planned(fake)
    run(fake, job)
    at = ChunkId(message.msgid, 0)
    for _ in range(26):
        fake.clock.advance(3600)
        before = len(fake.queues.sent)
        evaluate.check_chunk(fake.ports, at)
        for envelope in fake.queues.sent[before:]:
            if isinstance(envelope.job, DeliverJob):
                run(fake, envelope.job)
    assert fake.providers.mail.sent().total() == 100
    assert max(fake.providers.mail.sent().values()) == 1


def test_the_part_of_a_job_with_quota_is_not_reserved_again_for_the_deferred_part(
    fake: FakeWorld,
) -> None:
    """The rate is a call in 5,000 s. The first half of the job goes round with its quota.

    The other half is deferred, and later there is quota for all.
    """
    limited(fake, 63, calls_per_second=0.0002)
    message, job = planned(fake)
    ((paced, _),) = run(fake, job)
    assert (paced.start, paced.end, used(fake)) == (25, 50, 50)
    fake.clock.advance(1)
    assert run(fake, paced) != [], "it has its reservation, and comes back for it"
    raise_quota(fake)
    fake.clock.advance(3600)
    before = len(fake.queues.sent)
    evaluate.check_chunk(fake.ports, ChunkId(message.msgid, 0))
    (sent,) = (
        envelope.job
        for envelope in fake.queues.sent[before:]
        if isinstance(envelope.job, DeliverJob)
    )
    assert (sent.start, sent.end) == (50, 100)
    run(fake, sent)
    assert used(fake) == 100


def test_calls_that_expired_meanwhile_use_up_nothing(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 1000)
    message, job = planned(fake)
    fake.clock.advance(7200)
    evaluate.check_chunk(fake.ports, ChunkId(message.msgid, 0))
    run(fake, job)
    assert (used(fake), fake.providers.mail.sent().total()) == (0, 0)


def test_what_expired_does_not_take_with_it_what_may_still_be_made(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 1000)
    message, job = planned(fake)
    message = replace(message, plan=fake.ledger.plan(ChunkId(message.msgid, 0), message))
    fake.messages.has(message)
    later = Deferral(CallKey(0, 0, "mail", 50), 75, START + HOUR, for_quota=True)
    fake.ledger.put_deferral(ChunkId(message.msgid, 0), later, message)
    fake.clock.advance(7200)
    assert run(fake, job) == []
    assert set(fake.providers.mail.sent()) == {f"u{n:03d}@example.com" for n in range(50, 75)}
    lost = [s for s in chunk_of(fake, message).states.values() if s.has(FactKind.EXPIRED)]
    assert len(lost) == 75
