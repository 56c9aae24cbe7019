"""Counters: never more is used within a window than there is."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from chalicelib.ports import Taken, World
from tests.contracts import emulator, faults
from tests.contracts.conftest import Container, real_container

LATER = int(time.time()) + 3600


def test_all_that_is_wanted_is_granted_or_nothing(container: Container, unique: str) -> None:
    one, other = container().counters, container().counters
    assert one.take(unique, 6, 10, LATER) == Taken(True, 4)
    assert other.take(unique, 5, 10, LATER) == Taken(False, 4)
    assert one.take(unique, 4, 10, LATER) == Taken(True, 0)
    assert other.take(unique, 1, 10, LATER) == Taken(False, 0)
    assert one.used(unique) == other.used(unique) == 10
    assert other.take(f"{unique}-other", 10, 10, LATER) == Taken(True, 0)


def test_more_than_there_is_at_all_is_refused(world: World, unique: str) -> None:
    assert world.counters.take(unique, 11, 10, LATER) == Taken(False, 10)
    assert world.counters.used(unique) == 0
    world.counters.take(unique, 3, 10, LATER)
    assert world.counters.take(unique, 11, 10, LATER) == Taken(False, 7)


def test_some_may_be_kept_back_from_others(world: World, unique: str) -> None:
    assert world.counters.take(unique, 8, 8, LATER) == Taken(True, 0)
    assert world.counters.take(unique, 1, 8, LATER) == Taken(False, 0)
    assert world.counters.take(unique, 2, 10, LATER) == Taken(True, 0)
    assert world.counters.take(unique, 1, 8, LATER) == Taken(False, 0), "below nothing is nothing"


def test_what_was_not_used_is_given_back_but_never_more(world: World, unique: str) -> None:
    world.counters.give_back(unique, 3)
    assert world.counters.take(unique, 10, 10, LATER).granted
    world.counters.give_back(unique, 4)
    assert world.counters.used(unique) == 6
    world.counters.give_back(unique, 7)
    assert world.counters.take(unique, 4, 10, LATER) == Taken(True, 0)


def test_many_workers_at_once_get_no_more_than_there_is(real: World, unique: str) -> None:
    granted: list[bool] = []

    def ask() -> None:
        counters = real_container().counters
        granted.extend(counters.take(unique, 3, 20, LATER).granted for _ in range(5))

    workers = [Thread(target=ask) for _ in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert (len(granted), sum(granted)) == (20, 6)
    assert real.counters.used(unique) == 18


def test_each_costs_one_request_and_goes_when_its_time_is_over(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    with faults.counted(aws("dynamodb")) as calls:
        real.counters.take(unique, 3, 5, LATER)
        real.counters.take(unique, 3, 5, LATER)
        real.counters.give_back(unique, 1)
        real.counters.used(unique)
    assert calls == ["UpdateItem"] * 3 + ["GetItem"]
    row = aws("dynamodb").get_item(
        TableName=f"openums-{emulator.STAGE}-lookups", Key={"pk": {"S": unique}}
    )["Item"]
    assert int(row["expires"]["N"]) == LATER
