"""Callbacks go out in batches, at least once, and are tried again as their address says."""

from __future__ import annotations

import base64
import itertools
import json
from dataclasses import replace

import pytest

from chalicelib.domain.callbacks import DELAYS, JITTER, BatchState, delay
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.callbacks import Auth, Retries
from chalicelib.manage import callbacks
from chalicelib.ports import Reply
from tests.builders import SHOP, a_plan, text_of
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.callbacks import shop
from tests.flow.callbacks.shop import SECRET, URL, a_called_message, a_shop, run

DOWN = Reply(0, "connect")


def send(fake: FakeWorld, count: int = 1, number: int = 1, key: str = SHOP) -> Message:
    """Store a message to so many users, which has a record for each of them."""
    userids = [f"u{n:04d}" for n in range(count)]
    message = a_called_message(fake, *userids, number=number, channel_key=key)
    fake.messages.create(message, a_plan(message), None)
    return message


def test_records_go_out_a_hundred_at_a_time() -> None:
    fake = a_shop()
    send(fake, 250)
    run(fake)
    assert [len(posted.records) for posted in fake.receivers.posts] == [100, 100, 50]
    assert [batch.state for batch in fake.callbacks.batches()] == [BatchState.DELIVERED] * 3


def test_the_news_of_several_messages_go_out_together() -> None:
    fake = a_shop()
    for number in range(30):
        send(fake, 2, number)
    run(fake)
    assert [len(posted.records) for posted in fake.receivers.posts] == [60]


def test_the_basic_header_has_the_channel_key_and_the_secret() -> None:
    fake = a_shop()
    send(fake)
    run(fake)
    (posted,) = fake.receivers.posts
    expected = base64.b64encode(f"{SHOP}:{SECRET}".encode()).decode()
    assert dict(posted.headers) == {"authorization": f"Basic {expected}"}


@pytest.mark.parametrize("status", [201, 202, 204, 301, 400, 404, 410, 500, 503])
def test_only_200_is_success(status: int) -> None:
    fake = a_shop()
    fake.receivers.answer = lambda url: Reply(status)
    send(fake)
    run(fake)
    assert len(fake.receivers.posts) == 4
    (batch,) = fake.callbacks.batches()
    assert batch.state is BatchState.FAILED
    assert [attempt.status for attempt in batch.attempts] == [status] * 4


def test_what_is_not_taken_is_tried_three_times_more_50_seconds_apart() -> None:
    fake = a_shop()
    fake.receivers.answer = lambda url: Reply(500)
    send(fake)
    run(fake)
    times = [(posted.time - START) // 1000 for posted in fake.receivers.posts]
    assert times == [0, 50, 100, 150]
    assert len({posted.body for posted in fake.receivers.posts}) == 1


def test_a_retry_that_is_taken_ends_the_tries() -> None:
    fake = a_shop()
    replies = iter([Reply(500), DOWN, Reply(200)])
    fake.receivers.answer = lambda url: next(replies)
    send(fake)
    run(fake)
    (batch,) = fake.callbacks.batches()
    assert batch.state is BatchState.DELIVERED
    assert [(a.status, a.code) for a in batch.attempts] == [(500, ""), (0, "connect"), (200, "")]


def test_the_long_schedule_tries_for_three_days_with_jitter() -> None:
    fake = a_shop(retries=Retries.LONG)
    fake.receivers.answer = lambda url: Reply(500)
    send(fake)
    run(fake)
    times = [posted.time / 1000 for posted in fake.receivers.posts]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert len(gaps) == len(DELAYS[Retries.LONG]) == 9
    for gap, seconds in zip(gaps, DELAYS[Retries.LONG], strict=True):
        assert (1 - JITTER) * seconds - 1 <= gap <= (1 + JITTER) * seconds + 1
    assert gaps != list(DELAYS[Retries.LONG])
    assert sum(DELAYS[Retries.LONG]) > 3 * 86400


def test_jitter_spreads_the_batches() -> None:
    first = {round(delay(Retries.LONG, 2, f"{n:016d}") or 0) for n in range(100)}
    assert len(first) > 50
    assert delay(Retries.UMS, 4, "x") is None
    assert delay(Retries.LONG, 10, "x") is None


def test_a_receiver_that_is_down_costs_one_timeout_and_slows_nobody_else() -> None:
    fake = a_shop()
    a_shop("other", fake, url="https://other.example/x")
    fake.receivers.answer = lambda url: DOWN if url == URL else Reply(200)
    calls: list[str] = []
    fake.on_step = lambda number, name: calls.append(name) if name == "receivers.post" else None
    send(fake, 500)
    send(fake, 3, 2, key="other")
    shop.stream(fake)
    shop.work(fake)
    assert len(calls) == 2  # one for each of both
    assert [posted.url for posted in fake.receivers.posts] == ["https://other.example/x"]
    waiting = [b for b in fake.callbacks.batches() if b.state is BatchState.WAITING]
    assert len(waiting) == 5
    assert {b.attempts[0].code for b in waiting} == {"connect", "not_tried:connect"}


def test_what_a_dead_receiver_missed_comes_when_it_is_back_within_three_days() -> None:
    fake = a_shop(retries=Retries.LONG)
    fake.receivers.answer = lambda url: (
        DOWN if fake.clock.now() < START + 60 * 3600 * 1000 else Reply(200)
    )
    send(fake, 250)
    run(fake)
    assert len(fake.receivers.records()) == 250
    assert {batch.state for batch in fake.callbacks.batches()} == {BatchState.DELIVERED}


def test_a_batch_that_one_receiver_refuses_does_not_stop_the_others() -> None:
    fake = a_shop()
    refused = iter([Reply(400)])
    fake.receivers.answer = lambda url: next(refused, Reply(200))
    send(fake, 300)
    run(fake, seconds=1)
    states = [batch.state for batch in fake.callbacks.batches()]
    assert sorted(states) == [BatchState.DELIVERED, BatchState.DELIVERED, BatchState.WAITING]


def test_a_worker_without_time_stores_the_rest_for_the_next_one() -> None:
    fake = a_shop()
    fake.ends = START + 1000
    send(fake, 150)
    shop.stream(fake)
    shop.work(fake)
    assert fake.receivers.posts == []
    assert len(fake.callbacks.batches()) == 2
    fake.ends = None
    run(fake)
    assert len(fake.receivers.records()) == 150


def test_a_batch_that_cannot_be_stored_is_delivered_again_with_its_job() -> None:
    fake = a_shop()
    send(fake)
    fake.fail(ConnectionError("no table"), "callbacks.put", times=1)
    run(fake)
    first, second = fake.receivers.posts
    assert first.body == second.body
    assert len(fake.callbacks.batches()) == 1  # the same records make the same batch


def test_callbacks_that_are_switched_off_are_not_made() -> None:
    fake = a_shop()
    send(fake)
    callbacks.change(fake.ports, SHOP, None, {"enabled": False})
    run(fake)
    assert fake.receivers.posts == []
    assert fake.callbacks.batches() == []


def test_a_retry_after_callbacks_were_switched_off_gives_up_and_says_why() -> None:
    fake = a_shop()
    fake.receivers.answer = lambda url: Reply(500)
    send(fake)
    shop.stream(fake)
    shop.work(fake)
    callbacks.change(fake.ports, SHOP, None, {"enabled": False})
    run(fake)
    (batch,) = fake.callbacks.batches()
    assert (batch.state, batch.attempts[-1].code) == (BatchState.FAILED, "switched_off")


def test_a_message_whose_address_was_deleted_reports_to_the_default_one() -> None:
    fake = a_shop()
    address, _ = shop.add(fake, "https://gone.example")
    message = a_called_message(fake, callback={"to": address.id})
    fake.messages.create(message, a_plan(message), None)
    callbacks.delete(fake.ports, SHOP, None, address.id)
    run(fake)
    assert [posted.url for posted in fake.receivers.posts] == [URL]


def test_neither_contacts_nor_secrets_are_in_the_queue() -> None:
    fake = a_shop()
    message = a_called_message(fake, "ann")
    fake.messages.create(message, a_plan(message), None)
    at = ChunkId(message.msgid, 0)
    fact = Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, START)
    fake.ledger.add(at, [fact], message)
    fake.receivers.answer = lambda url: Reply(500)
    run(fake)
    jobs = text_of([vars(envelope.job) for envelope in fake.queues.sent])
    assert "reg-ann" not in jobs
    assert SECRET not in jobs
    assert "reg-ann" in fake.callbacks.batches()[0].body.decode()


def test_a_second_job_for_the_same_try_changes_nothing() -> None:
    fake = a_shop()
    replies = iter([Reply(500), Reply(500)])
    fake.receivers.answer = lambda url: next(replies, Reply(200))
    send(fake)
    shop.stream(fake)
    shop.work(fake)
    (retry,) = [envelope for _, envelope in fake.queues.waiting]
    fake.queues.back(retry, 500)  # a copy, much later
    run(fake)
    assert len(fake.receivers.posts) == 3


@pytest.mark.parametrize("auth", [Auth.BASIC, Auth.BOTH])
def test_a_signature_alone_takes_any_2xx_and_the_others_do_not(auth: Auth) -> None:
    signed = a_shop(auth=Auth.SIGNATURE, secret="")
    signed.receivers.answer = lambda url: Reply(204)
    send(signed)
    run(signed)
    assert len(signed.receivers.posts) == 1
    other = a_shop(auth=auth)
    other.receivers.answer = lambda url: Reply(204)
    send(other)
    run(other)
    assert len(other.receivers.posts) == 4


def test_the_attempts_of_a_batch_are_bounded() -> None:
    fake = a_shop()
    send(fake)
    run(fake)
    (batch,) = fake.callbacks.batches()
    assert batch.expires == fake.clock.now() // 1000 + 7 * 86400
    assert json.loads(batch.body)[0]["type"] == 0
    assert replace(batch, body=b"").time == START
