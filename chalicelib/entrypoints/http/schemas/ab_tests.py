"""A/B tests: their variants, their figures and their decision."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.rules import ab_tests
from chalicelib.domain.rules.ab_tests import BUCKETS, AbTest, Metric, Phase, Then, Variant
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    LongListQuery,
    Name,
    Page,
    Strict,
    Versioned,
    matching,
    refusal,
)
from chalicelib.entrypoints.http.schemas.schedules import MessageBody
from chalicelib.entrypoints.http.schemas.simulation import Simulation

MAX_MINUTES = 60 * 24 * 60  # as long as messages are kept at most
FIXED_OPTIONS = ("black_id", "white_id")


def _buckets(percent: float) -> float:
    if abs(percent * BUCKETS / 100 - round(percent * BUCKETS / 100)) > 1e-6:
        raise refusal(PARAMETER, "at most two decimals", "最多两位小数")
    return percent


def _overlay(message: dict[str, Any]) -> dict[str, Any]:
    """Check that all variants are for the people of the test."""
    option = message.get("option")
    named = [name for name in message if name.startswith("aud_")]
    named += [name for name in FIXED_OPTIONS if isinstance(option, dict) and name in option]
    if named:
        raise refusal(
            PARAMETER,
            f"{named[0][:64]}: the audience is the same for all variants",
            f"{named[0][:64]}：各方案的目标相同，不能单独指定",
        )
    return message


Percent = Annotated[float, Field(gt=0, le=100), AfterValidator(_buckets)]
VariantName = Annotated[
    str, matching(r"[A-Za-z0-9_-]+", "letters, digits, _ or -", "字母、数字、_ 或 -", 20)
]


class VariantBody(Strict):
    """A variant: its share of the audience, and what its send has in the place of the test's."""

    name: VariantName
    share: Percent
    message: Annotated[dict[str, Any], AfterValidator(_overlay)] = {}


class AbTestBody(MessageBody):
    """An A/B test, which starts at once. The first variant is the baseline."""

    name: Name
    variants: Annotated[
        list[VariantBody],
        Field(min_length=ab_tests.MIN_VARIANTS, max_length=ab_tests.MAX_VARIANTS),
    ]
    holdout: Annotated[float, Field(ge=0, lt=100), AfterValidator(_buckets)] = 0
    metric: Annotated[Metric, Field(strict=False)] = Metric.CLICKED
    minutes: Annotated[int, Field(ge=1, le=MAX_MINUTES)]
    confidence: Annotated[float, Field(ge=80, le=99.9)] = 95
    if_winner: Literal["send", "ask"] = "send"
    if_none: Literal["baseline", "ask"] = "ask"

    @model_validator(mode="after")
    def _whole(self) -> AbTestBody:
        names = [variant.name for variant in self.variants]
        if len(set(names)) < len(names):
            raise refusal(PARAMETER, "two variants have the same name", "方案名称重复")
        if self.test().rest_share < 0:
            raise refusal(
                PARAMETER,
                "the shares and the holdout exceed 100 percent together",
                "各方案与对照组的比例之和超过 100%",
            )
        return self

    def test(self) -> AbTest:
        return AbTest(
            variants=tuple(Variant(of.name, _number(of.share)) for of in self.variants),
            holdout=_number(self.holdout),
            metric=self.metric,
            minutes=self.minutes,
            confidence=round(self.confidence / 100, 6),
            if_winner=Then(self.if_winner),
            if_none=Then(self.if_none),
        )


def _number(percent: float) -> int:
    return round(percent * BUCKETS / 100)


class WinnerBody(Strict):
    """The variant that the rest of the audience gets."""

    variant: Annotated[str, Field(min_length=1, max_length=20)]


class CancelBody(Strict):
    """A cancellation. `withdraw` takes the messages back that were sent."""

    withdraw: bool = False


class AbTestsQuery(LongListQuery):
    channel_key: Annotated[str, Field(min_length=1)]


class FailureShown(Answer):
    """The reason why a message did not come about, or does not count."""

    outcome: str
    code: int
    reason: str


class RestShown(Answer):
    """The message to the rest of the audience."""

    variant: str
    by: str | None
    time: int
    msgid: str | None
    failure: FailureShown | None


class AbTestLine(Versioned):
    """An A/B test as lists show it."""

    id: str
    channel_key: str
    name: str
    state: Phase
    created: int
    audience: AudienceKind
    metric: Metric
    minutes: int
    confidence: float
    holdout: float
    rest: float
    if_winner: Then
    if_none: Then
    winner: str | None
    decided: int | None
    sent: RestShown | None


class FiguresShown(Answer):
    """People of a variant, by the stages of the funnel."""

    planned: int
    valid: int
    submitted: int
    delivered: int
    clicked: int


class IntervalShown(Answer):
    low: float
    high: float


class VariantShown(Answer):
    """A variant with its figures: as they are now, or `final` ones as they were at its end."""

    name: str
    share: float
    baseline: bool
    message: dict[str, Any] | None
    msgid: str | None
    failure: FailureShown | None
    ends: int | None
    final: bool
    measured: int | None
    figures: FiguresShown | None
    rate: float | None
    interval: IntervalShown | None


class ComparisonShown(Answer):
    """A variant beside the baseline, by Fisher's exact test with Holm's correction."""

    variant: str
    p: float
    adjusted: float
    certain: bool


class AbTestShown(AbTestLine):
    """An A/B test with its variants. Its bodies are null once they are deleted."""

    broadcast: bool
    message: dict[str, Any] | None
    variants: list[VariantShown]
    comparisons: list[ComparisonShown]


class AbTests(Page):
    ab_tests: list[AbTestLine]


class GroupShown(Answer):
    """The group of a user id in an A/B test, whether or not the audience includes it."""

    id: str
    target: str
    bucket: int
    group: Literal["variant", "holdout", "rest"]
    variant: str | None
    msgid: str | None


class VariantSimulation(Answer):
    variant: str
    simulation: Simulation


class AbTestSimulation(Answer):
    """The simulation of each message of a test. `rest`: with the content of the baseline."""

    variants: list[VariantSimulation]
    rest: Simulation | None
