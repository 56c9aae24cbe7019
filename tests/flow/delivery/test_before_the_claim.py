"""A claim covers the call and nothing else: what is slow or fails before it leaves no claim."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.errors import ProviderError, Rejected, Unavailable
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallState
from chalicelib.domain.provider_io import Attachment
from chalicelib.flow import deliver
from chalicelib.flow.delivery.budget import Budget
from chalicelib.flow.delivery.files import MAX_FETCHES
from chalicelib.providers import registry
from tests.builders import a_channel, a_message, a_plan, at_once
from tests.fakes.world import LIMITS, FakeWorld
from tests.flow.delivery.mails import run

URLS = [f"https://files.example.org/{n}.pdf" for n in range(10)]
PROVIDER_TIMEOUT = 10


def mailing(
    files: dict[str, bytes | ProviderError], count: int = 50
) -> tuple[FakeWorld, Message, DeliverJob]:
    fake = FakeWorld()
    fake.providers.mail.can(exchanges=2, preparation=2)
    fake.files.elsewhere |= files
    fake.settings.put_channel(a_channel("mail"))
    message = a_message(
        *(f"u{n:03d}" for n in range(count)),
        strategy=at_once("email"),
        contents={"mail": {"text": "t", "files": list(files)}},
    )
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    return fake, message, DeliverJob(message.msgid, 0, 0, 0, "mail", 0, count)


def chunk_of(fake: FakeWorld, message: Message) -> Chunk:
    (id,) = fake.ledger.partitions
    chunk = fake.ledger.chunk(id)
    assert chunk is not None
    return chunk


def slow(fake: FakeWorld, seconds: float) -> list[float]:
    """Let each file take so long, or what a fetch may take. Return the seconds of each fetch."""
    waited: list[float] = []

    def wait(most: float) -> None:
        waited.append(min(seconds, most))
        fake.clock.advance(min(seconds, most))
        if seconds > most:
            raise Unavailable("timeout")

    fake.files.on_fetch = wait
    return waited


def test_ten_slow_files_leave_no_claim_and_time_for_a_call() -> None:
    fake, _, job = mailing(dict.fromkeys(URLS, b"pdf"))
    waited = slow(fake, 1.8)
    ((returned, delay),) = run(fake, job)
    assert sum(waited) == pytest.approx(fake.limits.lease / 4)
    assert "ledger.claim" not in fake.log
    assert (returned.start, returned.fetches, delay) == (0, 1, 2)


def test_files_that_are_there_in_time_are_fetched_once_before_the_first_claim() -> None:
    fake, _, job = mailing(dict.fromkeys(URLS, b"pdf"))
    slow(fake, 1.0)
    assert run(fake, job) == []
    assert fake.log.count("files.fetch") == len(URLS)
    assert fake.log.index("ledger.claim") > fake.log.index("files.fetch.done")
    assert fake.providers.mail.sent().total() == 50


@pytest.mark.parametrize("left", [5, 40, 45, 50])
def test_files_never_take_the_time_of_the_call_behind_them(left: int) -> None:
    fake, _, job = mailing(dict.fromkeys(URLS, b"pdf"))
    slow(fake, 60)
    fake.ends = fake.clock.now() + left * 1000
    run(fake, job)
    assert fake.ends - fake.clock.now() >= min(left, 4 * PROVIDER_TIMEOUT) * 1000


def test_a_file_that_can_never_be_had_ends_the_mails_at_once_with_its_reason() -> None:
    fake, message, job = mailing({URLS[0]: Rejected("too_large")})
    assert run(fake, job) == []
    facts = chunk_of(fake, message).state_of(DeliveryRef(7, "mail", 0)).facts
    assert facts[FactKind.SUBMIT_FAILED].code == "file_too_large"
    assert fake.log.count("files.fetch") == 1
    assert not fake.providers.mail.calls
    run(fake, job)
    assert fake.log.count("files.fetch") == 1


def test_a_file_that_stays_away_is_asked_for_some_times_and_then_named() -> None:
    fake, message, job = mailing({URLS[0]: Unavailable("http_503")})
    delays: list[int] = []
    jobs = [job]
    while jobs:
        returned = run(fake, jobs.pop())
        jobs += [job for job, _ in returned]
        delays += [delay for _, delay in returned]
        fake.clock.advance(delays[-1])
    assert delays == [2**n for n in range(1, MAX_FETCHES)]
    assert fake.log.count("files.fetch") == MAX_FETCHES
    facts = chunk_of(fake, message).state_of(DeliveryRef(0, "mail", 0)).facts
    assert facts[FactKind.SUBMIT_FAILED].code == "file_http_503"


def test_waits_for_a_provider_do_not_count_as_fetches() -> None:
    fake, _, job = mailing({URLS[0]: b"pdf"})
    fake.providers.mail.fail(*[Unavailable("down")] * (MAX_FETCHES + 2))
    jobs = [job]
    while jobs:
        jobs += [returned for returned, _ in run(fake, jobs.pop())]
        fake.clock.advance(900)
    assert fake.providers.mail.sent().total() == 50


def test_an_account_that_is_not_ready_is_not_claimed_and_the_whole_job_returns() -> None:
    fake, _, job = mailing({})

    def refuse(session: object) -> None:
        raise Unavailable("connect")

    fake.providers.mail.of_session["prepare"] = refuse
    ((returned, _),) = run(fake, job)
    assert "ledger.claim" not in fake.log
    assert (returned.start, returned.end, returned.tries) == (0, 50, 1)


def test_a_connection_that_took_the_time_of_the_call_leaves_no_claim() -> None:
    fake, _, job = mailing({})
    fake.providers.mail.of_session["prepare"] = lambda session: fake.clock.advance(45)
    ((returned, delay),) = run(fake, job)
    assert "ledger.claim" not in fake.log
    assert (returned, delay) == (job, 1)


def test_a_job_that_gets_too_little_time_returns_and_counts_as_no_failure() -> None:
    fake, message, job = mailing({})
    fake.ends = fake.clock.now() + 39_000
    assert run(fake, job) == [(job, 1)]
    assert not chunk_of(fake, message).calls
    fake.ends = None
    assert run(fake, job) == []


def test_a_call_learns_how_long_it_may_take() -> None:
    fake, _, job = mailing({}, 1)
    fake.ends = fake.clock.now() + 50_000
    run(fake, job)
    (call,) = fake.providers.mail.calls
    assert (call.time.begin, call.time.end) == (15, 49)


def test_a_file_that_went_away_does_not_hide_a_call_that_may_have_been_taken() -> None:
    fake, message, job = mailing({URLS[0]: b"pdf"}, 1)

    class Died(BaseException):
        pass

    def die(call: object) -> None:
        raise Died

    fake.providers.mail.watchers.append(die)
    with pytest.raises(Died):
        deliver.deliver(fake.ports, job)
    fake.providers.mail.watchers.clear()
    fake.files.elsewhere[URLS[0]] = Rejected("http_404")
    fake.clock.advance(61)
    run(fake, job)
    chunk = chunk_of(fake, message)
    assert [call.state for call in chunk.calls.values()] == [CallState.LEASED]
    assert chunk.state_of(DeliveryRef(0, "mail", 0)).facts[FactKind.UNKNOWN].code == "worker_died"


def test_the_files_of_a_call_are_the_files_of_all() -> None:
    fake, _, job = mailing({URLS[0]: b"a", URLS[1]: b"b"})
    run(fake, replace(job, fetches=3))
    files = (
        Attachment("0.pdf", "application/pdf", b"a"),
        Attachment("1.pdf", "application/pdf", b"b"),
    )
    assert [call.files for call in fake.providers.mail.calls] == [files, files]


@pytest.mark.parametrize(("seconds", "exchange"), [(60, 10.0), (10, 2.0)], ids=["prod", "local"])
def test_a_whole_function_is_enough_for_a_call_of_every_platform(
    seconds: int, exchange: float
) -> None:
    fake = FakeWorld(replace(LIMITS, lease=seconds, provider_timeout=exchange))
    for platform, can in registry.capabilities().items():
        if not can.worker:
            budget = Budget(fake.ports, can, share=1)
            assert budget.may_prepare, platform
            assert budget.for_files > 0, platform


@pytest.mark.parametrize("files", [{}, {URLS[0]: b"pdf"}])
def test_a_mail_in_a_batch_is_put_off_when_the_function_ends_soon(files: Any) -> None:
    """A mail takes forty seconds at most, and the one before it took thirty."""
    fake, message, job = mailing(files)
    fake.providers.mail.watchers.append(lambda call: fake.clock.advance(30))
    fake.ends = fake.clock.now() + 60_000
    jobs = [replace(job, end=25), replace(job, start=25)]
    batch = deliver.Batch(fake.ports, jobs)
    for one in jobs:
        batch.deliver(fake.ports, one, str(one.start))
    assert not batch.end()
    assert fake.providers.mail.sent().total() == 25
    assert [key.start for key in chunk_of(fake, message).calls] == [0]
    assert [(e.job, e.delay) for e in fake.queues.sent] == [(jobs[1], 1)]
    assert fake.log.count("files.fetch") == len(files)


@pytest.mark.parametrize("fetches", [0, MAX_FETCHES - 1])
def test_files_that_there_is_no_time_for_do_not_count_as_fetches(fetches: int) -> None:
    fake, _, job = mailing(dict.fromkeys(URLS, b"pdf"))
    fake.ends = fake.clock.now() + 41_000
    job = replace(job, fetches=fetches)
    assert run(fake, job) == [(job, 1)]
    assert "files.fetch" not in fake.log
