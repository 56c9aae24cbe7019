"""What became of a message and of its targets."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.schemas.audiences import RegistrationId
from chalicelib.entrypoints.http.schemas.base import Answer, Strict


class Version(Answer):
    id: int
    version: int


class Progress(Answer):
    """How many targets there are (null until an audience has been walked) and are planned; and what is open: people, and deliveries."""

    targets: int | None
    planned: int
    undecided: int
    unsubmitted: int
    awaiting_receipt: int


class Stages(Answer):
    planned: int
    valid: int
    submitted: int
    delivered: int
    clicked: int


class ChannelStages(Stages):
    """Beside the stages: mails that were opened, and links that a program looked at."""

    opened: int = 0
    scanned: int = 0


class Funnel(Answer):
    users: Stages
    channels: dict[ChannelType, ChannelStages]


class Losses(Answer):
    """Reason -> count."""

    users: dict[str, int]
    channels: dict[ChannelType, dict[str, int]]


class StepTargets(Answer):
    step: int
    channels: list[ChannelType]
    targets: int


class Report(Answer):
    """Times are milliseconds since the epoch. `tracked`: the channel types on which short links count this message's clicks."""

    code: int
    msgid: str
    status: Literal["accepted", "sending", "finished", "withdrawn"]
    accepted: int
    priority: int
    template: Version | None
    rule_id: int
    sendno: str
    progress: Progress
    funnel: Funnel
    steps: list[StepTargets]
    losses: Losses
    tracked: list[ChannelType]
    balanced: bool


class Named(Strict):
    """A target by its registration id."""

    type: Annotated[ChannelType, Field(strict=False)]
    contact: RegistrationId


class FactShown(Answer):
    fact: str
    time: int
    code: str
    source: str


class Delivery(Answer):
    """`contact` is a position: contacts are never shown."""

    step: int
    channel: ChannelType
    code: str
    contact: int
    state: str
    decided: int
    provider_id: str
    withdrawal: str | None
    facts: list[FactShown]


class Target(Answer):
    code: int
    msgid: str
    target: str
    state: str
    loss: str | None
    planned: int | None = None
    refused: dict[str, str]
    deliveries: list[Delivery]
