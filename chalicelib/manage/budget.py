"""The budget of an access channel as operators change it. It holds at once, also for what waits."""

from __future__ import annotations

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.rules.budget import RULE, Budget
from chalicelib.manage import access_channels
from chalicelib.ports import World


def put(world: World, key: str, version: int | None, budget: Budget | None) -> AccessChannel:
    """Set the budget of an access channel. None: it has none."""
    stored = [budget.per_month, budget.warn_at, list(budget.exempt)] if budget else None
    return access_channels.set_rule(world, key, version, RULE, stored)
