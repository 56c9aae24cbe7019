"""The channel that a step chooses for each target."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target
from chalicelib.domain.rules.choice import ENOUGH, Ranks, choose, rates
from chalicelib.domain.strategies import Choice, Step
from tests.builders import a_message, a_strategy

ALL = {"push": ("r1", "r2"), "text": ("1001",), "mail": ("a@example.com",)}


def a_choosing_message(choice: Choice = Choice.CHEAPEST) -> Message:
    """Build a message whose first step chooses between app and SMS, before a mail to all."""
    message = a_message("ann", strategy=a_strategy("app,sms", "email"))
    first, second = message.strategy.steps
    chosen: Step = replace(first, choose=choice)
    return replace(message, strategy=replace(message.strategy, steps=(chosen, second)))


@pytest.mark.parametrize(
    ("prices", "contacts", "kept", "why"),
    [
        ({"push": 0, "text": 5}, ("push", "text", "mail"), {"push", "mail"}, "dearer"),
        ({"push": 5, "text": 1}, ("push", "text", "mail"), {"text", "mail"}, "dearer"),
        ({"push": 3, "text": 5}, ("push", "text"), {"text"}, "dearer"),  # two pushes cost 6
        ({"push": 2.5, "text": 5}, ("push", "text"), {"push"}, "stands_later"),  # of equal ones
        ({"push": 9, "text": 1}, ("push", "mail"), {"push", "mail"}, "dearer"),  # the only one
        ({"push": 9, "text": 1}, ("mail",), {"mail"}, "dearer"),
    ],
)
def test_a_step_keeps_the_cheapest_channel_that_reaches_the_target(
    prices: dict[str, float], contacts: tuple[str, ...], kept: set[str], why: str
) -> None:
    chosen = {code: ALL[code] for code in contacts}
    target = Target("ann", None, {code: len(of) for code, of in chosen.items()}, {"mail": "x"})
    message, ranks = a_choosing_message(), Ranks({**prices, "mail": 9}, {})
    target, left = choose(message.strategy, message.channels, target, chosen, ranks)
    assert set(left) == set(target.contacts) == kept
    left_out = {code for code, reason in target.refused.items() if reason == why}
    assert left_out == set(contacts) - kept
    assert target.refused["mail"] == "x"


def test_a_step_that_does_not_choose_keeps_all() -> None:
    message = a_message("ann", strategy=a_strategy("app,sms", "email"))
    target = Target("ann", None, {code: len(of) for code, of in ALL.items()})
    ranks = Ranks(dict.fromkeys(ALL, 1.0), {})
    assert choose(message.strategy, message.channels, target, ALL, ranks) == (target, ALL)


def test_only_the_chosen_channel_counts_for_the_next_step() -> None:
    target = Target("ann", None, {"push": 1}, {"text": "dearer"})
    assert target.has_another_than(["text"])
    assert not target.has_another_than(["push"])
    assert not target.lacks("text")
    assert Target("ann", None, {}, {"text": "contact_gone"}).lacks("text")


def test_the_best_channel_is_that_with_the_highest_rate() -> None:
    for choice, app, sms, kept in (
        (Choice.BEST, 0.9, 0.8, "push"),
        (Choice.BEST, 0.7, 0.8, "text"),
        (Choice.BEST, None, 0.0, "text"),  # a rate, however low, goes before none
    ):
        known = {kind: rate for kind, rate in (("app", app), ("sms", sms)) if rate is not None}
        message = a_choosing_message(choice)
        target = Target("ann", None, {code: len(of) for code, of in ALL.items()})
        ranks = Ranks({}, {choice.value: known})
        target, left = choose(message.strategy, message.channels, target, ALL, ranks)
        assert set(left) == {kept, "mail"}
        assert set(target.refused.values()) == {"lower_rate"}


def chosen_by(choice: Choice, ranks: Ranks) -> tuple[str, str]:
    """Return the chosen delivery channel of app and SMS, and why the other one was left out."""
    message = a_choosing_message(choice)
    target = Target("ann", None, {code: len(of) for code, of in ALL.items()})
    target, left = choose(message.strategy, message.channels, target, ALL, ranks)
    (kept,), (reason,) = set(left) - {"mail"}, target.refused.values()
    return kept, reason


@pytest.mark.parametrize("rates", [{}, {"most_clicked": {"app": 0.2, "sms": 0.2}}])
def test_of_two_that_are_as_good_the_first_one_is_chosen(rates: dict[str, Any]) -> None:
    assert chosen_by(Choice.MOST_CLICKED, Ranks({}, rates)) == ("push", "stands_later")


@pytest.mark.parametrize(
    ("of_all", "own", "chosen"),
    [
        ({"app": 0.9, "sms": 0.8}, {"app": 0.25, "sms": 1.0}, ("text", "lower_own_rate")),
        ({"app": 0.9, "sms": 0.8}, {"app": 0.25}, ("text", "lower_own_rate")),
        ({"app": 0.9, "sms": 0.8}, {"sms": 0.85}, ("push", "lower_own_rate")),
        ({"app": 0.9, "sms": 0.8}, {"email": 0.1}, ("push", "lower_rate")),
        ({}, {"sms": 0.0}, ("text", "lower_own_rate")),
    ],
)
def test_the_own_rate_of_a_target_goes_before_that_of_all_people(
    of_all: dict[str, float], own: dict[str, float], chosen: tuple[str, str]
) -> None:
    assert chosen_by(Choice.BEST, Ranks({}, {"best": of_all}, {"best": own})) == chosen


def test_what_a_target_prefers_is_chosen_where_it_can_be_reached() -> None:
    assert chosen_by(Choice.PREFERENCE, Ranks({}, {}, {}, "sms")) == ("text", "less_preferred")
    assert chosen_by(Choice.PREFERENCE, Ranks({}, {}, {}, "app")) == ("push", "less_preferred")
    for nowhere in ("", "email", "wechatoa"):
        assert chosen_by(Choice.PREFERENCE, Ranks({}, {}, {}, nowhere)) == ("push", "stands_later")


def test_rates_are_those_of_a_channel_type_over_all_days_and_delivery_channels() -> None:
    day = {
        "channel|app|push|submitted": ENOUGH,
        "channel|app|push|delivered": 60,
        "channel|app|other|submitted": ENOUGH,
        "channel|app|other|delivered": 90,
        "channel|app|other|clicked": 30,
        "channel|sms|text|submitted": ENOUGH - 1,
        "channel|sms|text|delivered": ENOUGH - 1,
        "users|submitted": 3,
    }
    assert rates([day], Choice.BEST) == {"app": 0.75}
    assert rates([day], Choice.MOST_CLICKED) == {"app": 0.15}
    few = {"channel|sms|text|submitted": 1}
    assert rates([day, few], Choice.BEST) == {"app": 0.75, "sms": 0.99}
    assert rates([], Choice.BEST) == {}
