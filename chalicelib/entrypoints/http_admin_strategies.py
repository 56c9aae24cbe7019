"""Sending strategies: which channels after which, and on what condition."""

from __future__ import annotations

from typing import Annotated, Any

from chalice.app import Blueprint, Response
from pydantic import Field, model_validator

from chalicelib.domain.channels import ChannelType
from chalicelib.domain.strategy import Missing, Operator, Step, Strategy, Term
from chalicelib.entrypoints.bodies import PARAMETER, Strict, refusal
from chalicelib.entrypoints.http_admin_support import Name, admin, known_key, owner_of
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

bp = Blueprint(__name__)

Type = Annotated[ChannelType, Field(strict=False)]
Awaited = Annotated[Missing, Field(strict=False)]


class TermBody(Strict):
    channel: Type
    missing: Awaited
    within: int


class Condition(Strict):
    """Terms; or, in short, one `missing` and `within` for every channel of the step before."""

    operator: Annotated[Operator, Field(strict=False)] = Operator.AND
    terms: Annotated[list[TermBody], Field(min_length=1, max_length=20)] | None = None
    missing: Awaited | None = None
    within: int | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Condition:
        short = self.missing is not None and self.within is not None
        if short == (self.terms is not None) or (self.terms is not None and (self.missing or self.within)):
            raise refusal(PARAMETER, "must have either terms, or missing and within")
        return self

    def all_terms(self, before: tuple[ChannelType, ...]) -> tuple[Term, ...]:
        if self.terms is not None:
            return tuple(Term(t.channel, t.missing, t.within) for t in self.terms)
        assert self.missing is not None and self.within is not None  # noqa: PT018 checked above
        return tuple(Term(channel, self.missing, self.within) for channel in before)


class StepBody(Strict):
    channels: Annotated[list[Type], Field(min_length=1, max_length=9)]
    condition: Condition | None = None


class StrategyBody(Strict):
    channel_key: str
    name: Name
    steps: Annotated[list[StepBody], Field(max_length=9)]

    def strategy(self) -> Strategy:
        steps: list[Step] = []
        for body in self.steps:
            channels, condition = tuple(body.channels), body.condition
            before = steps[-1].channels if steps else ()
            # A condition of the first step has nothing before it: kept, so that the rules of strategies refuse it.
            terms = condition.all_terms(before or channels) if condition else ()
            steps.append(Step(channels, terms, condition.operator if condition else Operator.AND))
        return Strategy(tuple(steps))


@admin(bp, "strategies", "POST")
def add_strategy(call: Call) -> Response:
    body = call.body(StrategyBody)
    strategy = body.strategy()
    rule_id = configure.add_strategy(call.world, known_key(body.channel_key), body.name, strategy)
    return Response(_shown(rule_id, body.channel_key, body.name, strategy), dict(JSON), 201)


@admin(bp, "strategies", "GET")
def list_strategies(call: Call) -> dict[str, Any]:
    key = owner_of(call)
    return {"strategies": [_shown(number, key, name, each) for number, name, each in configure.strategies(call.world, key)]}


def _shown(number: int, channel_key: str, name: str, strategy: Strategy) -> dict[str, Any]:
    return {"rule_id": number, "channel_key": channel_key, "name": name, "steps": [_step(step) for step in strategy.steps]}


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"channels": [c.value for c in step.channels]}
    if step.terms:
        terms = [{"channel": t.channel.value, "missing": t.missing.value, "within": t.within} for t in step.terms]
        shown["condition"] = {"operator": step.operator.value, "terms": terms}
    return shown
