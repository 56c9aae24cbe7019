"""Choose the channel of steps that send on one channel type only.

Choosing by price or preference costs no request. The rates of all people cost one for each message,
and stand in it. Own rates are read only where they are kept, of people who leave a step a choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import elements
from chalicelib.domain.messages import Message
from chalicelib.domain.reach import own_rates
from chalicelib.domain.rules import choice, topics
from chalicelib.domain.rules.choice import RULE, Ranks, Rates
from chalicelib.domain.strategies import Choice, Strategy
from chalicelib.flow import days, reach
from chalicelib.flow.content import render
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.select import Selection
from chalicelib.ports import World


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out the contacts on channel types that are not chosen for their target."""
    if not any(step.choose for step in message.strategy.steps):
        return selections
    prices = {code: _price(world, message, code) for code in message.channels}
    own = _own_rates(world, message, selections)
    return [_chosen(message, selection, prices, own) for selection in selections]


def frozen_of(world: World, request: SendRequest, strategy: Strategy) -> dict[str, Any]:
    """Return what a message freezes for choices: rates, and if it counts for people's own rates."""
    return {
        "rates": _rates(world, request.channel.key, strategy),
        "rated": not request.contacts and bool(request.channel.rules.get(RULE)),
    }


def _rates(world: World, channel_key: str, strategy: Strategy) -> dict[str, dict[str, float]]:
    """Return the rates that the steps of a strategy choose by, of an access channel's last days."""
    kinds = _by_rate(strategy)
    if not kinds:
        return {}
    counts = days.last(world, channel_key, choice.DAYS)
    return {kind.value: choice.rates(counts, kind) for kind in kinds}


def _by_rate(strategy: Strategy) -> list[Choice]:
    return sorted(
        {step.choose for step in strategy.steps if step.choose and step.choose.is_by_rate}
    )


def _own_rates(
    world: World, message: Message, selections: Sequence[Selection]
) -> Mapping[str, Rates]:
    """Return the own rates of users, by user id, of those who leave a choice."""
    kinds = _by_rate(message.strategy) if message.rated else []
    types = [s.channels for s in message.strategy.steps if s.choose and s.choose.is_by_rate]
    userids = [
        selection.target.id
        for selection in selections
        if any(
            len(choice.reached_in(of_step, message.channels, selection.contacts)) > 1
            for of_step in types
        )
    ]
    known = reach.of_users(world, message.channel_key, userids) if kinds else {}
    now = world.clock.now()
    return {
        userid: {kind.value: own_rates(marks, kind, now) for kind in kinds}
        for userid, marks in known.items()
    }


def _chosen(
    message: Message,
    selection: Selection,
    prices: Mapping[str, float],
    own: Mapping[str, Rates],
) -> Selection:
    preferences = topics.of(selection.user, message.channel_key) if message.topic else None
    preferred = preferences.first.get(message.topic, "") if preferences else ""
    ranks = Ranks(prices, message.rates, own.get(selection.target.id, {}), preferred)
    target, contacts = choice.choose(
        message.strategy, message.channels, selection.target, selection.contacts, ranks
    )
    return selection._replace(target=target, contacts=contacts)


def _price(world: World, message: Message, code: str) -> float:
    channel = world.settings.channel(elements.channel_of(code))
    content = render.filled(world, message.contents[code], message.links)
    return choice.price(channel, content) if channel else 0
