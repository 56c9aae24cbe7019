"""The cheapest channel of a step, for each target."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Target
from chalicelib.domain.prices import Tariff, tariff
from chalicelib.domain.rules.choice import ENOUGH, Ranks, choose, rates
from chalicelib.domain.strategies import Choice, Step
from tests.builders import a_channel, a_message, a_strategy

ALL = {"push": ("r1", "r2"), "text": ("1001",), "mail": ("a@example.com",)}


def a_choosing_message(choice: Choice = Choice.CHEAPEST) -> Message:
    """Build a message whose first step chooses between app and SMS, before a mail to all."""
    message = a_message("ann", strategy=a_strategy("app,sms", "email"))
    first, second = message.strategy.steps
    chosen: Step = replace(first, choose=choice)
    return replace(message, strategy=replace(message.strategy, steps=(chosen, second)))


def _tariffs(prices: dict[str, float]) -> dict[str, Tariff | None]:
    return {code: tariff(a_channel(code, price=price), {}) for code, price in prices.items()}


@pytest.mark.parametrize(
    ("prices", "contacts", "kept"),
    [
        ({"push": 0, "text": 5}, ("push", "text", "mail"), {"push", "mail"}),
        ({"push": 5, "text": 1}, ("push", "text", "mail"), {"text", "mail"}),
        ({"push": 3, "text": 5}, ("push", "text"), {"text"}),  # two pushes cost 6
        ({"push": 2.5, "text": 5}, ("push", "text"), {"push"}),  # the first of equal ones
        ({"push": 9, "text": 1}, ("push", "mail"), {"push", "mail"}),  # the only one
        ({"push": 9, "text": 1}, ("mail",), {"mail"}),
    ],
)
def test_a_step_keeps_the_cheapest_channel_that_reaches_the_target(
    prices: dict[str, float], contacts: tuple[str, ...], kept: set[str]
) -> None:
    chosen = {code: ALL[code] for code in contacts}
    target = Target("ann", None, {code: len(of) for code, of in chosen.items()}, {"mail": "x"})
    message, ranks = a_choosing_message(), Ranks(_tariffs({**prices, "mail": 9}), {})
    target, left = choose(message.strategy, message.channels, target, chosen, ranks)
    assert set(left) == set(target.contacts) == kept
    dearer = {code for code, reason in target.refused.items() if reason == "dearer"}
    assert dearer == set(contacts) - kept
    assert target.refused["mail"] == "x"


def test_a_step_that_does_not_choose_keeps_all() -> None:
    message = a_message("ann", strategy=a_strategy("app,sms", "email"))
    target = Target("ann", None, {code: len(of) for code, of in ALL.items()})
    ranks = Ranks(_tariffs(dict.fromkeys(ALL, 1.0)), {})
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
        (Choice.MOST_CLICKED, 0.2, 0.2, "push"),
        (Choice.BEST, None, 0.0, "text"),  # a rate, however low, goes before none
        (Choice.BEST, None, None, "push"),
    ):
        known = {kind: rate for kind, rate in (("app", app), ("sms", sms)) if rate is not None}
        message = a_choosing_message(choice)
        target = Target("ann", None, {code: len(of) for code, of in ALL.items()})
        ranks = Ranks({}, {choice.value: known})
        target, left = choose(message.strategy, message.channels, target, ALL, ranks)
        assert set(left) == {kept, "mail"}
        assert set(target.refused.values()) == {"lower_rate"}


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
