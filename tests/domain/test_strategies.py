"""A strategy always ends and tries a channel once."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.strategies import (
    MAX_WITHIN,
    Choice,
    Missing,
    Operator,
    Progress,
    Step,
    Strategy,
    Term,
    Verdict,
    check,
    judge,
)

APP, SMS, MAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL
progresses = st.builds(
    Progress,
    delivered=st.booleans(),
    clicked=st.booleans(),
    submitted_at=st.none() | st.integers(0, 10**6),
    over=st.booleans(),
)
terms = st.builds(Term, st.sampled_from([APP, SMS]), st.sampled_from(Missing), st.integers(1, 1000))
steps = st.builds(
    Step,
    st.just((MAIL,)),
    st.lists(terms, min_size=1, max_size=4).map(tuple),
    st.sampled_from(Operator),
)


def _step(missing: Missing = Missing.DELIVERED, within: int = 5) -> Step:
    return Step((SMS,), (Term(APP, missing, within),))


def test_who_was_not_delivered_in_time_goes_on() -> None:
    assert judge(_step(), {APP: Progress(submitted_at=1000)}, 6000) == (Verdict.GO, None)


def test_before_its_time_a_condition_waits_until_then() -> None:
    assert judge(_step(), {APP: Progress(submitted_at=1000)}, 5999) == (Verdict.WAIT, 6000)


def test_who_was_delivered_stays() -> None:
    assert judge(_step(), {APP: Progress(delivered=True, submitted_at=1000)}, 9000) == (
        Verdict.STAY,
        None,
    )


def test_delivered_is_not_enough_where_a_click_is_asked_for() -> None:
    assert judge(
        _step(Missing.CLICKED), {APP: Progress(delivered=True, submitted_at=1000)}, 6000
    ) == (Verdict.GO, None)


def test_what_can_never_be_submitted_goes_on_at_once() -> None:
    assert judge(_step(), {APP: Progress(over=True)}, 0) == (Verdict.GO, None)


def test_with_and_a_delivery_in_time_keeps_the_next_step_from_running() -> None:
    step = Step(
        (MAIL,), (Term(APP, Missing.DELIVERED, 5), Term(SMS, Missing.CLICKED, 10)), Operator.AND
    )
    assert (
        judge(
            step,
            {APP: Progress(delivered=True, submitted_at=0), SMS: Progress(submitted_at=0)},
            99_000,
        )[0]
        is Verdict.STAY
    )


def test_with_or_one_condition_is_enough() -> None:
    step = Step(
        (MAIL,), (Term(APP, Missing.DELIVERED, 5), Term(SMS, Missing.CLICKED, 10)), Operator.OR
    )
    progress = {
        APP: Progress(delivered=True, submitted_at=0),
        SMS: Progress(delivered=True, submitted_at=0),
    }
    assert judge(step, progress, 9_999) == (Verdict.WAIT, 10_000)
    assert judge(step, progress, 10_000) == (Verdict.GO, None)


@given(steps, st.dictionaries(st.sampled_from([APP, SMS]), progresses), st.integers(0, 10**6))
def test_whoever_waits_is_told_when_to_ask_again_and_then_gets_a_verdict(
    step: Step, progress: dict[ChannelType, Progress], now: int
) -> None:
    for _ in range(len(step.terms) + 1):
        verdict, at = judge(step, progress, now)
        if verdict is not Verdict.WAIT or at is None:
            break
        assert at > now
        now = at
    undecided_for_good = verdict is Verdict.WAIT and at is not None
    assert not undecided_for_good


@given(st.lists(st.lists(st.sampled_from([APP, SMS, MAIL]), max_size=2).map(tuple), max_size=4))
def test_a_strategy_that_passes_the_check_tries_each_channel_once(
    channels: list[tuple[ChannelType, ...]],
) -> None:
    def step(n: int) -> Step:
        return Step(
            channels[n], tuple(Term(c, Missing.DELIVERED, 5) for c in channels[n - 1]) if n else ()
        )

    strategy = Strategy(tuple(step(n) for n in range(len(channels))))
    visited = list(itertools.chain(*channels))
    try:
        check(strategy)
    except Invalid:
        assert len(channels) < 2 or len(visited) != len(set(visited)) or not all(channels)
    else:
        assert len(visited) == len(set(visited))


@pytest.mark.parametrize(
    ("within", "fits"), [(0, False), (1, True), (MAX_WITHIN, True), (MAX_WITHIN + 1, False)]
)
def test_a_condition_has_a_sensible_time(within: int, fits: bool) -> None:
    strategy = Strategy((Step((APP,)), _step(within=within)))
    if fits:
        check(strategy)
    else:
        with pytest.raises(Invalid, match="within"):
            check(strategy)


def test_a_condition_on_the_same_or_a_later_step_would_never_hold() -> None:
    for channel in (SMS, MAIL):
        strategy = Strategy((Step((APP,)), Step((SMS,), (Term(channel, Missing.CLICKED, 5),))))
        with pytest.raises(Invalid, match="not a channel of an earlier step"):
            check(strategy)


def test_a_condition_may_be_about_any_earlier_step() -> None:
    check(Strategy((Step((APP,)), _step(), Step((MAIL,), (Term(APP, Missing.CLICKED, 9),)))))


def test_a_condition_on_a_step_that_chooses_names_all_of_its_channels() -> None:
    """A person gets one of them, and only that one can be judged."""
    chosen = Step((APP, SMS), choose=Choice.CHEAPEST)
    terms = (Term(APP, Missing.CLICKED, 9), Term(SMS, Missing.CLICKED, 9))
    check(Strategy((chosen, Step((MAIL,), terms))))
    with pytest.raises(Invalid, match="must name sms too"):
        check(Strategy((chosen, Step((MAIL,), terms[:1]))))
    with pytest.raises(Invalid, match="at least two channels"):
        check(Strategy((Step((APP,), choose=Choice.CHEAPEST),)))


def test_a_channel_that_was_not_chosen_does_not_count() -> None:
    terms = (Term(APP, Missing.DELIVERED, 5), Term(SMS, Missing.DELIVERED, 10))
    for operator in Operator:
        step = Step((MAIL,), terms, operator)
        progress = {SMS: Progress(submitted_at=0)}
        assert judge(step, progress, 9_999) == (Verdict.WAIT, 10_000)
        assert judge(step, progress, 10_000) == (Verdict.GO, None)


@pytest.mark.parametrize(("operator", "third"), [(Operator.AND, 100), (Operator.OR, 60)])
def test_the_timetable_has_the_times_of_those_whom_nothing_reaches(
    operator: Operator, third: int
) -> None:
    terms = (Term(APP, Missing.CLICKED, 100), Term(SMS, Missing.DELIVERED, 20))
    strategy = Strategy((Step((APP,)), _step(within=40), Step((MAIL,), terms, operator)))
    assert strategy.timetable() == (0, 40_000, third * 1000)


def test_no_step_begins_before_the_step_before() -> None:
    last = Step((MAIL,), (Term(APP, Missing.CLICKED, 9),))
    strategy = Strategy((Step((APP,)), _step(within=40), last))
    assert strategy.timetable(5) == (5, 40_005, 40_005)


def test_a_step_that_is_held_holds_back_those_that_wait_for_it() -> None:
    last = Step((MAIL,), (Term(SMS, Missing.CLICKED, 9),))
    strategy = Strategy((Step((APP,)), _step(within=40), last))
    assert strategy.timetable(held=lambda step, at: 50_000 if step == 1 else at) == (
        0,
        50_000,
        59_000,
    )
