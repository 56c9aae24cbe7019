"""Choose one channel type of a step for a target: by price, by rates, or by what it prefers.

Rates are those of the target itself where enough is known of it, otherwise those of all people.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field

from chalicelib.domain import sms
from chalicelib.domain.delivery_channels import Channel, ChannelType
from chalicelib.domain.plans import Target, Unchosen
from chalicelib.domain.strategies import Choice, Strategy
from chalicelib.domain.templates import Content
from chalicelib.domain.values import frozen

Contacts = Mapping[str, tuple[str, ...]]
Rates = Mapping[str, Mapping[str, float]]  # choice -> channel type -> rate

RULE = "choice"  # in AccessChannel.rules
DAYS = 30  # whose figures make a rate, with today
ENOUGH = 100  # submissions to all people in these days, without which there is no rate
ENOUGH_OWN = 3  # submissions to one person, likewise


@frozen
class Ranks:
    """The order of channel types for a target.

    `prices`: of a delivery, by code. `rates`: of all people, as a message has. `own`: of the target
    itself. `preferred`: the channel type that the target prefers, empty for none.
    """

    prices: Mapping[str, float]
    rates: Rates
    own: Rates = field(default_factory=dict)
    preferred: str = ""

    def cost(self, choice: Choice, kind: ChannelType, contacts: Mapping[str, int]) -> float:
        """Return a number that is lower for a better channel type.

        The price is that of all deliveries to a target. A type without a rate comes last.
        """
        if choice is Choice.CHEAPEST:
            return sum(self.prices[code] * number for code, number in contacts.items())
        if choice is Choice.PREFERENCE:
            return float(kind.value != self.preferred)
        rates = {**self.rates.get(choice.value, {}), **self.own.get(choice.value, {})}
        return -rates.get(kind.value, -1.0)

    def why_not(self, choice: Choice, chosen: ChannelType, other: ChannelType) -> Unchosen:
        """Return the reason why another channel type than the chosen one was worse."""
        if choice is Choice.CHEAPEST:
            return Unchosen.DEARER
        if choice is Choice.PREFERENCE:
            return Unchosen.LESS_PREFERRED
        is_own = not {chosen.value, other.value}.isdisjoint(self.own.get(choice.value, {}))
        return Unchosen.LOWER_OWN_RATE if is_own else Unchosen.LOWER_RATE


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


def rates(days: Iterable[Mapping[str, int]], by: Choice) -> dict[str, float]:
    """Return the rates of channel types, from the figures of days.

    A type with few submissions does not have a rate.
    """
    stages = Counter[tuple[str, str]]()
    for counts in days:
        for name, number in counts.items():
            family, *words = name.split("|")
            if family == "channel":
                stages[words[0], words[2]] += number
    return rates_of(stages, by, ENOUGH)


def rates_of(stages: Mapping[tuple[str, str], int], by: Choice, enough: int) -> dict[str, float]:
    """Return the rates of channel types, from the numbers by type and stage."""
    reached = "clicked" if by is Choice.MOST_CLICKED else "delivered"
    return {
        kind: round(stages.get((kind, reached), 0) / submitted, 4)
        for (kind, stage), submitted in stages.items()
        if stage == "submitted" and submitted >= enough
    }


def choose(
    strategy: Strategy,
    channels: Mapping[str, ChannelType],
    target: Target,
    contacts: Contacts,
    ranks: Ranks,
) -> tuple[Target, Contacts]:
    """Leave out the contacts on other channel types than the chosen one, in steps that choose.

    `channels`: types of delivery channels, by code. Of two types that are as good, the one that
    stands first in the step is chosen.
    """
    left_out: dict[str, str] = {}
    for step in strategy.steps:
        reached = reached_in(step.channels, channels, contacts) if step.choose else {}
        if step.choose is None or not reached:
            continue
        costs = {
            kind: ranks.cost(step.choose, kind, {code: len(contacts[code]) for code in codes})
            for kind, codes in reached.items()
        }
        chosen = min(costs, key=lambda kind: costs[kind])
        for kind, codes in reached.items():
            is_equal = costs[kind] == costs[chosen]
            why = Unchosen.STANDS_LATER if is_equal else ranks.why_not(step.choose, chosen, kind)
            left_out |= dict.fromkeys(codes if kind is not chosen else (), why.value)
    kept = {code: of_code for code, of_code in contacts.items() if code not in left_out}
    numbers = {code: number for code, number in target.contacts.items() if code in kept}
    return target._replace(contacts=numbers, refused={**target.refused, **left_out}), kept


def reached_in(
    types: Sequence[ChannelType], channels: Mapping[str, ChannelType], contacts: Iterable[str]
) -> dict[ChannelType, list[str]]:
    """Return the delivery channels that reach a target, by the channel types of a step."""
    codes = list(contacts)
    by_type = {kind: [code for code in codes if channels[code] is kind] for kind in types}
    return {kind: of_type for kind, of_type in by_type.items() if of_type}
