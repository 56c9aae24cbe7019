"""Choose one channel type of a step for a target: the cheapest that reaches it."""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain import sms
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.plans import Target, Unchosen
from chalicelib.domain.strategies import Strategy
from chalicelib.domain.templates import Content

Contacts = Mapping[str, tuple[str, ...]]


def parts(channel: Channel, content: Content) -> int | None:
    """Return the parts that a carrier charges for an SMS. None: another kind, or its text is not
    known.
    """
    signature = str(channel.options.get("signature") or "")
    text = sms.text_of(content, signature) if channel.type is ChannelType.SMS else None
    return None if text is None else sms.parts(text)


def price(channel: Channel, content: Content) -> float:
    """Return the operator's price of a delivery, with all parts of an SMS."""
    return (channel.price or 0) * (parts(channel, content) or 1)


def choose(
    strategy: Strategy,
    channels: Mapping[str, ChannelType],
    target: Target,
    contacts: Contacts,
    prices: Mapping[str, float],
) -> tuple[Target, Contacts]:
    """Leave out the contacts on dearer channel types of the steps that choose.

    `channels`: types of delivery channels. `prices`: of a delivery. Both are by code. A type costs the sum of all deliveries to the target there.
    Of two types that cost the same, the one that stands first in the step is chosen.
    """
    left_out: set[str] = set()
    for step in strategy.steps:
        if step.choose is None:
            continue
        reached = {
            kind: [code for code in contacts if channels[code] is kind] for kind in step.channels
        }
        costs = {
            kind: sum(prices[code] * len(contacts[code]) for code in codes)
            for kind, codes in reached.items()
            if codes
        }
        chosen = min(costs, key=lambda kind: costs[kind], default=None)
        left_out |= {
            code for kind, codes in reached.items() if kind is not chosen for code in codes
        }
    kept = {code: of_code for code, of_code in contacts.items() if code not in left_out}
    numbers = {code: number for code, number in target.contacts.items() if code in kept}
    refused = {**target.refused, **dict.fromkeys(sorted(left_out), Unchosen.DEARER.value)}
    return target._replace(contacts=numbers, refused=refused), kept
