"""Turns that a container has reserved for sends which it is going to accept."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from random import Random

import pytest

from chalicelib.domain.turns import PASSED_BY, TurnStock

LIMIT = ("push", False)


class Line:
    """A rate limit: turns follow each other. Nobody else reserves any."""

    def __init__(self, per_second: int, end: int = 0) -> None:
        self.per_second, self.end, self.now = per_second, end, 0
        self.sizes: list[int] = []

    def reserve(self, number: int) -> int:
        self.sizes.append(number)
        at = max(self.now, self.end)
        self.end = at + number * 1000 // self.per_second
        return at

    def take(self, stock: TurnStock, times: Iterable[int]) -> list[int | None]:
        """Take a turn at each of these times."""
        taken = []
        for self.now in times:
            taken.append(stock.take(LIMIT, self.now, self.per_second, self.reserve))
        return taken


def test_a_stock_doubles_while_it_is_used_up_up_to_the_turns_of_a_second() -> None:
    line = Line(per_second=8, end=60_000)
    turns = line.take(TurnStock(), [0] * 31)
    assert line.sizes == [1, 2, 4, 8, 8, 8]
    assert turns == sorted(turns, key=lambda at: at or 0)
    assert max(turns.count(at) for at in turns) == 8


def test_turns_are_given_up_at_their_time_and_the_stock_begins_anew() -> None:
    line, stock = Line(per_second=8, end=2000), TurnStock()
    line.take(stock, [0] * 4)
    assert line.sizes == [1, 2, 4]
    line.end = 9000
    (turn,) = line.take(stock, [5000])
    assert (turn, line.sizes[-1]) == (9000, 1)


def test_a_stock_that_was_used_up_long_ago_begins_anew() -> None:
    line, stock = Line(per_second=8, end=2000), TurnStock()
    line.take(stock, [0] * 3)
    line.end = 90_000
    line.take(stock, [80_000])
    assert line.sizes == [1, 2, 1]


def test_a_limit_without_a_wait_is_asked_for_fewer_and_fewer_sends() -> None:
    line, stock = Line(per_second=10), TurnStock()
    turns = line.take(stock, range(0, 100_000, 1000))
    asked = [n for n, turn in enumerate(turns) if turn is not None]
    assert asked[:7] == [0, 2, 5, 10, 19, 36, 53]
    assert {b - a for a, b in pairwise(asked[4:])} == {PASSED_BY + 1}
    assert set(line.sizes) == {1}
    assert [turns[n] for n in asked] == [n * 1000 for n in asked], "the turn of a send is now"


def test_a_limit_that_had_no_wait_is_asked_for_each_send_once_calls_wait() -> None:
    line, stock = Line(per_second=10), TurnStock()
    line.take(stock, [0])
    line.end = 60_000
    assert line.take(stock, [0] * 4) == [None, 60_000, 60_100, 60_100]


@pytest.mark.parametrize("other", [("push", True), ("mail", False)])
def test_limits_have_stocks_of_their_own(other: tuple[str, bool]) -> None:
    line, stock = Line(per_second=8, end=60_000), TurnStock()
    line.take(stock, [0, 0])
    assert stock.take(other, 0, 8, lambda number: 7_000) == 7_000


def test_after_a_reservation_that_fails_sends_are_left_to_workers() -> None:
    line, stock = Line(per_second=8, end=60_000), TurnStock()

    def fail(number: int) -> int:
        raise TimeoutError

    with pytest.raises(TimeoutError):
        stock.take(LIMIT, 0, 8, fail)
    assert line.take(stock, [0] * (PASSED_BY + 1)) == [None] * PASSED_BY + [60_000]


def test_turns_that_end_the_wait_are_used() -> None:
    line, stock = Line(per_second=8, end=2000), TurnStock()
    line.take(stock, [0] * 3)
    line.end = 900
    assert line.take(stock, [0] * 4) == [900] * 4
    assert line.sizes == [1, 2, 4]


def test_a_container_of_few_sends_reserves_what_it_needs_in_half_of_the_wait() -> None:
    line, stock = Line(per_second=100), TurnStock()
    for now in range(0, 60_000, 1000):
        line.end = now + 8500
        line.take(stock, [now])
    assert line.sizes[:4] == [1, 2, 3, 2], "6.5 seconds are left after the third send"
    assert max(line.sizes) == 3


@pytest.mark.parametrize(("containers", "per_minute"), [(50, 420), (50, 432), (200, 420), (3, 440)])
def test_a_wait_ends_where_sends_stay_below_the_limit(containers: int, per_minute: int) -> None:
    """The line takes 480 a minute. Lost turns would keep up the wait that a burst begins."""
    line, random = Line(per_second=8), Random(1)
    stocks = [TurnStock() for _ in range(containers)]
    burst = [30_000] * 200
    waits: dict[int, list[int]] = {}
    for now in sorted([*range(0, 900_000, 60_000 // per_minute), *burst]):
        line.now = now
        turn = random.choice(stocks).take(LIMIT, now, 8, line.reserve)
        turn = line.reserve(1) if turn is None else turn
        waits.setdefault(now // 60_000, []).append(turn - now)
    means = {minute: sum(each) / len(each) for minute, each in waits.items()}
    assert means[0] > 2_500, "the burst makes others wait"
    assert max(means[minute] for minute in range(10, 15)) < 2_000
