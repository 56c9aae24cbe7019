"""Providers are asked for receipts while there may be some, and no longer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NoReturn

import pytest

from chalicelib.domain.delivery_channels import ChannelType, ReceiptMode
from chalicelib.domain.errors import ProviderError, Rejected, Unavailable
from chalicelib.domain.facts import DeliveryRef, FactKind
from chalicelib.domain.jobs import DeliverJob, PollJob, Timer, TimerKind
from chalicelib.domain.plans import ChunkId, Entrants
from chalicelib.domain.provider_io import ProviderIds, Receipt, ReceiptKind, Reply
from chalicelib.flow import deliver, poll
from tests.builders import (
    SHOP,
    a_channel,
    a_message,
    a_plan,
    a_reachable_user,
    a_strategy,
    an_access_channel,
    at_once,
)
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld


@pytest.fixture
def fake() -> FakeWorld:
    fake = FakeWorld()
    fake.settings.put_access_channel(an_access_channel())
    for code in ("push", "text"):
        fake.settings.put_channel(a_channel(code, receipts=ReceiptMode.POLL))
    fake.users.has(a_reachable_user("ann"))
    return fake


def send(fake: FakeWorld, kind: str = "sms", code: str = "text", number: int = 1) -> ChunkId:
    message = a_message("ann", number=number, strategy=at_once(kind), accepted=fake.clock.now())
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    deliver.deliver(fake.ports, DeliverJob(message.msgid, 0, 0, 0, code, 0, 1))
    return ChunkId(message.msgid, 0)


def minutes_asked(fake: FakeWorld, minutes: int) -> list[int]:
    """In which of the next minutes the schedule asks."""
    asked = []
    for minute in range(minutes):
        before = len(fake.queues.sent)
        poll.start(fake.ports)
        asked += (
            [minute] if any(isinstance(e.job, PollJob) for e in fake.queues.sent[before:]) else []
        )
        fake.clock.advance(60)
    return asked


def test_an_account_on_which_nothing_was_sent_is_asked_nothing(fake: FakeWorld) -> None:
    assert minutes_asked(fake, 5) == []


def test_an_account_is_polled_each_minute_after_a_submission_then_more_seldom_then_no_more(
    fake: FakeWorld,
) -> None:
    send(fake)
    asked = minutes_asked(fake, 24 * 60 + 30)
    assert asked[:13] == [*range(10), 10, 12, 14]
    assert asked[-1] < 24 * 60
    gaps = [later - earlier for earlier, later in pairwise(asked)]
    assert max(gaps) < 300
    assert len(asked) < 150
    send(fake, number=2)
    assert minutes_asked(fake, 3) == [0, 1, 2]


def test_a_provider_says_for_how_long(fake: FakeWorld) -> None:
    fake.providers.text.can(poll_first=240, poll_window=600)
    send(fake)
    assert minutes_asked(fake, 60) == [3, 4, 5, 6, 7, 8, 9]


def test_an_account_whose_ids_are_those_of_calls_may_be_polled_as_a_whole(fake: FakeWorld) -> None:
    fake.providers.text.can(provider_ids=ProviderIds.PER_CALL)
    at = send(fake)
    assert minutes_asked(fake, 2) == [0, 1]
    assert TimerKind.POLL not in {timer.kind for timer in fake.timers.waiting()}
    fake.providers.text.to_poll = [*fake.providers.text.receipts(ReceiptKind.DELIVERED, START)]
    poll.poll_channel(fake.ports, PollJob("text"))
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    assert chunk.state_of(DeliveryRef(0, "text", 0)).delivered


def test_a_channel_whose_receipts_are_posted_is_asked_nothing(fake: FakeWorld) -> None:
    fake.settings.put_channel(a_channel("posted", ChannelType.SMS, platform="text"))
    fake.lookups.expect("posted", START, 0)
    assert minutes_asked(fake, 2) == []


def test_what_an_account_tells_is_recorded_replies_too(fake: FakeWorld) -> None:
    at = send(fake)
    fake.providers.text.to_poll = [
        *fake.providers.text.receipts(ReceiptKind.DELIVERED, START + 1),
        Reply("+86-ann", "TD", START),
    ]
    poll.poll_channel(fake.ports, PollJob("text"))
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    assert chunk.state_of(DeliveryRef(0, "text", 0)).delivered
    assert fake.users.stored["ann"].suppression(ChannelType.SMS, "+86-ann", SHOP) == "opted_out"


@pytest.mark.parametrize("step", ["ledger.add", "audiences.opt", "lookups.get"])
def test_what_an_account_tells_only_once_survives_a_store_that_fails_for_a_moment(
    fake: FakeWorld, step: str
) -> None:
    at = send(fake)
    reports = [
        *fake.providers.text.receipts(ReceiptKind.DELIVERED, START + 1),
        Reply("+86-ann", "TD", START),
    ]
    fake.providers.text.to_poll = list(reports)
    fake.fail(OSError("throttled"), step, times=2)
    poll.poll_channel(fake.ports, PollJob("text"))
    assert fake.log.count(step) >= 3
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    assert chunk.state_of(DeliveryRef(0, "text", 0)).delivered
    assert fake.users.stored["ann"].suppression(ChannelType.SMS, "+86-ann", SHOP) == "opted_out"


def test_a_store_that_stays_away_fails_the_poll_aloud(fake: FakeWorld) -> None:
    send(fake)
    fake.providers.text.to_poll = fake.providers.text.receipts(ReceiptKind.DELIVERED, START + 1)
    fake.fail(OSError("gone"), "ledger.add")
    before = fake.clock.now()
    with pytest.raises(OSError, match="gone"):
        poll.poll_channel(fake.ports, PollJob("text"))
    assert fake.clock.now() - before < 20_000


@pytest.mark.parametrize(("first", "window"), [(30, 86400), (600, 7200)])
def test_a_chunk_is_asked_for_from_its_first_time_until_its_window_ends(
    fake: FakeWorld, first: int, window: int
) -> None:
    changed = replace(fake.providers.push.capabilities, poll_first=first, poll_window=window)
    fake.providers.push.capabilities = changed
    send(fake, "app", "push")
    rounds = 0
    while timers := [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.POLL]:
        assert timers[0].at >= START + first * 1000
        fake.clock.time = timers[0].at
        fake.timers.forget(timers)
        poll.poll_chunk(fake.ports, timers[0])
        rounds += 1
    assert 3 < rounds < 30
    assert window * 1000 <= fake.clock.now() - START < 2 * window * 1000


def test_a_chunk_whose_provider_is_down_is_asked_for_no_oftener(fake: FakeWorld) -> None:
    """A timer's job that failed would come again by itself, and set another timer each time."""
    send(fake, "app", "push")
    asked = []

    def down(*_: object) -> NoReturn:
        asked.append(fake.clock.now())
        raise Unavailable("down")

    fake.providers.push.of_session["poll"] = down
    repeated: list[tuple[int, Timer]] = []
    while (now := fake.clock.now() - START) < 7200_000:
        due = [
            timer
            for timer in fake.timers.waiting()
            if timer.kind is TimerKind.POLL and timer.at <= fake.clock.now()
        ]
        fake.timers.forget(due)
        for timer in [*due, *(timer for at, timer in repeated if at == now)]:
            try:
                poll.poll_chunk(fake.ports, timer)
            except Unavailable:
                repeated.append((now + 360_000, timer))  # a queue's visibility timeout
        fake.clock.advance(60)
    assert 5 < len(asked) < 20


def test_a_step_that_is_sent_days_later_is_asked_for_as_long_as_the_first(fake: FakeWorld) -> None:
    """The window is that of the submission, not of the message."""
    message = a_message("ann", strategy=a_strategy("sms", "app"))
    at = ChunkId(message.msgid, 0)
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    fake.clock.advance(3 * 86400)
    fake.ledger.freeze(at, Entrants(1, 0, (0,), fake.clock.now()), message)
    deliver.deliver(fake.ports, DeliverJob(message.msgid, 0, 1, 0, "push", 0, 1))
    for _ in range(2):
        (timer,) = [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.POLL]
        assert timer.at < START + (3 * 86400 + 300) * 1000
        fake.clock.time = timer.at
        fake.timers.forget([timer])
        poll.poll_chunk(fake.ports, timer)


def test_a_report_without_a_time_counts_from_when_it_is_heard(fake: FakeWorld) -> None:
    chunk = send(fake)
    fake.clock.advance(40)
    fake.providers.text.to_poll = [*fake.providers.text.receipts(ReceiptKind.DELIVERED, 0)]
    poll.poll_channel(fake.ports, PollJob("text"))
    stored = fake.ledger.chunk(chunk)
    assert stored is not None
    assert (
        stored.state_of(DeliveryRef(0, "text", 0)).facts[FactKind.DELIVERED].time
        == fake.clock.now()
    )


def test_a_chunk_of_which_everything_is_known_is_asked_for_no_more(fake: FakeWorld) -> None:
    send(fake, "app", "push")
    fake.providers.push.to_poll = [*fake.providers.push.receipts(ReceiptKind.DELIVERED, START)]
    (timer,) = [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.POLL]
    poll.poll_chunk(fake.ports, timer)
    fake.timers.rows.clear()
    poll.poll_chunk(fake.ports, timer)
    assert fake.timers.waiting() == []


PEOPLE = tuple(f"u{n:03d}" for n in range(100))  # with a call each, as for personal texts


def asked_slowly(
    fake: FakeWorld, tell: Callable[[str, Sequence[str]], Sequence[Receipt]]
) -> Iterator[Timer]:
    """Send to people and yield each poll's timer. To ask for a call takes a second."""
    fake.users.has(*map(a_reachable_user, PEOPLE))
    message = a_message(*PEOPLE, strategy=at_once("app"), call_sizes={"push": 1})
    fake.messages.has(message)
    fake.ledger.put_plan(a_plan(message), message)
    deliver.deliver(fake.ports, DeliverJob(message.msgid, 0, 0, 0, "push", 0, len(PEOPLE)))

    def slow(_: object, ids: Mapping[str, Sequence[str]]) -> Sequence[Receipt]:
        fake.clock.advance(len(ids))
        assert fake.ends is None or fake.clock.now() < fake.ends, "the function was ended"
        return [receipt for id, contacts in ids.items() for receipt in tell(id, contacts)]

    fake.providers.push.of_session["poll"] = slow
    while timers := [timer for timer in fake.timers.waiting() if timer.kind is TimerKind.POLL]:
        fake.clock.time = max(fake.clock.now(), timers[0].at)
        fake.timers.forget(timers)
        fake.ends = fake.clock.now() + fake.limits.lease * 1000
        yield timers[0]


def delivered(id: str, contacts: Sequence[str]) -> Sequence[Receipt]:
    return [Receipt(id, ReceiptKind.DELIVERED, START, contact) for contact in contacts]


def test_a_chunk_of_many_calls_is_asked_for_in_the_time_of_its_functions(fake: FakeWorld) -> None:
    """Half of the phones are off, so that their calls are asked for each time."""
    asked, polls = set[str](), 0

    def tell(id: str, contacts: Sequence[str]) -> Sequence[Receipt]:
        asked.update(contacts)
        return delivered(id, [contact for contact in contacts if int(contact[-1]) % 2])

    for timer in asked_slowly(fake, tell):
        poll.poll_chunk(fake.ports, timer)
        polls += 1
        if len(asked) == len(PEOPLE):
            break
    assert len(asked) == len(PEOPLE)
    assert 3 < polls <= 8
    (at,) = fake.ledger.partitions
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    assert sum(state.delivered for state in chunk.states.values()) == len(PEOPLE) / 2


@pytest.mark.parametrize("error", [Rejected("1003"), Unavailable("down")])
def test_a_call_of_which_the_provider_does_not_tell_keeps_no_others_from_their_turn(
    fake: FakeWorld, error: ProviderError
) -> None:
    def tell(id: str, contacts: Sequence[str]) -> Sequence[Receipt]:
        if contacts == ["reg-u050"]:
            raise error
        return delivered(id, contacts)

    for _, timer in zip(range(12), asked_slowly(fake, tell), strict=False):
        poll.poll_chunk(fake.ports, timer)
    (at,) = fake.ledger.partitions
    chunk = fake.ledger.chunk(at)
    assert chunk is not None
    missing = [ref.target for ref, state in chunk.states.items() if not state.delivered]
    assert missing == [50]
