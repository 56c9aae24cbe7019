"""Lists of messages: exact, in whatever batches and order the stream brings them."""

from __future__ import annotations

import itertools
import random
import time
from typing import Any

import pytest

from chalicelib.domain import keys
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.messages import Entry, Message, Sent, Summary
from chalicelib.ports import World
from tests.contracts.conftest import a_message
from tests.contracts.messages import create, image_of, put_in_lists
from tests.contracts.test_messages import FULL

MONTH = 31 * 86400 * 1000
MINUTE = 60_000
NOW = time.time_ns() // 1_000_000
LATER = NOW // 1000 + 3600
BEGIN = NOW - NOW % MINUTE - 10 * MINUTE  # of a minute that is over


def stored(world: World, channel_key: str, *times: int) -> list[Message]:
    """Create messages of an access channel that are not listed yet. Return the newest first."""
    messages = [
        a_message("ann", channel_key=channel_key, accepted=at, expires=NOW // 1000 + 3600)
        for at in times
    ]
    for message in messages:
        create(world, message)
    return sorted(messages, key=lambda message: message.msgid, reverse=True)


def listed(
    world: World, channel_key: str, before: str = "", since: int = BEGIN, limit: int = 1000
) -> list[str]:
    before = before or keys.message_id(NOW + 1, bytes(4))
    return [each.msgid for each in world.messages.newest(channel_key, before, since, limit)]


def ids(messages: list[Message]) -> list[str]:
    return [message.msgid for message in messages]


def test_an_access_channels_messages_are_listed_newest_first_over_months(
    world: World, unique: str
) -> None:
    made = stored(world, unique, *(NOW - n * MONTH // 2 for n in range(8)), NOW, NOW)
    put_in_lists(world, *made, *stored(world, f"{unique}#2", NOW))
    ordered, begin = ids(made), NOW - 5 * MONTH
    assert listed(world, unique, since=begin) == ordered
    assert listed(world, unique, since=NOW - 2 * MONTH) == ordered[:7]
    assert listed(world, unique, ordered[3], begin, 2) == ordered[4:6]
    assert listed(world, unique, ordered[-1], begin, 2) == []
    assert listed(world, unique, ordered[-1], NOW) == []
    chunks, before = [], ""
    while some := listed(world, unique, before, begin, 3):
        chunks.append(len(some))
        before = some[-1]
    assert chunks == [3, 3, 3, 1]


def test_a_list_shows_what_a_message_is_and_neither_contents_nor_contacts(
    world: World, unique: str
) -> None:
    message = a_message("ann", "bob", channel_key=unique, **FULL)
    create(world, message)
    put_in_lists(world, message)
    later = keys.message_id(message.accepted + 1, bytes(4))
    assert list(world.messages.newest(unique, later, message.accepted, 10)) == [
        Summary(
            message.msgid,
            AudienceKind.USERS,
            2,
            Priority.HIGH,
            (7, 2),
            9,
            (ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL),
            "n-1",
            "o",
        )
    ]
    assert not world.messages.newest(unique, later, message.accepted + 1, 10)


@pytest.mark.parametrize("with_plan", [False, True])
@pytest.mark.parametrize(
    "changes",
    [
        FULL,
        {"audience": Audience(AudienceKind.EVERYONE, (), 3)},
        {"audience": Audience(AudienceKind.CONTACTS)},
    ],
)
def test_an_entry_is_read_from_the_image_of_a_message(
    world: World, changes: dict[str, Any], with_plan: bool
) -> None:
    message = a_message("ann", "bob", **changes)
    create(world, message, with_plan=with_plan)
    entry = world.messages.entry(image_of(world, message.msgid))
    named = () if message.audience.is_scanned else message.userids
    assert entry == Entry(message.channel_key, message.summary, message.expires, named)


def test_the_messages_that_name_a_target_are_found_newest_first(world: World, unique: str) -> None:
    ann, bob = f"ann-{unique}", f"bob-{unique}"
    made = [
        a_message(*named, channel_key=unique, accepted=NOW - n * 1000)
        for n, named in enumerate(([ann], [bob, ann], [bob]))
    ]
    for message in made:
        create(world, message)
    for batch in (made, made[:1], made[1:]):
        put_in_lists(world, *batch)
    since, after = NOW - 86_400_000, keys.message_id(NOW + 1, bytes(4))
    found, end = world.messages.sent_to(ann, after, since, 5)
    assert ([sent.msgid for sent in found], end) == (ids(made[:2]), "")
    found, end = world.messages.sent_to(ann, after, since, 1)
    assert ([sent.msgid for sent in found], end) == (ids(made[:1]), made[0].msgid)
    found, _ = world.messages.sent_to(ann, end, since, 1)
    assert [sent.msgid for sent in found] == ids(made[1:2])
    assert world.messages.sent_to(bob, after, since, 5)[0][0] == Sent(unique, made[1].msgid)
    assert world.messages.sent_to(f"cem-{unique}", after, since, 5) == ([], "")
    assert world.messages.sent_to(ann, made[1].msgid, since, 5) == ([], "")
    assert world.messages.sent_to(ann, after, NOW, 5)[0] == [Sent(unique, made[0].msgid)]


def test_messages_to_a_target_come_in_pages_over_months(world: World, unique: str) -> None:
    made = [
        a_message(unique, channel_key=unique, accepted=NOW - n * MONTH // 2, expires=LATER)
        for n in range(8)
    ]
    for message in made:
        create(world, message)
    put_in_lists(world, *made[::2])
    put_in_lists(world, *made[1::2])
    pages, before = list[list[str]](), keys.message_id(NOW + 1, bytes(4))
    while before:
        found, before = world.messages.sent_to(unique, before, NOW - 6 * MONTH, 3)
        pages.append([sent.msgid for sent in found])
    assert [msgid for page in pages for msgid in page] == ids(made)
    assert max(map(len, pages)) == 3


def test_a_batch_that_is_read_again_in_parts_changes_nothing(world: World, unique: str) -> None:
    """Read a whole batch, its halves, and its rest from a failed record on."""
    made = stored(world, unique, *(BEGIN + n for n in (5, 1, 4, 2, 3)))
    batch = [made[n] for n in (2, 0, 4, 1, 3)]
    for part in (batch, batch, batch[:2], batch[2:], batch[1:], batch[-1:], batch[1:2]):
        put_in_lists(world, *part)
        assert listed(world, unique) == ids(made)
    assert listed(world, unique, limit=2) == ids(made)[:2]
    assert listed(world, unique, made[1].msgid, limit=2) == ids(made)[2:4]


def test_bundles_of_a_minute_are_merged_in_whatever_order_they_come(
    world: World, unique: str
) -> None:
    """Bring each message of one shard between those of another, the later bundle first."""
    made = stored(world, unique, *(BEGIN + n for n in range(8)), BEGIN - MINUTE)
    for batch in (made[1::2], made[0::2]):
        put_in_lists(world, *batch)
    for limit, start in itertools.product((1, 2, 3, 8, 9), (0, 1, 4, 7, 8)):
        before = made[start - 1].msgid if start else ""
        expected = ids(made)[start : start + limit]
        assert listed(world, unique, before, BEGIN - MINUTE, limit) == expected


def test_a_minute_with_many_messages_is_listed_whole(world: World, unique: str) -> None:
    """List more messages than a bundle holds, from the middle of a bundle too."""
    made = stored(world, unique, *(BEGIN + n // 2 for n in range(250)))
    put_in_lists(world, *made)
    assert listed(world, unique) == ids(made)
    assert listed(world, unique, made[120].msgid, limit=40) == ids(made)[121:161]
    assert listed(world, unique, since=made[120].accepted)[-1] in ids(made)[120:122]


def test_any_interleaving_of_shards_lists_the_same(world: World, unique: str) -> None:
    chance = random.Random(7)
    made = stored(world, unique, *(BEGIN + chance.randrange(5 * MINUTE) for _ in range(60)))
    shards = [made[n::3] for n in range(3)]
    batches = [
        shard[start : start + 4] for shard in shards for start in range(0, len(shard), 3)
    ]  # each overlaps the next
    chance.shuffle(batches)
    for batch in batches:
        put_in_lists(world, *batch)
    for start in range(0, 60, 7):
        limit = chance.randrange(1, 30)
        before = made[start - 1].msgid if start else ""
        assert listed(world, unique, before, limit=limit) == ids(made)[start : start + limit]


def test_a_deleted_message_is_in_no_list_even_if_it_is_listed_later(
    world: World, unique: str
) -> None:
    made = stored(world, unique, BEGIN, BEGIN + 1, BEGIN + MINUTE)
    entries = [world.messages.entry(image_of(world, message.msgid)) for message in made]
    world.notes.add((), entries[1:])
    for message in made[:2]:
        world.messages.delete(message, NOW)
    world.notes.add((), entries)
    assert listed(world, unique) == ids(made[2:])
