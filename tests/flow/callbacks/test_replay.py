"""Batches of a time range are delivered again, and what a pause has held comes after it."""

from __future__ import annotations

import pytest

from chalicelib.domain.callbacks import BatchState
from chalicelib.domain.errors import DefaultAddress, Invalid, NotFound, Taken
from chalicelib.domain.rules.callbacks import Auth
from chalicelib.manage import callbacks
from chalicelib.ports import Reply
from tests.builders import SHOP
from tests.fakes.clock import START
from tests.fakes.world import FakeWorld
from tests.flow.callbacks import shop
from tests.flow.callbacks.shop import a_shop, addresses, run
from tests.flow.callbacks.test_deliver import send

LATER = START + 10 * 86_400_000


def failed(count: int) -> FakeWorld:
    fake = a_shop()
    fake.receivers.answer = lambda url: Reply(500)
    send(fake, count)
    run(fake)
    fake.receivers.posts.clear()
    fake.receivers.answer = lambda url: Reply(200)
    return fake


def test_failed_batches_of_a_time_range_are_delivered_again() -> None:
    fake = failed(250)
    callbacks.start_replay(fake.ports, SHOP, START, LATER, [BatchState.FAILED], "")
    run(fake)
    assert len(fake.receivers.records()) == 250
    assert {batch.state for batch in fake.callbacks.batches()} == {BatchState.DELIVERED}


def test_a_replay_goes_through_many_pages() -> None:
    fake = failed(0)
    for number in range(2, 232):
        send(fake, 1, number)
        run(fake)
        fake.clock.advance(1)
    fake.receivers.posts.clear()
    callbacks.start_replay(fake.ports, SHOP, START, LATER, [*BatchState], "")
    run(fake)
    assert len(fake.receivers.posts) == len(fake.callbacks.batches())


def test_a_replay_leaves_out_other_times_states_and_addresses() -> None:
    fake = failed(10)
    for since, until, states in [
        (LATER, LATER + 1, [BatchState.FAILED]),
        (START - 1000, START - 1, [BatchState.FAILED]),
        (START, LATER, [BatchState.DELIVERED, BatchState.HELD]),
    ]:
        callbacks.start_replay(fake.ports, SHOP, since, until, states, "")
    other, _ = shop.add(fake, "https://other.example")
    callbacks.start_replay(fake.ports, SHOP, START, LATER, [BatchState.FAILED], other.id)
    run(fake)
    assert fake.receivers.posts == []


def test_a_replay_of_batches_that_fail_again_has_all_its_tries() -> None:
    fake = failed(1)
    fake.receivers.answer = lambda url: Reply(500)
    callbacks.start_replay(fake.ports, SHOP, START, LATER, [BatchState.FAILED], "")
    run(fake)
    assert len(fake.receivers.posts) == 4


def test_a_paused_address_is_not_called_and_gets_everything_when_it_is_resumed() -> None:
    fake = a_shop()
    (address,) = addresses(fake)
    callbacks.change_address(fake.ports, SHOP, None, address.id, {"paused": True})
    send(fake, 250)
    run(fake)
    assert fake.receivers.posts == []
    assert {batch.state for batch in fake.callbacks.batches()} == {BatchState.HELD}
    callbacks.change_address(fake.ports, SHOP, None, address.id, {"paused": False})
    run(fake)
    assert len(fake.receivers.records()) == 250


def test_a_pause_holds_retries_too() -> None:
    fake = a_shop()
    fake.receivers.answer = lambda url: Reply(500)
    send(fake)
    shop.stream(fake)
    shop.work(fake)
    (address,) = addresses(fake)
    callbacks.change_address(fake.ports, SHOP, None, address.id, {"paused": True})
    run(fake)
    assert [batch.state for batch in fake.callbacks.batches()] == [BatchState.HELD]
    assert len(fake.receivers.posts) == 1
    fake.receivers.answer = lambda url: Reply(200)
    callbacks.change_address(fake.ports, SHOP, None, address.id, {"paused": False})
    run(fake)
    assert [batch.state for batch in fake.callbacks.batches()] == [BatchState.DELIVERED]


@pytest.mark.parametrize("is_default_paused", [False, True])
def test_what_a_pause_holds_goes_to_the_default_once_its_address_is_deleted(
    is_default_paused: bool,
) -> None:
    fake = a_shop()
    (first,) = addresses(fake)
    second, _ = shop.add(fake, "https://b.example")
    callbacks.change_address(fake.ports, SHOP, None, first.id, {"paused": True})
    send(fake)
    run(fake)
    callbacks.change(fake.ports, SHOP, None, {"default": second.id})
    pause = {"paused": is_default_paused}
    callbacks.change_address(fake.ports, SHOP, None, second.id, pause)
    callbacks.delete(fake.ports, SHOP, None, first.id)
    run(fake)
    if is_default_paused:
        assert {batch.state for batch in fake.callbacks.batches()} == {BatchState.HELD}
        callbacks.change_address(fake.ports, SHOP, None, second.id, {"paused": False})
        run(fake)
    assert [post.url for post in fake.receivers.posts] == ["https://b.example"]
    assert {batch.state for batch in fake.callbacks.batches()} == {BatchState.DELIVERED}


def test_the_first_address_is_the_default_which_cannot_be_deleted() -> None:
    fake = a_shop()
    first = addresses(fake)[0]
    second, _ = shop.add(fake, "https://b.example")
    with pytest.raises(DefaultAddress):
        callbacks.delete(fake.ports, SHOP, None, first.id)
    callbacks.change(fake.ports, SHOP, None, {"default": second.id})
    callbacks.delete(fake.ports, SHOP, None, first.id)
    assert addresses(fake) == (second,)


def test_there_are_five_addresses_at_most_and_each_once() -> None:
    fake = a_shop()
    with pytest.raises(Taken):
        shop.add(fake)
    for number in range(4):
        shop.add(fake, f"https://{number}.example")
    with pytest.raises(Invalid, match="at most 5"):
        shop.add(fake, "https://more.example")


def test_an_address_that_egress_forbids_or_without_its_secret_is_refused() -> None:
    fake = a_shop()
    with pytest.raises(Invalid, match="url"):
        shop.add(fake, "http://plain.example")
    with pytest.raises(Invalid, match="secret"):
        shop.add(fake, "https://b.example", secret="")
    address, _ = shop.add(fake, "https://b.example", auth=Auth.SIGNATURE, secret="")
    with pytest.raises(Invalid, match="secret"):
        callbacks.change_address(fake.ports, SHOP, None, address.id, {"auth": Auth.BOTH})


def test_what_is_not_there_is_not_found() -> None:
    fake = a_shop()
    for attempt in (
        lambda: callbacks.change(fake.ports, SHOP, None, {"default": "00000000"}),
        lambda: callbacks.delete(fake.ports, SHOP, None, "00000000"),
        lambda: callbacks.test(fake.ports, SHOP, "00000000"),
        lambda: callbacks.batch(fake.ports, SHOP, "0" * 16),
        lambda: callbacks.page(fake.ports, "nobody", "0", "v", 10),
    ):
        with pytest.raises(NotFound):
            attempt()
