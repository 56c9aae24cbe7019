"""Jobs wait in the queue for their reservation, not in a worker, and use up no retries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.chunks import Deferral
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Throttled
from chalicelib.domain.jobs import DeliverJob, TimerKind
from chalicelib.domain.plans import CallKey, ChunkId
from chalicelib.flow import deliver, evaluate
from chalicelib.flow.delivery import rate
from tests.builders import a_channel, a_message, a_plan, an_access_channel, at_once
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.delivery.mails import planned, run


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    return fake


def a_mail_channel(fake: FakeWorld, **options: Any) -> None:
    fake.settings.put_channel(a_channel("mail", ChannelType.EMAIL, options=options))


def test_without_a_limit_nothing_is_asked(fake: FakeWorld) -> None:
    a_mail_channel(fake)
    _, job = planned(fake)
    assert run(fake, job) == []
    assert "rate_limiter.reserve" not in fake.log
    assert len(fake.providers.mail.calls) == 4


@pytest.mark.parametrize("options", [{}, {"calls_per_second": 4}])
def test_the_provider_has_a_limit_unless_the_channel_has_another(
    fake: FakeWorld, options: dict[str, Any]
) -> None:
    fake.providers.mail.can(calls_per_second=2)
    a_mail_channel(fake, **options)
    _, job = planned(fake)
    back = run(fake, job)
    assert len(fake.providers.mail.calls) == (4 if options else 2)
    assert back == ([] if options else [(replace(job, start=50), 1)])


def test_a_provider_may_count_people_instead_of_calls(fake: FakeWorld) -> None:
    """3,000 people a minute are 50 a second: two calls of 25.

    Eight tenths of that take 1.25 seconds.
    """
    fake.providers.mail.can(deliveries_per_minute=3000)
    a_mail_channel(fake)
    _, job = planned(fake)
    assert run(fake, job) == [(replace(job, start=50), 1)]
    assert [len(call.recipients) for call in fake.providers.mail.calls] == [25, 25]
    ((waiting, _),) = run(fake, replace(job, start=50))
    assert waiting.slot == START + 1250


@pytest.mark.parametrize(
    ("per_minute", "calls"), [(1, 1), (1499, 1), (1500, 1), (2999, 1), (3000, 2)]
)
def test_a_call_of_more_people_than_a_second_takes_is_made_all_the_same(
    fake: FakeWorld, per_minute: int, calls: int
) -> None:
    fake.providers.mail.can(deliveries_per_minute=per_minute)
    a_mail_channel(fake)
    run(fake, planned(fake)[1])
    assert len(fake.providers.mail.calls) == calls


@pytest.mark.parametrize(
    ("field", "option", "expected"),
    [(7, 4, 7), (None, 4, 4), (0, 4, 0), (None, 0, 0), (None, None, 50)],
)
def test_the_channels_own_limit_goes_first_then_its_option_then_the_platforms(
    fake: FakeWorld, field: int | None, option: int | None, expected: float
) -> None:
    fake.providers.mail.can(deliveries_per_minute=3000)
    channel = a_channel(
        "mail",
        calls_per_second=field,
        options={} if option is None else {"calls_per_second": option},
    )
    limit = rate.limit_of(channel, fake.providers.mail.capabilities)
    assert limit.per_second == expected


@pytest.mark.parametrize(
    ("per_second", "size"), [(None, 99), (0, 99), (1, 1), (0.5, 1), (20, 20), (500, 99)]
)
def test_where_the_rate_counts_people_a_call_has_those_of_a_second(
    fake: FakeWorld, per_second: float | None, size: int
) -> None:
    """A call of 99 at one message a second would take its worker's time 99 times over."""
    options = {} if per_second is None else {"calls_per_second": per_second}
    channel, provider = a_channel("mail", options=options), fake.providers.mail
    assert rate.call_size(channel, provider.capabilities, 99) == 99
    provider.can(rate_of_deliveries=True)
    assert rate.call_size(channel, provider.capabilities, 99) == size
    limit = rate.limit_of(channel, provider.capabilities)
    assert limit == rate.Rate(per_second or 0, of_deliveries=per_second is not None)


def test_a_channel_may_lift_the_providers_limit(fake: FakeWorld) -> None:
    fake.providers.mail.can(calls_per_second=1)
    a_mail_channel(fake, calls_per_second=0)
    assert run(fake, planned(fake)[1]) == []


def test_a_job_makes_the_calls_of_one_second_and_comes_back_for_the_others_as_it_was(
    fake: FakeWorld,
) -> None:
    """Eight tenths of one call a second: the first call, then one in 1.25 seconds."""
    a_mail_channel(fake, calls_per_second=1)
    _, job = planned(fake)
    ((again, delay),) = run(fake, job)
    assert (again, delay, len(fake.providers.mail.calls)) == (replace(job, start=25), 1, 1)
    fake.clock.advance(delay)
    assert run(fake, again) == [(replace(job, start=50), 1)]
    assert len(fake.providers.mail.calls) == 2
    ((waiting, delay),) = run(fake, replace(job, start=50))
    assert (waiting.slot, waiting.tries, delay) == (START + 2500, 0, 2)
    fake.clock.advance(delay)
    assert run(fake, waiting) == [(replace(job, start=75), 1)]
    assert fake.log.count("rate_limiter.reserve") == 3, "a reservation is made once"


def test_a_reservation_further_away_than_a_queue_can_hold_is_kept_over_several_rounds(
    fake: FakeWorld,
) -> None:
    a_mail_channel(fake, calls_per_second=1)
    fake.rate_limiter.reserve("mail", 1000, 1, urgent=False)
    _, job = planned(fake)
    ((waiting, delay),) = run(fake, job)
    assert (waiting.slot, delay) == (START + 1_250_000, 900)
    fake.clock.advance(delay)
    assert run(fake, waiting) == [(waiting, 350)]
    assert fake.log.count("rate_limiter.reserve") == 2
    assert not fake.providers.mail.calls


def test_a_reservation_that_was_missed_is_made_again(fake: FakeWorld) -> None:
    a_mail_channel(fake, calls_per_second=10)
    _, job = planned(fake)
    run(fake, replace(job, slot=START - 29_999))
    assert "rate_limiter.reserve" not in fake.log
    _, other = planned(fake, number=2)
    run(fake, replace(other, slot=START - 30_000))
    assert fake.log.count("rate_limiter.reserve") == 1


def test_an_urgent_job_goes_before_many_reservations(fake: FakeWorld) -> None:
    a_mail_channel(fake, calls_per_second=1)
    fake.rate_limiter.reserve("mail", 1000, 1, urgent=False)
    _, job = planned(fake, 25, priority=Priority.HIGH)
    assert run(fake, job) == []
    assert len(fake.providers.mail.calls) == 1


def test_a_throttled_job_makes_another_reservation(fake: FakeWorld) -> None:
    a_mail_channel(fake, calls_per_second=10)
    fake.providers.mail.fail(Throttled("slow", retry_after=5))
    _, job = planned(fake, 25)
    assert run(fake, replace(job, slot=START)) == [(replace(job, tries=1, slot=0), 5)]


def test_a_job_that_waits_long_is_not_taken_for_lost(fake: FakeWorld) -> None:
    a_mail_channel(fake, calls_per_second=1)
    fake.rate_limiter.reserve("mail", 1000, 1, urgent=False)
    message, job = planned(fake)
    at = ChunkId(message.msgid, 0)
    run(fake, job)
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    assert chunk.deferrals == (Deferral(CallKey(0, 0, "mail", 0), 100, START + 1_250_000),)
    fake.clock.advance(600)
    before = len(fake.queues.sent)
    evaluate.check_chunk(fake.ports, at)
    assert len(fake.queues.sent) == before
    checks = [timer.at for timer in fake.timers.waiting() if timer.kind is TimerKind.CHECK]
    assert checks
    assert min(checks) >= START + 1_250_000
    fake.clock.time = START + 1_250_000 + 241_000
    evaluate.check_chunk(fake.ports, at)
    assert len(fake.queues.sent) > before, (
        "after its reservation has passed, the check sends it again"
    )


def test_a_short_wait_costs_no_write(fake: FakeWorld) -> None:
    a_mail_channel(fake, calls_per_second=1)
    fake.rate_limiter.reserve("mail", 50, 1, urgent=False)
    run(fake, planned(fake)[1])
    assert "ledger.put_deferral" not in fake.log


def test_a_wait_covers_the_calls_of_its_job_only() -> None:
    wait = Deferral(CallKey(0, 1, "mail", 100), 200, START)
    assert [wait.covers(CallKey(0, 1, "mail", n)) for n in (99, 100, 199, 200)] == [
        False,
        True,
        True,
        False,
    ]
    assert wait.covers(CallKey(0, 1, "mail", 125, attempt=2))
    assert not any(
        wait.covers(key)
        for key in (
            CallKey(1, 1, "mail", 100),
            CallKey(0, 0, "mail", 100),
            CallKey(0, 1, "text", 100),
        )
    )


def addressed(fake: FakeWorld, *contacts: str, rates: dict[str, float], **more: Any) -> DeliverJob:
    """Plan mails to these addresses, one per call, on a channel with rates for domains."""
    a_mail_channel(fake, domain_rates=rates, **more)
    message = a_message(
        *(f"u{n}" for n in range(len(contacts))),
        strategy=at_once("email"),
        call_sizes={"mail": 1},
    )
    fake.messages.has(message)
    plan = a_plan(message)
    contacts_of = tuple({"mail": (contact,)} for contact in contacts)
    fake.ledger.put_plan(replace(plan, contacts=contacts_of), message)
    return DeliverJob(message.msgid, 0, 0, 0, "mail", 0, len(contacts))


def test_mails_to_other_domains_than_the_limited_need_no_reservation(fake: FakeWorld) -> None:
    addresses = ("ann@example.com", "ben@notqq.com", "cid@mail.qq.com")
    job = addressed(fake, *addresses, rates={"qq.com": 1})
    assert run(fake, job) == []
    assert len(fake.providers.mail.calls) == 3
    assert "rate_limiter.reserve" not in fake.log


def test_mails_to_a_limited_domain_wait_for_their_turn(fake: FakeWorld) -> None:
    addresses = ("ann@qq.com", "ben@example.com", "cid@QQ.com", "dan@qq.com")
    job = addressed(fake, *addresses, rates={"qq.com": 2})
    assert run(fake, job) == [(replace(job, start=3), 1)]
    assert len(fake.providers.mail.calls) == 3
    ((waiting, _),) = run(fake, replace(job, start=3))
    assert waiting.slot == START + 1250


def test_the_latest_of_several_reservations_counts(fake: FakeWorld) -> None:
    fake.rate_limiter.reserve("mail@gmail.com", 8, 1, urgent=False)
    addresses = ("ann@qq.com", "ben@gmail.com")
    rates = {"qq.com": 5, "gmail.com": 1}
    job = addressed(fake, *addresses, rates=rates, calls_per_second=50)
    ((waiting, delay),) = run(fake, job)
    assert (waiting.slot, delay) == (START + 10_000, 10)
    assert not fake.providers.mail.calls
    fake.clock.advance(delay)
    assert run(fake, waiting) == []
    assert len(fake.providers.mail.calls) == 2


def test_a_channel_with_rates_of_domains_reserves_for_no_other_job(fake: FakeWorld) -> None:
    """The other job may be one that its batch does not begin."""
    job = addressed(fake, "ann@example.com", rates={"qq.com": 1}, calls_per_second=50)
    batch = deliver.Batch(fake.ports, [job, replace(job, number=1)])
    batch.deliver(fake.ports, job)
    assert not batch.end()
    assert fake.rate_limiter.reserved == {"mail": 1}
