"""Estimate the steps of a strategy from what an access channel has sent in the last 30 days."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from chalicelib.domain import estimates
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.estimates import Rates
from chalicelib.domain.figures import DEPLOYMENT
from chalicelib.domain.rules import choice
from chalicelib.domain.strategies import Strategy, check
from chalicelib.flow import days
from chalicelib.ports import World


def of_strategy(world: World, channel_key: str, strategy: Strategy) -> dict[str, Any]:
    """Return how many of 1,000 people would enter each step, with the rates behind it.

    A channel type that the access channel has used too little has the deployment's rate.
    """
    check(strategy)
    today = days.day_of(world.limits, world.clock.now())
    first = today - choice.DAYS + 1
    own, all_together = (
        estimates.rates_of(days.counts_of(world, key, first, today))
        for key in (channel_key, DEPLOYMENT)
    )
    rates = {**all_together, **own}
    people, delivered = estimates.estimate(strategy, rates)
    return {
        "days": choice.DAYS,
        "people": estimates.PEOPLE,
        "steps": [
            {"step": n, "channels": [kind.value for kind in step.channels], "people": entering}
            for n, (step, entering) in enumerate(zip(strategy.steps, people, strict=True), 1)
        ],
        "delivered": delivered,
        "rates": [_rate(kind, own, rates) for kind in strategy.channels],
    }


def _rate(
    kind: ChannelType, own: Collection[ChannelType], rates: Mapping[ChannelType, Rates]
) -> dict[str, Any]:
    known = rates.get(kind)
    of = None if known is None else "access_channel" if kind in own else "deployment"
    return {
        "channel": kind.value,
        "of": of,
        "submitted": known.submitted if known else 0,
        "delivered": round(known.delivered, 4) if known else None,
        "clicked": round(known.clicked, 4) if known else None,
    }
