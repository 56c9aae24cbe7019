"""Choose the channel of steps that send on one channel type only. It costs no request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain import elements
from chalicelib.domain.messages import Message
from chalicelib.domain.rules import choice
from chalicelib.flow.content import render
from chalicelib.flow.select import Selection
from chalicelib.ports import World


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out the contacts on channel types that are not chosen for their target."""
    if not any(step.choose for step in message.strategy.steps):
        return selections
    prices = {code: _price(world, message, code) for code in message.channels}
    return [_chosen(message, selection, prices) for selection in selections]


def _chosen(message: Message, selection: Selection, prices: Mapping[str, float]) -> Selection:
    target, contacts = choice.choose(
        message.strategy, message.channels, selection.target, selection.contacts, prices
    )
    return selection._replace(target=target, contacts=contacts)


def _price(world: World, message: Message, code: str) -> float:
    channel = world.settings.channel(elements.channel_of(code))
    content = render.filled(world, message.contents[code], message.links)
    return choice.price(channel, content) if channel else 0
