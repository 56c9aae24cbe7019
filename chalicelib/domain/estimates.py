"""Estimate how many people each step of a strategy would send to, from rates of the last days.

Channels are taken as independent of each other, and receipts as coming in time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import product
from math import prod

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.rules.choice import ENOUGH
from chalicelib.domain.strategies import Choice, Missing, Operator, Step, Strategy, Term
from chalicelib.domain.values import frozen

PEOPLE = 1000  # of whom the answer says how many

_Outcome = Mapping[ChannelType, int]  # 0: not delivered, 1: delivered, 2: clicked


@frozen
class Rates:
    """Rates of a channel type: delivered and clicked parts of what was submitted."""

    submitted: int
    delivered: float
    clicked: float

    @property
    def shares(self) -> tuple[float, float, float]:
        """The shares of people to whom nothing is delivered, who do not click, and who click."""
        return 1 - self.delivered, self.delivered - self.clicked, self.clicked


def rates_of(days: Iterable[Mapping[str, int]]) -> dict[ChannelType, Rates]:
    """Return the rates of channel types with enough submissions, from the figures of days."""
    stages = Counter[tuple[str, str]]()
    for counts in days:
        for name, number in counts.items():
            family, *words = name.split("|")
            if family == "channel":
                stages[words[0], words[2]] += number
    rates: dict[ChannelType, Rates] = {}
    for (kind, stage), submitted in list(stages.items()):
        if stage == "submitted" and submitted >= ENOUGH:
            delivered = min(1.0, stages[kind, "delivered"] / submitted)
            clicked = min(delivered, stages[kind, "clicked"] / submitted)
            rates[ChannelType(kind)] = Rates(submitted, delivered, clicked)
    return rates


def estimate(
    strategy: Strategy, rates: Mapping[ChannelType, Rates]
) -> tuple[list[int | None], int | None]:
    """Return how many of a thousand enter each step, and to how many something is delivered.

    None: a channel on which it depends has no rate.
    """
    chosen = [_sent_on(step, rates) for step in strategy.steps]
    known = [kind for kinds in chosen for kind in kinds if kind in rates]
    entering, delivered = [0.0] * len(strategy.steps), 0.0
    for levels in product(range(3), repeat=len(known)):
        outcome = dict(zip(known, levels, strict=True))
        weight = prod(rates[kind].shares[level] for kind, level in outcome.items())
        entered = _entered(strategy, chosen, outcome)
        for number in range(entered):
            entering[number] += weight
        sent = (kind for kinds in chosen[:entered] for kind in kinds)
        delivered += weight * any(outcome.get(kind, 0) for kind in sent)
    first = _first_unknown(strategy, chosen, rates)
    people = [_of_people(part) if n < first else None for n, part in enumerate(entering)]
    is_whole = all(kind in rates for kinds in chosen for kind in kinds)
    return people, _of_people(delivered) if is_whole else None


def _of_people(part: float) -> int:
    return round(PEOPLE * part)


def _entered(strategy: Strategy, chosen: list[tuple[ChannelType, ...]], outcome: _Outcome) -> int:
    """Return the number of steps that a person enters."""
    sent = {kind for kinds in chosen for kind in kinds}
    for number, step in enumerate(strategy.steps):
        terms = [term for term in step.terms if term.channel in sent]
        holds = any if step.operator is Operator.OR else all
        if terms and not holds(_holds(term, outcome) for term in terms):
            return number
    return len(strategy.steps)


def _holds(term: Term, outcome: _Outcome) -> bool:
    return outcome.get(term.channel, 0) < (2 if term.missing is Missing.CLICKED else 1)


def _sent_on(step: Step, rates: Mapping[ChannelType, Rates]) -> tuple[ChannelType, ...]:
    """Return the channel types on which an estimate counts a step: usually all of them.

    A step that chooses one channel for each person counts on one: the first (`cheapest`), or the
    one with the best rate.
    """
    if step.choose in (None, Choice.CHEAPEST):
        return step.channels if step.choose is None else step.channels[:1]

    def rate(kind: ChannelType) -> float:
        of_kind = rates.get(kind)
        if of_kind is None:
            return -1.0
        return of_kind.delivered if step.choose is Choice.BEST else of_kind.clicked

    return (max(step.channels, key=rate),)


def _first_unknown(
    strategy: Strategy,
    chosen: list[tuple[ChannelType, ...]],
    rates: Mapping[ChannelType, Rates],
) -> int:
    """Return the first step whose condition asks about a channel without a rate."""
    sent = {kind for kinds in chosen for kind in kinds}
    for number, step in enumerate(strategy.steps):
        if any(term.channel in sent and term.channel not in rates for term in step.terms):
            return number
    return len(strategy.steps)
