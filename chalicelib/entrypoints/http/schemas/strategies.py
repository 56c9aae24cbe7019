"""Strategies and their steps."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from chalicelib.domain import strategies as strategy
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.strategies import Choice, Missing, Operator, Step, Term
from chalicelib.entrypoints.http.errors import PARAMETER
from chalicelib.entrypoints.http.schemas.base import (
    Answer,
    Name,
    Page,
    Strict,
    Versioned,
    Warned,
    refusal,
)

Type = Annotated[ChannelType, Field(strict=False)]
Awaited = Annotated[Missing, Field(strict=False)]


class TermBody(Strict):
    channel: Type
    missing: Awaited
    within: int


class Condition(Strict):
    """Terms, or one `missing` and `within` for every channel of the step before."""

    operator: Annotated[Operator, Field(strict=False)] = Operator.AND
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=20)] | None = None
    missing: Awaited | None = None
    within: int | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Condition:
        short = self.missing is not None and self.within is not None
        if short == (self.terms is not None) or (
            self.terms is not None and (self.missing or self.within)
        ):
            raise refusal(
                PARAMETER,
                "must have either terms, or missing and within",
                "须有 terms，或者 missing 与 within",
            )
        return self

    def all_terms(self, before: tuple[ChannelType, ...]) -> tuple[Term, ...]:
        if self.terms is not None:
            return tuple(Term(term.channel, term.missing, term.within) for term in self.terms)
        assert self.missing is not None and self.within is not None  # noqa: PT018 checked above
        return tuple(Term(channel, self.missing, self.within) for channel in before)


class StepBody(Strict):
    channels: Annotated[list[Type], Field(min_length=1, max_length=9)]
    condition: Condition | None = None
    choose: Annotated[Choice, Field(strict=False)] | None = None


class StrategyChange(Strict):
    name: Name
    steps: Annotated[list[StepBody], Field(max_length=9)]

    def strategy(self) -> strategy.Strategy:
        steps: list[Step] = []
        for body in self.steps:
            channels, condition = tuple(body.channels), body.condition
            before = steps[-1].channels if steps else ()
            # The first step must not have a condition: the rules of strategies refuse this one.
            terms = condition.all_terms(before or channels) if condition else ()
            operator = condition.operator if condition else Operator.AND
            steps.append(Step(channels, terms, operator, body.choose))
        return strategy.Strategy(tuple(steps))


class StrategyBody(StrategyChange):
    channel_key: str


class EstimateBody(Strict):
    """Steps of a strategy that need not be stored."""

    channel_key: Annotated[str, Field(min_length=1)]
    steps: Annotated[list[StepBody], Field(max_length=9)]

    def strategy(self) -> strategy.Strategy:
        return StrategyChange(name="-", steps=self.steps).strategy()


class EstimatedStep(Answer):
    step: int
    channels: list[ChannelType]
    people: int | None


class EstimatedRate(Answer):
    channel: ChannelType
    of: Literal["access_channel", "deployment"] | None
    submitted: int
    delivered: float | None
    clicked: float | None


class Estimate(Answer):
    """People of 1,000 who would enter each step, and the rates of 30 days behind it."""

    days: int
    people: int
    steps: list[EstimatedStep]
    delivered: int | None
    rates: list[EstimatedRate]


class ShownTerm(Answer):
    channel: ChannelType
    missing: Missing
    within: int


class ShownCondition(Answer):
    operator: Operator
    terms: list[ShownTerm]


class ShownStep(Answer):
    channels: list[ChannelType]
    condition: ShownCondition | None = None
    choose: Choice | None = None


class Strategy(Warned, Versioned):
    """A strategy, and whether it can be used now."""

    rule_id: int
    channel_key: str
    name: str
    steps: list[ShownStep]
    valid: bool
    closed: list[ChannelType]


class Strategies(Page):
    strategies: list[Strategy]
