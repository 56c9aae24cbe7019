"""A day's quota: what there is no room for waits in its chunk until the day turns, and uses up nothing meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib import observability
from chalicelib.domain.chunks import Chunk, Wait
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey, ChunkId
from chalicelib.flow import evaluate
from chalicelib.flow.delivery import quota
from tests.builders import a_channel, an_access_channel
from tests.fakes.clock import START
from tests.fakes.world import LIMITS, FakeWorld
from tests.flow.delivery.test_rate import planned, run

DAY = "2027-01-15"
TURN = START + 8 * 3_600_000  # START is 16:00 in China
HOUR = 3_600_000


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    return fake


def limited(fake: FakeWorld, quota: int | None, **changes: Any) -> None:
    fake.settings.put_channel(
        a_channel("mail", ChannelType.EMAIL, deliveries_per_day=quota, **changes)
    )


def chunk_of(fake: FakeWorld, message: Message) -> Chunk:
    chunk = fake.ledger.chunk(ChunkId(message.msgid, 0))
    assert chunk is not None
    return chunk


def looks(fake: FakeWorld) -> list[int]:
    return [timer.at for timer in fake.timers.waiting() if timer.kind is TimerKind.CHECK]


def used(fake: FakeWorld, day: str = DAY) -> int:
    return fake.counters.counted[f"quota#mail#{day}"]


def test_without_a_quota_nothing_is_asked(fake: FakeWorld) -> None:
    limited(fake, None)
    assert run(fake, planned(fake)[1]) == []
    assert not [step for step in fake.log if step.startswith("counters.")]


@pytest.mark.parametrize(("own", "sent"), [(None, 50), (0, 100), (125, 100)])
def test_the_provider_has_a_quota_unless_the_channel_has_another(
    fake: FakeWorld, own: int | None, sent: int
) -> None:
    fake.providers.mail.can(deliveries_per_day=63)
    limited(fake, own)
    run(fake, planned(fake)[1])
    assert fake.providers.mail.sent().total() == sent


@pytest.mark.parametrize(
    ("quota", "sent"), [(123, 75), (124, 100), (10**9, 100), (31, 25), (25, 25), (24, 0), (1, 0)]
)
def test_a_job_makes_the_calls_that_there_is_room_for(
    fake: FakeWorld, quota: int, sent: int
) -> None:
    """Four calls of 25; a fifth of the quota is left to priority 1, unless not even one call would be left to the others."""
    limited(fake, quota)
    message, job = planned(fake)
    assert run(fake, job) == [], "no job goes round while the quota is used up"
    assert fake.providers.mail.sent().total() == sent == used(fake)
    waits = chunk_of(fake, message).waits
    assert waits == (
        ()
        if sent == 100
        else (Wait(CallKey(0, 0, "mail", sent), 100, START + HOUR, for_quota=True),)
    )
    assert looks(fake) == ([] if sent == 100 else [START + HOUR])


@pytest.mark.parametrize(
    ("wanted", "priority", "sent"),
    [(25, Priority.HIGH, 25), (25, Priority.MEDIUM, 0), (50, Priority.HIGH, 25)],
)
def test_a_fifth_is_left_to_what_is_urgent(
    fake: FakeWorld, wanted: int, priority: Priority, sent: int
) -> None:
    limited(fake, 125)
    run(fake, planned(fake)[1])
    before = fake.providers.mail.sent().total()
    assert before == 100
    run(fake, planned(fake, wanted, number=2, priority=priority)[1])
    assert fake.providers.mail.sent().total() - before == sent


def test_a_look_sends_the_rest_when_it_is_time_and_nobody_else_does(fake: FakeWorld) -> None:
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    at = ChunkId(message.msgid, 0)
    fake.clock.time = START + HOUR - 1
    before = len(fake.queues.sent)
    evaluate.settle(fake.ports, at)
    assert len(fake.queues.sent) == before
    assert min(looks(fake)) == START + HOUR
    fake.clock.time = START + HOUR
    evaluate.settle(fake.ports, at)
    (sent,) = fake.queues.sent[before:]
    assert sent.job == replace(job, start=50), (
        "what comes before has been made, or has a job of its own"
    )
    evaluate.settle(fake.ports, at)
    assert len(fake.queues.sent) == before + 1, "its job is under way"
    assert run(fake, replace(job, start=50)) == []
    assert chunk_of(fake, message).wait(CallKey(0, 0, "mail", 50)) == Wait(
        CallKey(0, 0, "mail", 50), 100, START + 2 * HOUR, for_quota=True
    )


def test_it_is_asked_again_each_hour_and_right_after_the_day_has_turned(fake: FakeWorld) -> None:
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    fake.clock.time = TURN - 600_000
    run(fake, job)
    after = TURN + quota.BEHIND * 1000
    assert chunk_of(fake, message).waits[0].until == after
    assert after in looks(fake)
    fake.clock.time = after
    assert run(fake, job) == []
    assert (used(fake), used(fake, "2027-01-16")) == (50, 50)
    assert max(fake.providers.mail.sent().values()) == 1
    assert fake.providers.mail.sent().total() == 100


def test_a_quota_that_is_raised_is_seen_within_the_hour(fake: FakeWorld) -> None:
    limited(fake, 63)
    job = planned(fake)[1]
    run(fake, job)
    found = fake.settings.channel("mail")
    assert found is not None
    fake.settings.update_channel(
        found, replace(found, deliveries_per_day=1000, version=found.version + 1)
    )
    fake.clock.advance(3600)
    assert run(fake, job) == []
    assert fake.providers.mail.sent().total() == 100


def test_a_job_reserves_once_however_often_it_comes_back(fake: FakeWorld) -> None:
    limited(fake, 1000, calls_per_second=1)
    _, job = planned(fake)
    ((again, delay),) = run(fake, job)
    assert (again, used(fake)) == (replace(job, start=25, day=DAY), 100)
    fake.clock.advance(delay)
    fake.providers.mail.fail(Unavailable("down", retry_after=7))
    back = run(fake, again)
    assert (replace(job, start=25, end=50, tries=1, day=DAY), 7) in back
    assert (used(fake), fake.log.count("counters.take")) == (100, 1)
    fake.clock.time = TURN
    run(fake, replace(job, start=75, day=DAY))
    assert used(fake, "2027-01-16") == 25, "another day has another quota"


def test_what_a_job_cannot_use_is_given_back(fake: FakeWorld) -> None:
    """Its job comes back as it was, and reserves again: a wrong password must not use up the day."""
    limited(fake, 1000)
    _, job = planned(fake)
    fake.providers.mail.succeed()
    fake.providers.mail.fail(Misconfigured("535"))
    for _ in range(20):
        fake.providers.mail.fail(Misconfigured("535"))
        with pytest.raises(Misconfigured):
            run(fake, job)
    assert used(fake) == 25
    carried = replace(job, day=DAY)
    fake.providers.mail.fail(Misconfigured("535"))
    with pytest.raises(Misconfigured):
        run(fake, carried)
    assert used(fake) == 25, "what came with the job stays with it"


def test_where_others_were_faster_less_is_taken(fake: FakeWorld) -> None:
    limited(fake, 125)
    _, job = planned(fake)

    def another(number: int, name: str) -> None:
        if name == "counters.take":
            fake.counters.counted[f"quota#mail#{DAY}"] += 10

    fake.on_step = another
    run(fake, job)
    assert (fake.providers.mail.sent().total(), used(fake)) == (75, 95)


def test_the_provider_itself_may_say_that_the_quota_is_used_up(fake: FakeWorld) -> None:
    """Nothing more of the job is tried, and its claim is given back."""
    limited(fake, None, calls_per_second=2)
    message, job = planned(fake)
    fake.providers.mail.succeed()
    fake.providers.mail.fail(QuotaUsedUp("454"))
    assert run(fake, job) == [], "neither is the job of the next second"
    assert len(fake.providers.mail.calls) == 2
    chunk = chunk_of(fake, message)
    assert chunk.waits == (Wait(CallKey(0, 0, "mail", 25), 100, START + HOUR, for_quota=True),)
    before = len(fake.queues.sent)
    evaluate.settle(fake.ports, chunk.plan.id)
    assert len(fake.queues.sent) == before
    fake.clock.advance(3600)
    evaluate.settle(fake.ports, chunk.plan.id)
    (sent,) = fake.queues.sent[before:]
    assert sent.job == replace(job, start=25)
    again = replace(job, start=25)
    while back := run(fake, again):
        ((again, delay),) = back
        fake.clock.advance(delay)
    assert fake.providers.mail.sent().total() == 100
    assert max(fake.providers.mail.sent().values()) == 1


def test_what_the_provider_refused_is_given_back_to_the_day(fake: FakeWorld) -> None:
    limited(fake, 1000)
    _, job = planned(fake)
    fake.providers.mail.succeed()
    fake.providers.mail.fail(QuotaUsedUp("454"))
    run(fake, job)
    assert used(fake) == 25


def test_a_call_that_waits_for_a_quota_to_its_end_says_so(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 63)
    message, job = planned(fake)
    run(fake, job)
    fake.clock.advance(3600)
    run(fake, job)
    fake.clock.advance(3600 + 599)
    run(fake, job)
    evaluate.settle(fake.ports, ChunkId(message.msgid, 0))
    assert not any(
        known.has(FactKind.EXPIRED) for known in chunk_of(fake, message).known.values()
    ), "a twelfth longer: the next day begins"
    fake.clock.advance(1)
    evaluate.settle(fake.ports, ChunkId(message.msgid, 0))
    chunk = chunk_of(fake, message)
    expired = [
        known.facts[FactKind.EXPIRED].code
        for known in chunk.known.values()
        if known.has(FactKind.EXPIRED)
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
    evaluate.settle(fake.ports, ChunkId(message.msgid, 0))
    chunk = chunk_of(fake, message)
    assert [
        known.facts[FactKind.EXPIRED].code
        for known in chunk.known.values()
        if known.has(FactKind.EXPIRED)
    ] == ["not_in_time"] * 25


@pytest.mark.parametrize(
    ("vendors", "own", "now", "date", "hours"),
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
    fake: FakeWorld, vendors: float | None, own: float, now: float, date: str, hours: float
) -> None:
    """START is eight o'clock in London."""
    fake.providers.mail.can(utc_offset=vendors)
    fake.limits = replace(LIMITS, utc_offset=own)
    fake.clock.advance(now * 3600)
    assert quota.today(fake.ports, a_channel("mail")) == quota.Day(
        date, fake.clock.now() + round(hours * HOUR)
    )


def test_the_operator_sees_it(fake: FakeWorld, caplog: pytest.LogCaptureFixture) -> None:
    limited(fake, 63)
    observability._metrics.clear()
    with caplog.at_level("WARNING", logger="openums"):
        run(fake, planned(fake)[1])
    assert observability._metrics.pop("jobs_over_quota") == 1
    (line,) = [record for record in caplog.records if record.message == "quota_used_up"]
    assert line.channel == "mail"  # type: ignore[attr-defined]
    channel = fake.settings.channel("mail")
    assert channel is not None
    assert quota.usage(fake.ports, channel) == quota.Usage(quota.Day(DAY, TURN), 50, 63)
    assert quota.usage(fake.ports, replace(channel, deliveries_per_day=None)) is None


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
        evaluate.settle(fake.ports, at)
        for envelope in fake.queues.sent[before:]:
            if isinstance(envelope.job, DeliverJob):
                run(fake, envelope.job)
    assert fake.providers.mail.sent().total() == 100
    assert max(fake.providers.mail.sent().values()) == 1


def test_a_part_that_has_room_is_not_reserved_again_for_the_one_that_waits(fake: FakeWorld) -> None:
    """Paced at a call in 5,000 s: the first half goes round with its room, the other half waits, and later there is room for all."""
    limited(fake, 63, calls_per_second=0.0002)
    message, job = planned(fake)
    ((paced, _),) = run(fake, job)
    assert (paced.start, paced.end, used(fake)) == (25, 50, 50)
    fake.clock.advance(1)
    assert run(fake, paced) != [], "it has its turn, and comes back for it"
    before_that = fake.settings._channels["mail"]
    fake.settings.update_channel(
        before_that, replace(before_that, deliveries_per_day=1000, version=before_that.version + 1)
    )
    fake.clock.advance(3600)
    before = len(fake.queues.sent)
    evaluate.settle(fake.ports, ChunkId(message.msgid, 0))
    (sent,) = (
        envelope.job
        for envelope in fake.queues.sent[before:]
        if isinstance(envelope.job, DeliverJob)
    )
    assert (sent.start, sent.end) == (50, 100)
    run(fake, sent)
    assert used(fake) == 100


def test_nothing_stays_reserved_when_what_waits_cannot_be_said(
    fake: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(fake, 123)
    _, job = planned(fake)
    monkeypatch.setattr(fake.timers, "set", lambda _: (_ for _ in ()).throw(OSError("throttled")))
    with pytest.raises(OSError, match="throttled"):
        run(fake, job)
    assert (used(fake), fake.providers.mail.sent().total()) == (0, 0)


def test_calls_that_expired_meanwhile_use_up_nothing(fake: FakeWorld) -> None:
    fake.limits = replace(LIMITS, submit_within=7200)
    limited(fake, 1000)
    message, job = planned(fake)
    fake.clock.advance(7200)
    evaluate.settle(fake.ports, ChunkId(message.msgid, 0))
    run(fake, job)
    assert (used(fake), fake.providers.mail.sent().total()) == (0, 0)


def test_a_copy_of_a_job_that_brought_its_room_along_gives_none_back(fake: FakeWorld) -> None:
    limited(fake, 1000, calls_per_second=0.01)
    _, job = planned(fake)
    ((carried, _),) = run(fake, job)
    assert carried.day
    reserved = used(fake)
    for _ in range(2):
        fake.clock.advance(200)
        fake.providers.mail.fail(QuotaUsedUp("454"))
        run(fake, replace(carried, slot=0))
    assert used(fake) == reserved
