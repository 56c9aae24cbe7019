"""Simulations of sends."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, RootModel

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.base import Answer, Strict, Warned
from chalicelib.entrypoints.http.schemas.messages import Losses
from chalicelib.entrypoints.http.schemas.send import (
    OrdinaryBroadcast,
    OrdinarySend,
    TemplateBroadcast,
    TemplateSend,
)


class AnyBody(RootModel[TemplateSend | OrdinarySend | TemplateBroadcast | OrdinaryBroadcast]):
    """The body of any send. Without an `aud_…` field it is that of a broadcast."""


class SimulationBody(Strict):
    channel_key: Annotated[str, Field(min_length=1)]
    send: dict[str, Any]


class PlannedUsers(Answer):
    planned: int
    valid: int


class PlannedFunnel(Answer):
    users: PlannedUsers
    channels: dict[ChannelType, int]


class HoldShown(Answer):
    until: int
    reason: str


class StepShown(Answer):
    step: int
    channels: list[ChannelType]
    begins: int
    targets: int


class Example(Answer):
    """The content of one person, whose contact is masked."""

    contact: str
    content: dict[str, Any]


class ElementShown(Answer):
    """The deliveries of one content on one delivery channel, if everybody enters its step."""

    step: int
    channel: ChannelType
    code: str
    element: int
    deliveries: int
    calls: int
    parts: int | None
    price: float
    cost: float
    example: Example | None


class Simulation(Warned):
    code: int
    targets: int
    sampled: int
    error: float
    hold: HoldShown | None
    reviews: int
    funnel: PlannedFunnel
    losses: Losses
    steps: list[StepShown]
    deliveries: list[ElementShown]
    cost: float
    currency: str
    aws_usd: float
