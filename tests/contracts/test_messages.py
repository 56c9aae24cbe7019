"""Messages: accepted whole or not at all, counts that only grow, links that outlive them."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Conflict
from chalicelib.domain.jobs import TimerKind
from chalicelib.domain.limits import MAX_CONTENT
from chalicelib.domain.messages import Ending, Hold
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.rules.ab_tests import Split
from chalicelib.domain.rules.caps import Cap
from chalicelib.domain.rules.personal import Personal
from chalicelib.ports import World
from tests.builders import a_plan, a_strategy
from tests.contracts.conftest import Container, a_message
from tests.contracts.messages import create, first_check, some_counts

FULL: dict[str, Any] = {
    "strategy": a_strategy("app", "sms,email", missing="clicked", within=300, operator="or"),
    "priority": Priority.HIGH,
    "contents": {
        "push": {"alert": "你好 {{url}}", "extras": {"n": 1, "list": [True, None]}},
        "text": {"text": "x"},
    },
    "links": {"url": "https://example.com/?q=a&b=1"},
    "template": (7, 2),
    "rule_id": 9,
    "app_para": {"platform": ["android"], "time_to_live": 60},
    "sendno": "n-1",
    "owner": "o",
    "black_id": 3,
    "hold": Hold(1_800_000_600_000, "quiet_hours"),
    "step_rules": ("quiet_hours",),
    "workers": {"text": "cmpp"},
    "callback": {"url": "https://example.com/cb", "params": {"a": 1}},
}


def test_a_message_is_read_as_it_was_created(container: Container) -> None:
    message = a_message("ann", "ben", **FULL)
    create(container(), message)
    assert container().messages.get(message.msgid) == message
    assert container().messages.links(message.msgid) == message.links


@pytest.mark.parametrize("with_plan", [False, True])
def test_a_body_is_kept_with_its_message_or_beside_it_if_it_is_long(
    container: Container, *, with_plan: bool
) -> None:
    short, long = {"aud_tag": ["vip"], "n": 1.5}, {"msg_app": [{"alert": "你好" * 5000}]}
    for body in (short, long):
        message = a_message("ann", written=body)
        create(container(), message, with_plan=with_plan)
        other = container()
        known = other.messages.get(message.msgid)
        assert known is not None
        assert (known.written or other.messages.written(message.msgid)) == body
        other.messages.delete(message, 1)
        assert container().messages.written(message.msgid) == {}


def test_what_rules_need_is_read_as_it_was_created(container: Container) -> None:
    message = a_message(
        caps=(Cap(3, 24), Cap(1, 48, "sms", 7, ())),
        budget=True,
        topic=7,
        split=Split("t", "b", 10, 20, 9000, True),
        rated=True,
        rates={"best": {"app": 0.5}},
        personal={"push": Personal(("a", "name"), ("a",), True)},
    )
    create(container(), message)
    assert container().messages.get(message.msgid) == message


def test_there_is_no_message_and_no_link_by_an_unknown_id(world: World) -> None:
    unknown = a_message().msgid
    assert world.messages.get(unknown) is None
    assert world.messages.links(unknown) is None
    assert world.messages.counts(unknown) == {}


def test_several_messages_are_read_at_once(container: Container) -> None:
    first, second, never = a_message("ann"), a_message("bob"), a_message("cem")
    for message in (first, second):
        create(container(), message)
    late = container()
    ids = [message.msgid for message in (first, second, never)]
    assert late.recordings.read(ids, []) == ({first.msgid: first, second.msgid: second}, {})
    create(late, never)
    assert set(late.recordings.read(ids, [])[0]) == set(ids)


def test_a_message_without_links_has_none(container: Container) -> None:
    message = a_message()
    create(container(), message)
    assert not container().messages.links(message.msgid)


def test_plan_and_first_timer_are_stored_with_it(container: Container) -> None:
    message = a_message("ann")
    create(container(), message, with_plan=True)
    other = container()
    assert other.ledger.plan(ChunkId(message.msgid, 0)) == a_plan(message)
    due = [
        t
        for row in other.timers.due(message.accepted + 10**7, 1000)
        for t in row.timers
        if t.chunk.msgid == message.msgid
    ]
    assert [(t.kind, t.chunk, t.priority) for t in due] == [
        (TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority)
    ]


def test_contacts_of_every_type_are_kept_however_long_they_are(container: Container) -> None:
    """Store as many and as long contacts as a request may name, with the longest contents.

    No single item holds them.
    """
    chance = random.Random(1)

    def noise(length: int) -> str:
        return "".join(
            chance.choices([chr(c) for c in range(0x21, 0x7F) if chr(c) not in '"\\\\'], k=length)
        )

    contacts = [noise(256) for _ in range(1000 * len(ChannelType))]
    names = [f"wechatwk_linkedcorp#{chance.randbytes(8).hex()}" for _ in contacts]
    contents = {"push": {"text": noise(MAX_CONTENT - 30)}}
    message = a_message(*names, contents=contents, audience=Audience(AudienceKind.CONTACTS))
    container().messages.create(message, None, first_check(message), contacts)
    late = container()
    assert late.messages.get(message.msgid) == message
    assert list(late.messages.contacts(message.msgid)) == contacts


def test_contacts_that_are_not_all_in_the_first_plan_are_kept(container: Container) -> None:
    message = a_message("sms#1", "sms#2", audience=Audience(AudienceKind.CONTACTS))
    container().messages.create(
        message, a_plan(message, next="1"), first_check(message), ["13900001111", "13900002222"]
    )
    assert list(container().messages.contacts(message.msgid)) == ["13900001111", "13900002222"]


def test_an_id_that_is_taken_stores_nothing_of_the_second_message(container: Container) -> None:
    first = a_message("ann")
    create(container(), first)
    second = replace(first, userids=("ben",), links={"url": "https://example.com"})
    with pytest.raises(Conflict):
        create(container(), second, with_plan=True)
    late = container()
    assert late.messages.get(first.msgid) == first
    assert not late.messages.links(first.msgid)
    assert late.ledger.plan(ChunkId(first.msgid, 0)) is None


def test_a_message_that_was_not_there_is_found_later(container: Container) -> None:
    message, early = a_message(), container()
    assert early.messages.get(message.msgid) is None
    create(container(), message)
    assert early.messages.get(message.msgid) == message


def test_counts_are_read_as_they_were_put(container: Container) -> None:
    message = a_message()
    container().messages.put_counts(ChunkId(message.msgid, 0), some_counts(3, 1), message.expires)
    container().messages.put_counts(ChunkId(message.msgid, 12), some_counts(4, 2), message.expires)
    assert container().messages.counts(message.msgid) == {
        0: some_counts(3, 1),
        12: some_counts(4, 2),
    }


def test_a_count_that_has_seen_less_replaces_nothing(world: World) -> None:
    message = a_message()
    at = ChunkId(message.msgid, 0)
    for counts in (some_counts(5, 3), some_counts(4, 9), some_counts(5, 4)):
        world.messages.put_counts(at, counts, message.expires)
    assert world.messages.counts(message.msgid) == {0: some_counts(5, 4)}


def test_a_message_is_withdrawn_once(container: Container) -> None:
    message = a_message("ann")
    create(container(), message)
    timer = replace(first_check(message), kind=TimerKind.WITHDRAW)
    assert container().messages.withdrawn(message.msgid) is None
    assert container().messages.withdraw(message, message.accepted + 5, timer)
    assert not container().messages.withdraw(message, message.accepted + 9, timer)
    assert container().messages.withdrawn(message.msgid) == message.accepted + 5
    rows = container().timers.due(timer.at + 600_000, 1000)
    assert timer.what in {each.what for row in rows for each in row.timers}


def test_a_deleted_message_is_gone_for_everybody_and_its_links_stay(container: Container) -> None:
    message = a_message("ann", links={"url": "https://example.com"})
    create(container(), message)
    here, elsewhere = container(), container()
    assert elsewhere.messages.get(message.msgid) == message
    here.messages.delete(message, 7)
    assert here.messages.get(message.msgid) is None
    assert container().messages.get(message.msgid) is None
    assert elsewhere.messages.ending(message.msgid) == Ending(7, is_deleted=True)
    assert elsewhere.messages.withdrawn(message.msgid) == 7
    assert not elsewhere.messages.withdraw(message, 8, first_check(message))
    assert container().messages.links(message.msgid) == message.links


def test_a_message_that_was_withdrawn_keeps_the_time_when_it_is_deleted(world: World) -> None:
    message = a_message("ann")
    create(world, message)
    assert world.messages.ending(message.msgid) is None
    world.messages.withdraw(message, 5, first_check(message))
    assert world.messages.ending(message.msgid) == Ending(5)
    for time in (9, 10):
        world.messages.delete(message, time)
    assert world.messages.ending(message.msgid) == Ending(5, is_deleted=True)


def test_the_contacts_of_a_deleted_message_are_gone(container: Container) -> None:
    message = a_message("sms#1", "sms#2", audience=Audience(AudienceKind.CONTACTS))
    contacts = ["13900001111", "13900002222"]
    container().messages.create(message, None, first_check(message), contacts)
    assert len(container().messages.contacts(message.msgid)) == 2
    container().messages.delete(message, 7)
    assert not container().messages.contacts(message.msgid)
