"""Bundles of many targets are several items, since an item holds 400 KB at most."""

from __future__ import annotations

import hashlib
from typing import Any

from chalicelib.aws import figures, sent_messages
from chalicelib.aws.items import from_item, unpack
from chalicelib.domain.messages import Entry, Message
from chalicelib.domain.notes import Note
from chalicelib.domain.plans import ChunkId, Plan
from tests.builders import a_message, a_msgid, a_plan

MOST = 400 * 1024  # bytes of an item


def a_userid(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()[:32]


def size(item: dict[str, Any]) -> int:
    return sum(len(name) + len(next(iter(value.values()))) for name, value in item.items())


def _plan(note: Note) -> Plan:
    assert isinstance(note.value, Plan)
    return note.value


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


def test_notes_that_name_many_targets_fit_into_their_items() -> None:
    """The ids of targets are in notes where fact files are on, and for people's own rates."""
    messages = [
        a_message(*(a_userid(number * 100 + n) for n in range(100)), msgid=a_msgid(number))
        for number in range(500)
    ]
    notes = [Note(plan.id, plan) for plan in map(a_plan, messages)]
    items = figures.bundles(notes)
    assert max(map(size, items)) <= MOST
    stored = figures.read(map(from_item, items))
    assert {note.chunk: len(_plan(note).targets) for note in stored} == {
        ChunkId(message.msgid, 0): 100 for message in messages
    }
