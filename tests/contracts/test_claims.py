"""Claims of calls: whoever gets one calls the provider, and nobody else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any

from chalicelib.domain.plans import Call, CallKey, CallState, ChunkId
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import a_message, read, real_container
from tests.contracts.test_ledger import KEY, MINE, NOW


def test_one_of_two_workers_gets_a_call_and_the_other_sees_whose_it_is(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, at, message = planned
    assert world.ledger.claim(at, MINE, None, message) is None
    assert world.ledger.claim(at, replace(MINE, token="other", skipped=()), None, message) == MINE
    chunk = read(world, at)
    assert chunk.calls == {KEY: MINE}


def test_two_claims_that_look_the_same_are_still_two(planned: tuple[World, ChunkId, Any]) -> None:
    """Two workers in one millisecond, without tokens of the provider: one must not call."""
    world, at, message = planned
    alike = Call(KEY, CallState.LEASED, NOW + 60_000)
    assert world.ledger.claim(at, alike, None, message) is None
    assert world.ledger.claim(at, alike, None, message) == alike


def test_a_record_that_is_still_the_expected_one_is_replaced(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, at, message = planned
    world.ledger.claim(at, MINE, None, message)
    released = replace(MINE, state=CallState.RELEASED, lease=0)
    assert world.ledger.claim(at, released, MINE, message) is None
    again = replace(MINE, lease=NOW + 90_000)
    assert world.ledger.claim(at, again, released, message) is None
    assert world.ledger.claim(at, replace(again, lease=NOW + 95_000), released, message) == again


def test_a_stale_claim_learns_what_stands_there(planned: tuple[World, ChunkId, Any]) -> None:
    world, at, message = planned
    world.ledger.claim(at, MINE, None, message)
    closed = Call(KEY, CallState.CLOSED, MINE.lease)
    assert world.ledger.claim(at, closed, MINE, message) is None
    assert world.ledger.claim(at, replace(MINE, lease=NOW + 99_000), MINE, message) == closed


def test_a_claim_whose_expected_record_is_gone_is_a_first_claim(
    planned: tuple[World, ChunkId, Any],
) -> None:
    world, at, message = planned
    assert world.ledger.claim(at, MINE, replace(MINE, lease=1), message) is None


def test_calls_of_all_kinds_of_keys_are_told_apart(planned: tuple[World, ChunkId, Any]) -> None:
    world, at, message = planned
    made = [
        CallKey(0, 0, "push", 0),
        CallKey(0, 0, "push", 0, 1),
        CallKey(0, 0, "push", 25),
        CallKey(1, 0, "p#1%", 0),
        CallKey(1, 2, "push", 0),
    ]
    for key in made:
        world.ledger.claim(at, replace(MINE, key=key), None, message)
    chunk = read(world, at)
    assert set(chunk.calls) == set(made)


def test_a_claim_whose_answer_got_lost_is_still_the_workers_own(
    real: World, aws: Callable[[str], Any]
) -> None:
    """The SDK tries again and finds its own record. Otherwise nobody would call."""
    message = a_message("ann")
    at = ChunkId(message.msgid, 0)
    with faults.lost_answer(aws("dynamodb"), "PutItem"):
        assert real.ledger.claim(at, MINE, None, message) is None
    again = replace(MINE, lease=MINE.lease + 5)
    with faults.lost_answer(aws("dynamodb"), "PutItem"):
        assert real.ledger.claim(at, again, MINE, message) is None


def test_of_many_workers_at_once_one_gets_the_call(real: World) -> None:
    message = a_message("ann")
    at = ChunkId(message.msgid, 0)
    worlds = [real_container() for _ in range(6)]
    got: list[int] = []

    def claim(number: int) -> None:
        if worlds[number].ledger.claim(at, replace(MINE, token=str(number)), None, message) is None:
            got.append(number)

    threads = [Thread(target=claim, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(got) == 1
