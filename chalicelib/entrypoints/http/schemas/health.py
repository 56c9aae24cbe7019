"""The health of a delivery channel."""

from __future__ import annotations

from typing import Literal

from chalicelib.entrypoints.http.schemas.base import Answer
from chalicelib.entrypoints.http.schemas.statistics import Lost, Seconds


class LastError(Lost):
    """A reason of losses, with the time of its last deliveries."""

    last: int


class PoorRate(Answer):
    """The rate that makes a delivery channel poor, below its bound."""

    rate: Literal["acceptance_rate", "delivery_rate"]
    value: float
    bound: float


class Health(Answer):
    """Figures of what a delivery channel has sent in the last 24 hours, with usual rates."""

    delivery_channel: str
    state: Literal["good", "poor", "quiet"]
    poor: PoorRate | None
    planned: int
    valid: int
    submitted: int
    delivered: int
    clicked: int
    acceptance_rate: float | None
    delivery_rate: float | None
    usual_acceptance_rate: float | None
    usual_delivery_rate: float | None
    receipt_seconds: Seconds
    errors: list[LastError]
    paused: bool
    quota_used: int | None
    quota: int | None


class HealthOfAll(Answer):
    channels: list[Health]
