"""Figures of a simulation: from plans of a sample to the whole audience. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.funnel import Counts, count, total
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Entrants, Plan
from chalicelib.domain.rules.personal import calls
from chalicelib.domain.values import frozen

CONFIDENCE = 1.96  # standard deviations: nineteen of twenty samples are within
# Dollars of AWS for a million of each, from docs/explanation/performance.md, 2026-11.
USD_MESSAGE, USD_DELIVERY, USD_CALL, USD_LOOKUP, USD_POST = 5.0, 0.4, 1.8, 1.0, 2.5


@frozen
class Sample:
    """Plans of a part of the audience, or of all of it.

    `targets`: those of the whole audience.
    """

    plans: Sequence[Plan]
    targets: int
    is_whole: bool

    @property
    def planned(self) -> int:
        return sum(len(plan.targets) for plan in self.plans)

    def scaled(self, number: int) -> int:
        """Return what a number of the sample means for the whole audience."""
        return round(number * self.targets / self.planned) if self.planned else 0

    @property
    def error(self) -> float:
        """The margin of every share of people, in 95 % of all samples. 0: all were planned."""
        if self.is_whole or not self.planned:
            return 0.0
        rest = max(0, self.targets - self.planned) / max(1, self.targets - 1)
        return round(CONFIDENCE * math.sqrt(0.25 / self.planned * rest), 4)


class Volume(NamedTuple):
    """The deliveries and calls of an element, or of a whole message."""

    deliveries: int
    calls: int


def volume(message: Message, code: str, plans: Iterable[Plan]) -> Volume:
    """Count the deliveries on a channel if every valid target enters its step.

    Where a call carries one content, only people with equal values share a call.
    """
    size, personal = message.call_sizes[code], message.personal.get(code)
    made: list[int] = []
    for plan in plans:
        refs = plan.deliveries(code, Entrants(0, 0, plan.valid, plan.time))
        made += [len(call) for call in calls(refs, size, plan.values, personal)]
    return Volume(sum(made), len(made))


def counts(message: Message, plans: Iterable[Plan]) -> Counts:
    """Count as reports do, if every valid target enters every step."""
    return total(count(message, _all_steps(message, plan)) for plan in plans)


def _all_steps(message: Message, plan: Plan) -> Chunk:
    later = range(1, len(message.strategy.steps))
    return Chunk(plan, tuple(Entrants(step, 0, plan.valid, plan.time) for step in later))


def reached(message: Message, step: int, plans: Iterable[Plan]) -> int:
    """Count the valid targets with a contact in a step."""
    codes = message.codes_of(step)
    return sum(
        any(code in plan.targets[t].contacts for code in codes)
        for plan in plans
        for t in plan.valid
    )


def aws_usd(volumes: Iterable[tuple[Volume, bool, bool]]) -> float:
    """Estimate the dollars of AWS for a message.

    The flags say whether each delivery has an id of its own, and whether its receipt is a request.
    """
    dollars = USD_MESSAGE
    for of_channel, has_lookups, is_posted in volumes:
        per_delivery = USD_DELIVERY + USD_LOOKUP * has_lookups + USD_POST * is_posted
        dollars += of_channel.deliveries * per_delivery + of_channel.calls * USD_CALL
    return round(dollars / 1e6, 6)
