"""Messages: their reports, their targets, and the list for operators."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.plans import Unchosen
from chalicelib.domain.strategies import Choice
from chalicelib.entrypoints.http.schemas.audiences import RegistrationId
from chalicelib.entrypoints.http.schemas.base import Answer, LongListQuery, Page, Strict


class Version(Answer):
    id: int
    version: int


class Progress(Answer):
    """The targets of a message, and the people and deliveries that are still open."""

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
    """The stages of a channel type, with opened mails, links that a bot fetched, and complaints."""

    opened: int = 0
    scanned: int = 0
    complained: int = 0


class Funnel(Answer):
    users: Stages
    channels: dict[ChannelType, ChannelStages]


class Losses(Answer):
    """Losses by reason."""

    users: dict[str, int]
    channels: dict[ChannelType, dict[str, int]]


class StepTargets(Answer):
    step: int
    channels: list[ChannelType]
    targets: int


class Withdrawal(Answer):
    """Deliveries of a withdrawn message, by what became of them."""

    stopped: int
    recalled: int
    failed: int
    open: int


class OfAbTest(Answer):
    """The A/B test that a message belongs to."""

    id: str
    variant: str


class Report(Answer):
    """The report of a message. Times are milliseconds since the epoch."""

    code: int
    msgid: str
    status: Literal[
        "accepted",
        "sending",
        "finished",
        "withdrawn",
        "scheduled",
        "in_review",
        "rejected",
        "cancelled",
        "refused",
        "missed",
        "expired",
        "sent",
    ]
    name: str
    owner: str
    origin: str
    sender: str | None
    accepted: int
    ended: int | None
    held_until: int | None
    hold_reason: str | None
    priority: int
    template: Version | None
    rule_id: int
    ab_test: OfAbTest | None
    sendno: str
    progress: Progress
    funnel: Funnel
    steps: list[StepTargets]
    losses: Losses
    tracked: list[ChannelType]
    balanced: bool
    withdrawal: Withdrawal | None


class ComparedRate(Answer):
    """A rate of a message, and the usual one. null: there was nothing to divide by."""

    rate: float | None
    mean: float | None
    p10: float | None
    p90: float | None


class ComparedChannel(Answer):
    channel_type: ChannelType
    delivery_rate: ComparedRate
    click_rate: ComparedRate


class Comparison(Answer):
    """A message beside the days of its access channel up to it, by channel type."""

    days: int
    channels: list[ComparedChannel]


class Retracted(Answer):
    """A withdrawn message. `withdrawal` is null while a large audience is not counted yet.

    It is null, too, for a request that was cancelled before it became a message.
    """

    code: int
    message: str
    withdrawal: Withdrawal | None


class TargetQuery(Strict):
    """A target, named by its registration id."""

    type: Annotated[ChannelType, Field(strict=False)]
    contact: RegistrationId


class FactShown(Answer):
    fact: str
    time: int
    code: str
    source: str
    zh: str
    en: str


class Sentence(Answer):
    """A reason in words, with advice."""

    zh: str
    en: str
    advice_zh: str
    advice_en: str


class Delivery(Answer):
    """A delivery. `contact` is a position, and `masked` the contact there."""

    step: int
    channel: ChannelType
    code: str
    element: int
    contact: int
    masked: str
    state: str
    decided: int
    provider_id: str
    withdrawal: str | None
    facts: list[FactShown]


class CheckShown(Answer):
    """A check of a target. `channels` says why it left contacts out, by delivery channel."""

    check: str
    outcome: Literal["passed", "failed", "left_out"]
    channels: dict[str, str]


class TermShown(Answer):
    channel: ChannelType
    missing: Literal["delivered", "clicked"]
    within: int
    outcome: Literal["missing", "reached", "open"]
    time: int | None


class ConditionShown(Answer):
    """The condition of a step for a target."""

    step: int
    channels: list[ChannelType]
    operator: Literal["and", "or"]
    outcome: Literal["began", "due", "open", "reached", "withdrawn"]
    time: int | None
    terms: list[TermShown]


class ChosenChannel(Answer):
    """A channel type that a step has chosen for the target."""

    step: int
    choose: Choice
    channel: ChannelType
    reason: Unchosen | None
    zh: str
    en: str


class Waiting(Answer):
    """A step that the target waits for."""

    step: int
    until: int
    reason: str
    zh: str
    en: str


class Target(Answer):
    code: int
    msgid: str
    target: str
    state: str
    loss: str | None
    why: Sentence | None
    planned: int | None = None
    refused: dict[str, str]
    checks: list[CheckShown]
    conditions: list[ConditionShown]
    choices: list[ChosenChannel]
    waiting: Waiting | None
    deliveries: list[Delivery]


class MessagesQuery(LongListQuery):
    channel_key: Annotated[str, Field(min_length=1)]
    since: Annotated[int, Field(ge=0, lt=10**14)] = 0
    until: Annotated[int | None, Field(ge=0, lt=10**14)] = None
    status: Literal["", "accepted", "sending", "finished", "withdrawn"] = ""
    template: Annotated[int | None, Field(ge=0, le=999_999_999)] = None
    origin: Annotated[str, Field(max_length=64)] = ""
    owner: Annotated[str, Field(max_length=64)] = ""
    sender: Annotated[str, Field(max_length=64)] = ""
    text: Annotated[str, Field(max_length=64)] = ""


class ListedFunnel(Stages):
    """Figures of the people of a message, with rates."""

    delivery_rate: float | None
    click_rate: float | None


class Listed(Answer):
    """A message of the list. `targets` is null for tags, segments and everyone."""

    msgid: str
    accepted: int
    ended: int | None
    audience: AudienceKind
    targets: int | None
    priority: int
    template: Version | None
    rule_id: int
    channels: list[ChannelType]
    sendno: str
    owner: str
    name: str
    origin: str
    sender: str | None
    status: Literal["accepted", "sending", "finished", "withdrawn"]
    users: ListedFunnel | None


class Messages(Page):
    messages: list[Listed]
