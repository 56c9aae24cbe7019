"""Searches for the messages that name a target: in pages, the same as a plain list."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.aws import sent_messages
from chalicelib.domain import keys
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.messages import Entry, Summary
from chalicelib.ports import World
from tests.contracts import faults
from tests.contracts.test_message_lists import BEGIN, LATER, MINUTE

OFFSETS = st.one_of(
    st.sampled_from([0, 1, MINUTE - 1, MINUTE, 2 * MINUTE]), st.integers(0, 3 * MINUTE)
)
BATCHES = st.lists(
    st.lists(st.tuples(OFFSETS, st.booleans()), min_size=1, max_size=4), min_size=1, max_size=10
)
_numbers = itertools.count()


@pytest.fixture
def of_one_row(aws: Callable[[str], Any]) -> Iterator[None]:
    """Let a request bring one bundle, as if bundles had a megabyte each."""
    with faults.short_pages(aws("dynamodb"), "Query"):
        yield


def an_entry(at: int, target: str, number: int) -> Entry:
    msgid = keys.message_id(at, struct.pack(">I", number))
    summary = Summary(msgid, AudienceKind.USERS, 1, Priority.MEDIUM, (0, 0), 0, (), "")
    return Entry("a-channel", summary, LATER, (target,))


def searched(world: World, target: str, before: str, since: int, limit: int) -> Iterator[list[str]]:
    """Yield the pages of a search, each of which leads further back."""
    while before:
        sent, end = world.messages.sent_to(target, before, since, limit)
        assert end < before
        assert len(sent) <= limit
        yield [each.msgid for each in sent]
        before = end


def joined(found: Iterator[list[str]]) -> Sequence[str]:
    return list(itertools.chain.from_iterable(found))


@given(BATCHES, st.integers(1, 5), st.integers(0, 2 * MINUTE), st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.usefixtures("of_one_row")
def test_a_search_in_pages_finds_what_a_plain_list_has(
    real: World,
    batches: list[list[tuple[int, bool]]],
    limit: int,
    since: int,
    data: st.DataObject,
) -> None:
    run = next(_numbers)
    target, other = (f"{name}-{run}" for name in ("ann", "bob"))
    while keys.bucket(other) % sent_messages.GROUPS != keys.bucket(target) % sent_messages.GROUPS:
        other += "b"
    begin = BEGIN - (run + 1) * 10 * MINUTE  # minutes of this example alone
    listed: list[str] = []
    numbers = itertools.count()
    for batch in batches:
        entries = [
            an_entry(begin + offset, target if named else other, next(numbers))
            for offset, named in batch
        ]
        world_lists = (entries, entries[1:])  # the second is read again from the stream
        for some in world_lists:
            real.notes.add((), some)
        listed += [each.summary.msgid for each in entries if each.targets == (target,)]
    ends = [keys.message_id(begin + 4 * MINUTE, bytes(4)), *listed]
    before = data.draw(st.sampled_from(ends))
    expected = sorted(
        (m for m in listed if m < before and keys.message_time(m) >= begin + since), reverse=True
    )
    assert joined(searched(real, target, before, begin + since, limit)) == expected


@pytest.mark.usefixtures("of_one_row")
def test_a_search_takes_few_requests_but_for_a_minute_that_needs_more(
    real: World, aws: Callable[[str], Any]
) -> None:
    target = f"cem-{next(_numbers)}"
    begin = BEGIN - 100_000 * MINUTE
    for n in range(6):
        real.notes.add((), [an_entry(begin + n, target, n)])
        real.notes.add((), [an_entry(begin - (n + 1) * MINUTE, target, n)])
    found = searched(real, target, keys.message_id(begin + 10, bytes(4)), begin - 7 * MINUTE, 50)
    counts, sizes = list[int](), list[int]()
    while True:
        with faults.counted(aws("dynamodb")) as calls:
            page = next(found, None)
        if page is None:
            break
        counts.append(calls.count("Query"))
        sizes.append(len(page))
    assert sizes[0] == 6
    assert counts[0] == 7
    assert max(counts[1:]) <= sent_messages.REQUESTS + 1
    assert sum(sizes) == 12
