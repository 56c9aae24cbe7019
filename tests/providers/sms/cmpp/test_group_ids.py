"""The names of a SUBMIT's messages: which are certain, and what reports teach."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Uncertain
from chalicelib.providers.sms.cmpp.group_ids import (
    MOST_NUMBERS,
    GroupIds,
    GroupWay,
    following,
)
from tests.providers.sms.cmpp.calls import number

FIRST = 0xB2B9DA8000010000
GROUP = [number(n) for n in range(5)]


def submitted(*ids: int) -> GroupIds:
    group_ids = GroupIds()
    for message in ids:
        group_ids.note(message, GROUP)
    return group_ids


def test_at_first_nobody_knows_how_a_gateway_names_a_group() -> None:
    group_ids = submitted(FIRST)
    assert group_ids.way is GroupWay.BOTH
    assert not group_ids.is_undecided(FIRST, GROUP[0])  # right either way
    assert group_ids.way is GroupWay.BOTH


@pytest.mark.parametrize("spelling", [GROUP[3], "86" + GROUP[3], "+86" + GROUP[3]])
def test_a_report_of_a_later_number_shows_the_way(spelling: str) -> None:
    one, consecutive = submitted(FIRST), submitted(FIRST)
    assert not one.is_undecided(FIRST, spelling)
    assert not consecutive.is_undecided(FIRST + 3, spelling)
    assert (one.way, consecutive.way) == (GroupWay.ONE, GroupWay.CONSECUTIVE)
    assert not one.may_be_derived(FIRST + 3)
    assert consecutive.may_be_derived(FIRST + 3)


def test_an_id_within_an_earlier_group_shows_that_a_gateway_has_one_for_all() -> None:
    assert submitted(FIRST, FIRST + 1).way is GroupWay.ONE
    assert submitted(FIRST, FIRST + 5).way is GroupWay.BOTH


def test_a_told_id_is_never_taken_for_a_derived_one() -> None:
    group_ids = submitted(FIRST, FIRST + 1)
    assert not group_ids.may_be_derived(FIRST + 1)


def test_a_report_without_a_number_waits_for_the_answers_that_may_be_its_own() -> None:
    """Its number is that of the SUBMIT, which is known by the answer. No way names it sooner."""
    for way in GroupWay:
        group_ids = GroupIds()
        group_ids.know(way)
        assert not group_ids.is_undecided(FIRST, "")  # of another system
        with group_ids.awaiting(GROUP[:1]):
            assert group_ids.is_undecided(FIRST, "")
            group_ids.note(FIRST, GROUP[:1])
            assert not group_ids.is_undecided(FIRST, "")
        assert group_ids.only_number(FIRST) == GROUP[0]
        assert not group_ids.is_undecided(FIRST + 1, "")


def test_a_report_that_may_be_ahead_of_its_answer_is_undecided() -> None:
    """Two messages go to some people. The report of the second comes before its answer."""
    group_ids = submitted(FIRST)
    with group_ids.awaiting(GROUP):
        assert group_ids.is_undecided(FIRST + 1, GROUP[1])
        assert group_ids.way is GroupWay.BOTH
        group_ids.note(FIRST + 1, GROUP)
        assert not group_ids.is_undecided(FIRST + 1, GROUP[1])
    assert group_ids.way is GroupWay.ONE


def test_what_was_learned_wrongly_is_corrected_by_what_is_certain() -> None:
    group_ids = submitted(FIRST)
    group_ids.is_undecided(FIRST + 3, GROUP[3])
    assert group_ids.way is GroupWay.CONSECUTIVE
    group_ids.is_undecided(FIRST, GROUP[3])
    assert group_ids.way is GroupWay.ONE


def test_an_operators_word_stands() -> None:
    group_ids = GroupIds()
    group_ids.know(GroupWay.BOTH)
    assert group_ids.way is GroupWay.BOTH
    group_ids.know(GroupWay.ONE)
    with group_ids.awaiting(GROUP):
        assert not group_ids.is_undecided(FIRST + 1, GROUP[1])
    assert not group_ids.may_be_derived(FIRST + 1)


def test_the_number_of_a_submit_to_one_is_known_by_its_id() -> None:
    group_ids = submitted(FIRST)
    group_ids.note(FIRST + 9, GROUP[:1])
    assert group_ids.only_number(FIRST + 9) == GROUP[0]
    assert group_ids.only_number(FIRST) == ""
    assert group_ids.only_number(FIRST + 1) == ""


def test_only_the_latest_submits_are_remembered() -> None:
    group_ids = GroupIds()
    for n in range(MOST_NUMBERS + 2):
        group_ids.note(n << 16, GROUP[:1])
    assert group_ids.only_number(1 << 16) == ""
    assert group_ids.only_number((MOST_NUMBERS + 1) << 16) == GROUP[0]


def test_an_id_that_comes_again_takes_no_room_twice() -> None:
    """A gateway may count messages without a time, so that its ids come again."""
    group_ids = GroupIds()
    for _ in range(2 * MOST_NUMBERS // len(GROUP)):
        group_ids.note(FIRST, GROUP)
    group_ids.note(FIRST + 9, GROUP[:1])
    assert group_ids.is_undecided(FIRST, GROUP[3]) is False
    assert group_ids.way is GroupWay.ONE


def test_a_report_that_may_be_of_a_lost_submit_teaches_nothing() -> None:
    """The answer with the second id was lost. Else the next group would get wrong names."""
    group_ids = submitted(FIRST)
    with suppress(Uncertain), group_ids.awaiting(GROUP[3:4]):
        raise Uncertain("connection_lost")
    assert not group_ids.is_undecided(FIRST + 3, GROUP[3])
    assert group_ids.way is GroupWay.BOTH
    assert group_ids.may_be_derived(FIRST + 3)
    assert not group_ids.is_undecided(FIRST + 2, GROUP[2])
    assert group_ids.way is GroupWay.CONSECUTIVE


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=30),
    first=st.integers(0, 2**64 - 1),
    order=st.randoms(),
)
def test_reports_in_any_order_never_teach_the_wrong_way(
    sizes: list[int], first: int, order: object
) -> None:
    """The ids of a gateway wrap around. Each of the groups has the same people."""
    for way in (GroupWay.ONE, GroupWay.CONSECUTIVE):
        group_ids, reports, message = GroupIds(), [], first
        for size in sizes:
            group_ids.note(message, GROUP[:size])
            step = 1 if way is GroupWay.CONSECUTIVE else 0
            reports += [(following(message, n * step), GROUP[n]) for n in range(size)]
            message = following(message, size if step else 1)
        order.shuffle(reports)  # type: ignore[attr-defined]
        for report in reports:
            assert not group_ids.is_undecided(*report)
        assert group_ids.way in (way, GroupWay.BOTH)
