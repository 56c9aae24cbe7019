"""Bundles of many targets are several items, since an item holds 400 KB at most."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from chalicelib.aws import figures, sent_messages
from chalicelib.aws.items import from_item, unpack
from chalicelib.aws.timers import Timers
from chalicelib.domain.messages import Entry, Message
from chalicelib.domain.notes import Note
from tests.builders import a_message, a_msgid, a_plan
from tests.fakes.clock import START, FakeClock

MOST = 400 * 1024  # bytes of an item


def a_userid(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def size(item: dict[str, Any]) -> int:
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())


def sent(number: int, targets: int) -> Entry:
    message: Message = a_message("ann", number=number)
    names = tuple(a_userid(number * targets + n) for n in range(targets))
    return Entry(message.channel_key, message.summary, message.expires, names)


def test_large_messages_of_a_batch_are_found_by_each_target() -> None:
    """Each names as many targets as a send may name."""
    entries = [sent(number, 9000) for number in range(20)]
    rows = list(sent_messages.bundles(entries))
    assert max(map(size, rows)) <= MOST
    assert len({(row["pk"]["S"], row["sk"]["S"]) for row in rows}) == len(rows)
    found = [
        (msgid, target)
        for row in map(from_item, rows)
        for _, msgid, targets in unpack(row["body"])
        for target in targets
    ]
    expected = [(each.summary.msgid, name) for each in entries for name in each.targets]
    assert sorted(found) == sorted(expected)


def test_notes_that_name_many_targets_fit_into_their_items(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The ids of targets are in notes where fact files are on, and for people's own rates."""
    messages = [
        a_message(*(a_userid(number * 100 + n) for n in range(100)), msgid=a_msgid(number))
        for number in range(500)
    ]
    notes = [Note(plan.id, plan) for plan in map(a_plan, messages)]
    written: list[Any] = []
    monkeypatch.setattr(figures, "put_all", written.extend)
    monkeypatch.setattr(figures, "table", str)
    timers = Timers(FakeClock())  # type: ignore[arg-type]
    figures.Notes(timers).add(notes)
    items = [item for _, _, item in written]
    assert max(map(size, items)) <= MOST
    stored = [raw for item in map(from_item, items) for raw in unpack(item["body"])]
    assert sorted(raw[0] for raw in stored) == sorted(message.msgid for message in messages)
    assert {len(raw[3]) for raw in stored} == {100}
    assert {message.accepted for message in messages} == {START}
