"""A budget: what an access channel may spend on deliveries in a month of the deployment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.plans import TargetLoss
from chalicelib.domain.values import frozen

RULE = "budget"
LOSS = TargetLoss.OVER_BUDGET.value
MOST = 10**9  # of the currency
WARN_AT = 0.8  # share of the budget at which it warns, unless it has its own


@frozen
class Budget:
    """The most (millionths of the currency) of a month, and the share at which it warns.

    Messages of the priorities in `exempt` are neither counted nor refused.
    """

    per_month: int
    warn_at: float = WARN_AT
    exempt: tuple[int, ...] = (Priority.HIGH.value,)

    def state(self, used: int) -> str:
        if used >= self.per_month:
            return "used_up"
        return "warned" if used >= self.warned_from else "ok"

    @property
    def warned_from(self) -> int:
        return round(self.per_month * self.warn_at)


def settings_of(rules: Mapping[str, Any]) -> Budget | None:
    """Read the budget among the rules of an access channel."""
    raw = rules.get(RULE)
    return Budget(raw[0], raw[1], tuple(raw[2])) if raw else None


def applies(rules: Mapping[str, Any], priority: Priority) -> bool:
    budget = settings_of(rules)
    return budget is not None and priority.value not in budget.exempt


def month_of(time: int, hours: float) -> str:
    """Return the month of a time (ms) on a clock that is `hours` ahead of UTC."""
    return datetime.fromtimestamp(time / 1000, timezone(timedelta(hours=hours))).strftime("%Y-%m")


def granted(costs: Sequence[int], left: int) -> list[bool]:
    """Tell for each cost, in their order, whether it fits into what is left."""
    fits: list[bool] = []
    for cost in costs:
        fits.append(cost <= left)
        left -= cost if fits[-1] else 0
    return fits
