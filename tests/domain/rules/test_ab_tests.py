"""A/B tests: everybody is in one group, and a winner is seldom declared by chance."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.rules.ab_tests import (
    BUCKETS,
    AbTest,
    Failure,
    Figures,
    Metric,
    Phase,
    Then,
    Variant,
    bucket,
    decide,
    figures,
    overlaid,
    same_time,
)
from chalicelib.domain.rules.schedules import Timing

NAMES = "abcde"


def a_test(*shares: int, holdout: int = 0, **changes: Any) -> AbTest:
    variants = tuple(Variant(NAMES[n], share) for n, share in enumerate(shares or (1000, 1000)))
    fields: dict[str, Any] = {
        "holdout": holdout,
        "metric": Metric.CLICKED,
        "minutes": 60,
        "confidence": 0.95,
    }
    return AbTest(variants, **{**fields, **changes})


def measured(*rates: tuple[int, int] | None, **changes: Any) -> AbTest:
    """Build a test whose variants have reached so many of so many people. None: it failed."""
    test = a_test(*([10_000 // len(rates)] * len(rates)), **changes)
    variants = [
        replace(v, figures=Figures(rate[1], rate[1], rate[1], rate[1], rate[0]))
        if rate
        else replace(v, failure=Failure("withdrawn"))
        for v, rate in zip(test.variants, rates, strict=True)
    ]
    return replace(test, variants=tuple(variants))


@st.composite
def ab_tests(draw: st.DrawFn) -> AbTest:
    cuts = draw(st.lists(st.integers(0, BUCKETS), min_size=3, max_size=6, unique=True))
    ends = sorted(cuts)
    shares = [b - a for a, b in itertools.pairwise(ends)]
    return a_test(*shares, holdout=draw(st.integers(0, BUCKETS - sum(shares))))


@given(ab_tests(), st.text(max_size=20), st.text(max_size=40))
def test_everybody_is_in_one_group_of_a_test(test: AbTest, id: str, person: str) -> None:
    """Each person is a target of one message: of a variant, or of the rest."""
    splits = [test.split(id, variant.name) for variant in test.variants]
    rest = test.split_of_rest(id, "a")
    messages = [split for split in (*splits, rest) if split.includes(person)]
    assert len(messages) == 1
    held = messages[0].holds_out(person)
    group = test.group(id, person)
    assert held == (group == "holdout")
    assert held or group == (messages[0].variant if messages[0] is not rest else "")
    assert not held or messages[0] is splits[0]
    assert sum(split.share for split in (*splits, rest)) == pytest.approx(1)


@given(st.text(max_size=20), st.text(max_size=40))
def test_a_bucket_stays_and_is_one_of_all(id: str, person: str) -> None:
    assert bucket(id, person) == bucket(id, person)
    assert 0 <= bucket(id, person) < BUCKETS


def test_buckets_are_of_one_size_and_differ_from_test_to_test() -> None:
    people = [f"user-{n}" for n in range(40_000)]
    tenths = Counter(bucket("t1", person) // 1000 for person in people)
    assert all(3700 < number < 4300 for number in tenths.values())  # five standard deviations
    both = sum(bucket("t1", p) < 1000 and bucket("t2", p) < 1000 for p in people)
    assert 300 < both < 500
    assert bucket("t1", "user-1") == 3525  # stays the same in later releases


def test_people_who_are_held_out_do_not_count_for_the_baseline() -> None:
    users = {"planned": 150, "valid": 90, "submitted": 80, "delivered": 70, "clicked": 20}
    assert figures(users, {"holdout": 50, "no_contact": 10}) == (100, 90, 80, 70, 20)
    assert figures({}, {}) == (0, 0, 0, 0, 0)


def test_the_best_of_those_that_are_surely_better_has_won() -> None:
    decision = decide(measured((100, 1000), (160, 1000), (150, 1000)), 7)
    assert (decision.time, decision.winner) == (7, "b")
    b, c = decision.comparisons
    assert b.p == pytest.approx(8.254516965e-05)  # by SciPy
    assert b.adjusted == pytest.approx(2 * b.p)  # Holm: the smaller one counts twice
    assert c.adjusted == pytest.approx(c.p)


def test_a_difference_that_chance_explains_wins_nothing() -> None:
    assert decide(measured((100, 1000), (120, 1000)), 0).winner == ""
    assert decide(measured((0, 0), (0, 0)), 0).winner == ""


def test_one_comparison_of_many_has_to_be_more_certain() -> None:
    alone = decide(measured((100, 1000), (130, 1000)), 0)
    assert alone.comparisons[0].p < 0.05
    assert alone.winner == "b"
    among = decide(measured((100, 1000), (130, 1000), (101, 1000), (99, 1000), (100, 1000)), 0)
    assert among.comparisons[0].p == alone.comparisons[0].p
    assert among.winner == ""


def test_the_baseline_has_won_where_all_others_are_surely_worse() -> None:
    assert decide(measured((160, 1000), (100, 1000), (90, 1000)), 0).winner == "a"
    assert decide(measured((160, 1000), (100, 1000), (158, 1000)), 0).winner == ""


def test_a_variant_that_failed_is_not_compared() -> None:
    assert decide(measured((100, 1000), None, (160, 1000)), 0).winner == "c"
    assert decide(measured(None, (100, 1000), (160, 1000)), 0).winner == ""
    assert decide(measured((100, 1000), None), 0).comparisons == ()


@pytest.mark.parametrize("variants", [2, 3, 5])
def test_without_a_difference_a_winner_is_declared_in_at_most_one_of_twenty(variants: int) -> None:
    """The bound holds for any number of variants: this is what the correction is for."""
    chance, runs = random.Random(11), 1500
    rates = [
        [(sum(chance.random() < 0.3 for _ in range(60)), 60) for _ in range(variants)]
        for _ in range(runs)
    ]
    wrong = sum(decide(measured(*of), 0).winner != "" for of in rates)
    assert wrong / runs < 0.05


def test_a_large_difference_is_mostly_found() -> None:
    chance, runs = random.Random(12), 300
    right = 0
    for _ in range(runs):
        of = [(sum(chance.random() < p for _ in range(300)), 300) for p in (0.1, 0.25, 0.1)]
        right += decide(measured(*of), 0).winner == "b"
    assert right / runs > 0.95


@pytest.mark.parametrize(
    ("rates", "changes", "phase", "chosen"),
    [
        (((10, 100), (60, 100)), {}, Phase.SENDING, "b"),
        (((10, 100), (60, 100)), {"if_winner": Then.ASK}, Phase.DECIDED, ""),
        (((10, 100), (10, 100)), {}, Phase.DECIDED, ""),
        (((10, 100), (10, 100)), {"if_none": Then.BASELINE}, Phase.SENDING, "a"),
        ((None, (10, 100)), {"if_none": Then.BASELINE}, Phase.DECIDED, ""),
    ],
)
def test_the_rest_follows_the_rule(
    rates: Any, changes: dict[str, Any], phase: Phase, chosen: str
) -> None:
    test = measured(*rates, **changes)
    variants = tuple(replace(variant, share=1000) for variant in test.variants)
    after = replace(test, variants=variants).decided(5)
    assert after.phase is phase
    assert (after.rest.variant if after.rest else "") == chosen
    whole = test.decided(5)  # nobody is left
    assert (whole.phase, whole.rest) == (Phase.DECIDED, None)


def test_a_variant_lies_over_the_body_of_the_test() -> None:
    body = {"aud_tag": ["x"], "template_id": 1, "rule_id": 2, "option": {"name": "n", "topic": 1}}
    overlay = {"template_id": 7, "rule_id": None, "option": {"topic": 2}}
    assert overlaid(body, overlay) == {
        "aud_tag": ["x"],
        "template_id": 7,
        "option": {"name": "n", "topic": 2},
    }
    assert overlaid(body, {}) == body
    assert overlaid({"a": 1}, {"option": {"topic": 2}}) == {"a": 1, "option": {"topic": 2}}


def test_the_rest_gets_it_at_the_time_of_the_day_of_its_variant() -> None:
    timing = Timing("Asia/Shanghai", at="2026-11-02T18:00:00")

    def following(*time: int) -> str:
        now = datetime(2026, 11, *time, tzinfo=ZoneInfo("Asia/Shanghai"))
        return same_time(timing, round(now.timestamp() * 1000)).at

    assert following(4, 9, 30) == "2026-11-04T18:00:00"
    assert following(4, 18, 0) == "2026-11-05T18:00:00"


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)), st.times())
def test_that_time_is_in_the_next_day_whatever_clocks_do(now: datetime, at: Any) -> None:
    from chalicelib.domain import zones

    zone = "America/New_York"
    timing = Timing(zone, at=datetime.combine(datetime(2026, 1, 5), at).isoformat())
    moment = round(now.replace(tzinfo=UTC).timestamp() * 1000)
    following = same_time(timing, moment)
    due = zones.moment(datetime.fromisoformat(following.at), timing.place)
    assert moment < due <= moment + 26 * 3_600_000
