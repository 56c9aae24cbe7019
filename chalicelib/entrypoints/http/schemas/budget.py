"""The budget of an access channel."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.prices import in_millionths
from chalicelib.domain.rules import budget
from chalicelib.entrypoints.http.schemas.base import Strict, Versioned

Priorities = Annotated[list[Annotated[int, Field(ge=1, le=3)]], Field(max_length=3)]


class BudgetBody(Strict):
    per_month: Annotated[float, Field(ge=0, le=budget.MOST)]
    warn_at: Annotated[float, Field(gt=0, le=1)] = budget.WARN_AT
    exempt: Priorities = [1]

    def settings(self) -> budget.Budget:
        exempt = tuple(sorted({*self.exempt}))
        return budget.Budget(in_millionths(self.per_month), self.warn_at, exempt)


class Budget(Versioned):
    """The budget of an access channel, whose version this is, and what is used this month."""

    channel_key: str
    per_month: float | None
    warn_at: float | None
    exempt: list[int]
    currency: str
    month: str
    used: float
    state: Literal["off", "ok", "warned", "used_up"]
