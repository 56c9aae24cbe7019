"""Calls above a day's quota are deferred until the day turns, and use up nothing meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib import observability
from chalicelib.domain.chunks import Deferral
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Misconfigured, QuotaUsedUp, Unavailable
from chalicelib.domain.plans import CallKey
from chalicelib.domain.provider_io import ProviderIds
from chalicelib.flow import evaluate
from chalicelib.flow.delivery import quota
from tests.builders import an_access_channel
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.delivery.mails import planned, run
from tests.flow.delivery.quotas import DAY, HOUR, TURN, checks, chunk_of, limited, used


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    return fake


def test_without_a_quota_nothing_is_asked(fake: FakeWorld) -> None:
    limited(fake, None)
    assert run(fake, planned(fake)[1]) == []
    assert not [step for step in fake.log if step.startswith("counters.")]


@pytest.mark.parametrize(("configured", "sent"), [(None, 50), (0, 100), (125, 100)])
def test_the_provider_has_a_quota_unless_the_channel_has_another(
    fake: FakeWorld, configured: int | None, sent: int
) -> None:
    fake.providers.mail.can(deliveries_per_day=63)
    limited(fake, configured)
    run(fake, planned(fake)[1])
    assert fake.providers.mail.sent().total() == sent


@pytest.mark.parametrize(
    ("quota", "sent"), [(123, 75), (124, 100), (10**9, 100), (31, 25), (25, 25), (24, 0), (1, 0)]
)
def test_a_job_makes_the_calls_that_the_quota_allows(
    fake: FakeWorld, quota: int, sent: int
) -> None:
    """There are four calls of 25. A fifth of the quota is left to priority 1.

    The others get at least one call.
    """
    limited(fake, quota)
    message, job = planned(fake)
    assert run(fake, job) == [], "no job goes round while the quota is used up"
    assert fake.providers.mail.sent().total() == sent == used(fake)
    deferrals = chunk_of(fake, message).deferrals
    assert deferrals == (
        ()
        if sent == 100
        else (Deferral(CallKey(0, 0, "mail", sent), 100, START + HOUR, for_quota=True),)
    )
    assert checks(fake) == ([] if sent == 100 else [START + HOUR])


@pytest.mark.parametrize(
    ("people", "priority", "sent"),
    [(25, Priority.HIGH, 25), (25, Priority.MEDIUM, 0), (50, Priority.HIGH, 25)],
)
def test_a_fifth_is_left_to_what_is_urgent(
    fake: FakeWorld, people: int, priority: Priority, sent: int
) -> None:
    limited(fake, 125)
    run(fake, planned(fake)[1])
    before = fake.providers.mail.sent().total()
    assert before == 100
    run(fake, planned(fake, people, number=2, priority=priority)[1])
    assert fake.providers.mail.sent().total() - before == sent


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
    """The job comes back as it was, and reserves again.

    A wrong password must not use up the day.
    """
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


def test_what_was_made_stays_used_when_the_connection_cannot_be_closed(fake: FakeWorld) -> None:
    """The answers are followed up, too, before the job comes back."""
    fake.providers.mail.can(provider_ids=ProviderIds.PER_RECIPIENT)
    limited(fake, 1000)
    _, job = planned(fake)
    fake.providers.mail.at_end = OSError("reset by peer")
    with pytest.raises(OSError, match="reset by peer"):
        run(fake, job)
    assert used(fake) == fake.providers.mail.sent().total() == 100
    assert "recordings.put" in fake.log


def test_where_others_were_faster_less_is_taken(fake: FakeWorld) -> None:
    limited(fake, 125)
    _, job = planned(fake)
    fake.meanwhile("counters.take", lambda: fake.counters.counted.update({f"quota#mail#{DAY}": 10}))
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
    assert chunk.deferrals == (
        Deferral(CallKey(0, 0, "mail", 25), 100, START + HOUR, for_quota=True),
    )
    before = len(fake.queues.sent)
    evaluate.check_chunk(fake.ports, chunk.plan.id)
    assert len(fake.queues.sent) == before
    fake.clock.advance(3600)
    evaluate.check_chunk(fake.ports, chunk.plan.id)
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


def test_nothing_stays_reserved_when_calls_cannot_be_deferred(fake: FakeWorld) -> None:
    limited(fake, 123)
    _, job = planned(fake)
    fake.fail(OSError("throttled"), "timers.set")
    with pytest.raises(OSError, match="throttled"):
        run(fake, job)
    assert (used(fake), fake.providers.mail.sent().total()) == (0, 0)


def test_a_copy_of_a_job_that_brought_its_quota_along_gives_none_back(fake: FakeWorld) -> None:
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
