"""Estimates of the steps of a strategy agree with chance, and say what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.estimates import Rates, estimate, rates_of
from chalicelib.domain.strategies import Choice, Step, Strategy
from tests.builders import a_strategy

APP, SMS, EMAIL = ChannelType.APP, ChannelType.SMS, ChannelType.EMAIL
RATES = {APP: Rates(500, 0.6, 0.1), SMS: Rates(500, 0.9, 0.2), EMAIL: Rates(500, 0.5, 0.5)}


@pytest.mark.parametrize(
    ("strategy", "people", "delivered"),
    [
        (a_strategy("app", "sms"), [1000, 400], 960),
        (a_strategy("app", "sms", missing="clicked"), [1000, 900], 960),
        (a_strategy("app,email", "sms"), [1000, 200], 980),
        (a_strategy("app,email", "sms", operator="or"), [1000, 700], 980),
        (a_strategy("app", "sms", "email"), [1000, 400, 40], 980),
    ],
)
def test_the_people_of_a_step_are_those_whom_earlier_ones_missed(
    strategy: Strategy, people: list[int], delivered: int
) -> None:
    assert estimate(strategy, RATES) == (people, delivered)


def test_without_a_rate_nothing_is_said_from_that_condition_on() -> None:
    strategy = a_strategy("app", "sms", "email")
    assert estimate(strategy, {APP: RATES[APP]}) == ([1000, 400, None], None)
    assert estimate(strategy, {}) == ([1000, None, None], None)


def test_a_step_that_chooses_counts_with_one_channel() -> None:
    for choose, missed in ((Choice.BEST, 100), (Choice.CHEAPEST, 400), (Choice.MOST_CLICKED, 100)):
        steps = a_strategy("app,sms", "email").steps
        strategy = Strategy((Step(steps[0].channels, choose=choose), steps[1]))
        assert estimate(strategy, RATES)[0] == [1000, missed]


def test_rates_are_those_of_all_days_and_delivery_channels_with_enough_submissions() -> None:
    day = {
        "channel|sms|sms1|submitted": 60,
        "channel|sms|sms2|submitted": 40,
        "channel|sms|sms1|delivered": 50,
        "channel|sms|sms2|clicked": 10,
        "channel|app|app1|submitted": 49,
        "users|submitted": 100,
    }
    assert rates_of([day]) == {SMS: Rates(100, 0.5, 0.1)}
    assert set(rates_of([day, day, day])) == {SMS, APP}


_SHARES = st.tuples(st.floats(0, 1), st.floats(0, 1)).map(lambda two: (max(two), min(two)))


@given(shares=st.lists(_SHARES, min_size=3, max_size=3), operator=st.sampled_from(["and", "or"]))
def test_steps_only_lose_people(shares: list[tuple[float, float]], operator: str) -> None:
    rates = {kind: Rates(500, *pair) for kind, pair in zip((APP, SMS, EMAIL), shares, strict=True)}
    people, delivered = estimate(a_strategy("app", "sms", "email", operator=operator), rates)
    known = [number for number in people if number is not None]
    assert known == sorted(known, reverse=True)
    assert known[0] == 1000
    assert delivered is not None
    assert 0 <= delivered <= 1000
