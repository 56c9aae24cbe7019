"""Frequency caps: what is counted, when a cap is reached, and what a repeat finds."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.rules.caps import (
    ANY,
    Ask,
    Cap,
    Mark,
    applying,
    count,
    settings_of,
    without,
)

HOUR = 3_600_000
NOW = 1000 * HOUR


def ask(msgid: str, *types: str, topic: int = 0, **changes: bool) -> Ask:
    flags = {"is_first": True, **changes}
    return Ask(msgid, Priority.MEDIUM.value, topic, frozenset(types or {"sms"}), **flags)


def sent(caps: Sequence[Cap], *times: int) -> tuple[Mark, ...]:
    """Return the marks after one message at each time, whether or not it was allowed."""
    marks: tuple[Mark, ...] = ()
    for n, time in enumerate(times):
        marks = count(marks, caps, ask(f"m{n}"), time).marks
    return marks


def test_a_cap_allows_as_many_messages_as_it_says_and_no_more() -> None:
    caps = [Cap(2, 24)]
    marks = sent(caps, NOW, NOW + 1)
    assert len(marks) == 2
    assert count(marks, caps, ask("more"), NOW + 2).refused == {ANY}
    assert count(marks, caps, ask("more"), NOW + 2).marks == marks, "a refused one does not count"


def test_the_window_slides_with_each_message() -> None:
    caps = [Cap(2, 1)]
    marks = sent(caps, NOW, NOW + HOUR // 2)
    assert count(marks, caps, ask("more"), NOW + HOUR - 1).refused
    later = count(marks, caps, ask("more"), NOW + HOUR)
    assert not later.refused
    assert [mark.msgid for mark in later.marks] == ["m1", "more"], "what is over is forgotten"


def test_a_repeat_finds_its_own_mark() -> None:
    caps = [Cap(1, 24)]
    first = count((), caps, ask("m"), NOW)
    again = count(first.marks, caps, ask("m"), NOW + 5)
    assert (again.refused, again.marks) == (frozenset(), first.marks)


def test_a_cap_of_a_channel_type_refuses_that_type_alone() -> None:
    caps = [Cap(1, 24, "sms"), Cap(5, 24)]
    marks = sent(caps, NOW)
    answer = count(marks, caps, ask("more", "sms", "email"), NOW)
    assert answer.refused == {"sms"}
    assert {mark.kind for mark in answer.marks if mark.msgid == "more"} == {ANY}


def test_a_message_that_goes_nowhere_does_not_count() -> None:
    caps = [Cap(1, 24, "sms"), Cap(5, 24)]
    marks = sent(caps, NOW)
    nowhere = count(marks, caps, ask("more", "sms"), NOW)
    assert (nowhere.refused, nowhere.marks) == ({"sms"}, marks)
    later = count(marks, caps, ask("more", "sms", has_others=True), NOW)
    assert {mark.kind for mark in later.marks if mark.msgid == "more"} == {ANY}


def test_a_later_step_counts_its_channel_types_only() -> None:
    caps = [Cap(1, 24), Cap(1, 24, "email")]
    first = count((), caps, ask("m", "sms"), NOW)
    step = count(first.marks, caps, ask("m", "email", is_first=False), NOW + HOUR)
    assert not step.refused
    assert [(mark.kind, mark.time) for mark in step.marks] == [(ANY, NOW), ("email", NOW + HOUR)]


def test_only_messages_that_a_cap_counts_are_held_against_it() -> None:
    caps = [Cap(1, 24, topic=7), Cap(9, 24, exempt=())]
    urgent = Ask("u", Priority.HIGH.value, 7, frozenset({"sms"}), True)
    marks = count((), caps[1:], urgent, NOW).marks
    marks = count(marks, caps, ask("other", topic=8), NOW).marks
    assert len(marks) == 2
    assert not count(marks, caps, ask("m", topic=7), NOW).refused
    marks = count(marks, caps, ask("m", topic=7), NOW).marks
    assert count(marks, caps, ask("n", topic=7), NOW).refused == {ANY}


def test_a_message_is_counted_by_the_caps_of_its_priority_topic_and_channels() -> None:
    caps = settings_of([[1, 24, "", 0, [1]], [1, 24, "sms", 0, [1]], [1, 24, "", 7, []]])
    types = (ChannelType.APP,)
    assert applying(caps, Priority.MEDIUM, 0, types) == caps[:1]
    assert applying(caps, Priority.HIGH, 7, types) == caps[2:]
    assert applying(caps, Priority.LOW, 7, (ChannelType.SMS,)) == caps


def test_what_is_given_back_is_free_for_another_message() -> None:
    caps = [Cap(1, 24)]
    marks = without(sent(caps, NOW), "m0", {ANY})
    assert marks == ()
    assert without(sent(caps, NOW), "other", {ANY}) == sent(caps, NOW)


@given(
    most=st.integers(1, 4),
    hours=st.integers(1, 3),
    gaps=st.lists(st.integers(0, 90), max_size=30),
)
def test_no_window_ever_has_more_than_the_cap(most: int, hours: int, gaps: list[int]) -> None:
    caps, now, marks, allowed = [Cap(most, hours)], NOW, (), list[int]()
    for n, gap in enumerate(gaps):
        now += gap * 60_000
        answer = count(marks, caps, ask(f"m{n}"), now)
        marks = answer.marks  # type: ignore[assignment]
        within = [time for time in allowed if time > now - hours * HOUR]
        assert bool(answer.refused) == (len(within) >= most)
        if not answer.refused:
            allowed.append(now)
