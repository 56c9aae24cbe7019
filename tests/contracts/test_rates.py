"""Rate limits: all workers together keep to a rate, and urgent calls have a share."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from threading import Thread
from typing import Any

import pytest

from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.conftest import Container, real_container


def reserve(
    world: World, channel: str, calls: int = 1, rate: float = 1.0, *, urgent: bool = False
) -> float:
    """Seconds until the turn, with the time that the test itself takes left out."""
    return (
        world.rate_limiter.reserve(channel, calls, rate, urgent=urgent) - world.clock.now()
    ) / 1000


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=0.9)


def test_who_asks_first_goes_at_once_and_the_next_ones_after_each_other(
    container: Container, unique: str
) -> None:
    """Eight tenths of one call a second: one in 1.25 seconds. Four calls take five."""
    assert reserve(container(), unique) == about(0)
    assert reserve(container(), unique, 4) == about(1.25)
    assert reserve(container(), unique) == about(6.25)
    assert reserve(container(), unique) == about(7.5)


def test_delivery_channels_have_turns_of_their_own(world: World, unique: str) -> None:
    reserve(world, unique, 100)
    assert reserve(world, f"{unique}-other") == about(0)


def test_what_is_urgent_does_not_wait_for_the_rest(container: Container, unique: str) -> None:
    """While others wait it has a fifth of the rate: one call in five seconds."""
    reserve(container(), unique, 100)
    assert reserve(container(), unique, urgent=True) == about(0)
    assert reserve(container(), unique, urgent=True) == about(5)
    assert reserve(container(), unique) == about(125)


def test_what_is_urgent_has_the_whole_rate_while_nobody_else_waits(
    container: Container, unique: str
) -> None:
    assert [reserve(container(), unique, urgent=True) for _ in range(3)] == [
        about(0),
        about(1),
        about(2),
    ]


def test_a_line_that_has_come_to_its_end_begins_now(real: World, unique: str) -> None:
    for _ in range(5):  # each is over before the next one asks
        assert real.rate_limiter.reserve(unique, 1, 10_000, urgent=False) - real.clock.now() < 100
    assert reserve(real_container(), unique) == about(0)
    assert reserve(real_container(), unique) == about(1.25)


def test_of_many_workers_at_once_each_gets_a_turn_of_its_own(real: World, unique: str) -> None:
    found: list[int] = []

    def ask() -> None:
        world = real_container()
        found.extend(world.rate_limiter.reserve(unique, 1, 1.25, urgent=False) for _ in range(4))

    workers = [Thread(target=ask) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    turns = sorted(found)
    assert len(turns) == 16
    assert all(later - earlier >= 1000 for earlier, later in pairwise(turns))


def test_a_turn_costs_one_update_and_two_for_who_knew_nothing(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    with faults.counted(aws("dynamodb")) as calls:
        real.rate_limiter.reserve(unique, 100, 1, urgent=False)
        real.rate_limiter.reserve(unique, 1, 1, urgent=False)
        assert calls == ["UpdateItem"] * 2
        real_container().rate_limiter.reserve(unique, 1, 1, urgent=False)
    assert calls == ["UpdateItem"] * 4


def test_workers_that_ask_in_turn_pay_one_update_each_while_calls_wait(
    aws: Callable[[str], Any], unique: str
) -> None:
    workers = [real_container() for _ in range(3)]
    for each in workers:
        each.rate_limiter.reserve(unique, 100, 1, urgent=False)
    with faults.counted(aws("dynamodb")) as calls:
        turns = [each.rate_limiter.reserve(unique, 1, 1, urgent=False) for each in workers * 4]
    assert calls == ["UpdateItem"] * 12
    assert [later - earlier for earlier, later in pairwise(turns)] == [1250] * 11
