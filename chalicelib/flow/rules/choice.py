"""Choose the channel of steps that send on one channel type only.

Choosing by price costs no request. The rates cost one when a message with such a step is accepted,
and stand in the message.
"""

from __future__ import annotations

from collections.abc import Sequence

from chalicelib.domain import elements, prices
from chalicelib.domain.messages import Message
from chalicelib.domain.prices import Tariff
from chalicelib.domain.rules import choice
from chalicelib.domain.rules.choice import Ranks
from chalicelib.domain.strategies import Choice, Strategy
from chalicelib.flow import days
from chalicelib.flow.content import render
from chalicelib.flow.select import Selection
from chalicelib.ports import World


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out the contacts on channel types that are not chosen for their target."""
    if not any(step.choose for step in message.strategy.steps):
        return selections
    tariffs = {code: _tariff(world, message, code) for code in message.channels}
    ranks = choice.Ranks(tariffs, message.rates)
    return [_chosen(message, selection, ranks) for selection in selections]


def rates(world: World, channel_key: str, strategy: Strategy) -> dict[str, dict[str, float]]:
    """Return the rates that the steps of a strategy choose by, of an access channel's last days."""
    kinds = {step.choose for step in strategy.steps} - {None, Choice.CHEAPEST}
    if not kinds:
        return {}
    today = days.day_of(world.limits, world.clock.now())
    name, first = days.day_key(channel_key, today - choice.DAYS + 1)
    _, last = days.day_key(channel_key, today)
    counts = [day.body["counts"] for day in world.figures.between(name, first, last)]
    return {kind.value: choice.rates(counts, kind) for kind in kinds if kind}


def _chosen(message: Message, selection: Selection, ranks: Ranks) -> Selection:
    target, contacts = choice.choose(
        message.strategy, message.channels, selection.target, selection.contacts, ranks
    )
    return selection._replace(target=target, contacts=contacts)


def _tariff(world: World, message: Message, code: str) -> Tariff | None:
    channel = world.settings.channel(elements.channel_of(code))
    if channel is None or not prices.is_priced(channel):
        return None
    content = render.filled(world, message.contents[code], message.links)
    return prices.tariff(channel, content)
