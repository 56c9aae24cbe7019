"""Marks under frequency caps: nobody overwrites what another worker has counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Thread
from typing import Any

from chalicelib.domain.rules.caps import Mark, Marks
from chalicelib.ports import World
from tests.contracts import emulator, faults
from tests.contracts.conftest import Container, real_container

NOW = int(time.time() * 1000)


def a_mark(msgid: str = "m", until: int = NOW + 3_600_000) -> Mark:
    return Mark(msgid, "sms", 0, 2, NOW, until)


def test_marks_are_read_as_they_were_put(container: Container, unique: str) -> None:
    one, other = container().marks, container().marks
    assert one.get([unique]) == {}
    assert one.put({unique: Marks((a_mark(),))}) == frozenset()
    stored = other.get([unique, f"{unique}-other"])
    assert set(stored) == {unique}
    assert stored[unique].marks == (a_mark(),)
    assert stored[unique].version


def test_of_two_changes_from_one_version_the_first_stands(
    container: Container, unique: str
) -> None:
    one, other = container().marks, container().marks
    one.put({unique: Marks((a_mark(),))})
    assert other.put({unique: Marks((a_mark("n"),))}) == {unique}, "not stored is a version too"
    read = other.get([unique])[unique]
    assert one.put({unique: Marks((a_mark("o"),), read.version)}) == frozenset()
    assert other.put({unique: Marks((a_mark("p"),), read.version)}) == {unique}
    assert other.get([unique])[unique].marks == (a_mark("o"),)


def test_many_are_put_together_and_only_what_was_changed_is_left_out(
    world: World, unique: str
) -> None:
    names = [f"{unique}-{n:03d}" for n in range(130)]
    world.marks.put({names[3]: Marks((a_mark("before"),))})
    lost = world.marks.put({name: Marks((a_mark(),)) for name in names})
    assert lost == {names[3]}
    stored = world.marks.get(names)
    assert len(stored) == 130
    assert stored[names[3]].marks == (a_mark("before"),)


def test_many_workers_at_once_lose_no_mark(real: World, unique: str) -> None:
    def add(msgid: str) -> None:
        marks = real_container().marks
        for _ in range(50):
            read = marks.get([unique]).get(unique, Marks())
            if not marks.put({unique: Marks((*read.marks, a_mark(msgid)), read.version)}):
                return

    workers = [Thread(target=add, args=(f"m{n}",)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert {mark.msgid for mark in real.marks.get([unique])[unique].marks} == {
        "m0",
        "m1",
        "m2",
        "m3",
    }


def test_a_person_costs_one_read_and_one_write_and_a_hundred_cost_no_more(
    real: World, aws: Callable[[str], Any], unique: str
) -> None:
    names = [f"{unique}-{n:03d}" for n in range(100)]
    with faults.counted(aws("dynamodb")) as calls:
        real.marks.get([unique])
        real.marks.put({unique: Marks((a_mark(),))})
    assert calls == ["BatchGetItem", "PutItem"]
    with faults.counted(aws("dynamodb")) as calls:
        real.marks.get(names)
        real.marks.put({name: Marks((a_mark(),)) for name in names})
    assert calls == ["BatchGetItem", "TransactWriteItems"]
    row = aws("dynamodb").get_item(
        TableName=f"openums-{emulator.STAGE}-lookups", Key={"pk": {"S": unique}}
    )["Item"]
    assert int(row["expires"]["N"]) == a_mark().until // 1000 + 1
