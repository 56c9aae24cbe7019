"""Choose one channel type of a step for a target: the cheapest, or the one with the best rate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import Target, Unchosen
from chalicelib.domain.prices import Tariff
from chalicelib.domain.strategies import Choice, Strategy
from chalicelib.domain.values import frozen

Contacts = Mapping[str, tuple[str, ...]]

DAYS = 30  # whose figures make a rate, with today
ENOUGH = 100  # submissions in these days, without which there is no rate


@frozen
class Ranks:
    """The order of channel types. `tariffs`: by code, None: it costs nothing. `rates`: as a
    message has.
    """

    tariffs: Mapping[str, Tariff | None]
    rates: Mapping[str, Mapping[str, float]]

    def cost(self, choice: Choice, kind: ChannelType, contacts: Contacts) -> float:
        """Return a number that is lower for a better channel type.

        The price is that of all deliveries to a target. A type without a rate comes last.
        """
        if choice is Choice.CHEAPEST:
            tariffs = {code: tariff for code in contacts if (tariff := self.tariffs[code])}
            return sum(tariff.cost(contacts[code]) for code, tariff in tariffs.items())
        return -self.rates.get(choice.value, {}).get(kind.value, -1.0)


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
    reached = "clicked" if by is Choice.MOST_CLICKED else "delivered"
    return {
        kind: round(stages[kind, reached] / submitted, 4)
        for (kind, stage), submitted in stages.items()
        if stage == "submitted" and submitted >= ENOUGH
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
        if step.choose is None:
            continue
        reached = {
            kind: codes
            for kind in step.channels
            if (codes := [code for code in contacts if channels[code] is kind])
        }
        costs = {
            kind: ranks.cost(step.choose, kind, {code: contacts[code] for code in codes})
            for kind, codes in reached.items()
        }
        chosen = min(costs, key=lambda kind: costs[kind], default=None)
        is_price = step.choose is Choice.CHEAPEST
        reason = Unchosen.DEARER if is_price else Unchosen.LOWER_RATE
        for kind, codes in reached.items():
            left_out |= dict.fromkeys(codes if kind is not chosen else (), reason.value)
    kept = {code: of_code for code, of_code in contacts.items() if code not in left_out}
    numbers = {code: number for code, number in target.contacts.items() if code in kept}
    return target._replace(contacts=numbers, refused={**target.refused, **left_out}), kept
