"""Sending strategies: the order of channels, and the conditions between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import strategy_advice
from chalicelib.domain.members import Role
from chalicelib.domain.strategies import Step, StrategyEntry
from chalicelib.domain.strategy_advice import ByType
from chalicelib.entrypoints.http import cursors, warnings
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.language import Language
from chalicelib.flow import validity
from chalicelib.manage import access_channels, strategies

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.strategies import (
        EstimateBody,
        StrategyBody,
        StrategyChange,
    )

bp = Blueprint(__name__)

# A second's estimates of a member: each reads 30 days twice.
ESTIMATES = ("estimates", 5)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "response": "strategies.Strategy"}


@admin(
    bp,
    "strategies",
    "POST",
    request="strategies.StrategyBody",
    status=201,
    errors=(404,),
    **CHANGES,
)
def add_strategy(context: RequestContext) -> Response:
    """Add a strategy for an access channel."""
    body: StrategyBody = context.body()
    return _tagged(
        context,
        strategies.add(context.world, known_key(body.channel_key), body.name, body.strategy()),
        201,
    )


@admin(
    bp,
    "strategies/estimate",
    "POST",
    request="strategies.EstimateBody",
    response="strategies.Estimate",
    errors=(404,),
    rate=ESTIMATES,
    role=Role.READ_ONLY,
)
def estimate_strategy(context: RequestContext) -> dict[str, Any]:
    """Estimate how many of 1,000 people would enter each step, by the rates of 30 days."""
    from chalicelib.reports import estimates

    body: EstimateBody = context.body()
    key = access_channels.get(context.world, known_key(body.channel_key)).key
    return estimates.of_strategy(context.world, key, body.strategy())


@admin(
    bp,
    "strategies",
    "GET",
    query="base.OfOwner",
    response="strategies.Strategies",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_strategies(context: RequestContext) -> Any:
    """List the strategies of an access channel."""
    query: OfOwner = context.query()
    access = access_channels.get(context.world, known_key(query.channel_key))
    reports = validity.measured(context.world, access)
    return cursors.page(
        "strategies",
        context,
        cursors.number,
        lambda after, limit: strategies.page(context.world, access.key, after, limit),
        lambda entry: entry.number,
        lambda entry: _shown(entry, reports, context.language),
    )


@admin(bp, "strategies/{rule_id}", "GET", response="strategies.Strategy", role=Role.READ_ONLY)
def get_strategy(context: RequestContext, rule_id: str) -> Response:
    """Get a strategy."""
    return _tagged(context, strategies.get(context.world, number(rule_id)))


@admin(
    bp, "strategies/{rule_id}", "PUT", request="strategies.StrategyChange", matches=True, **CHANGES
)
def change_strategy(context: RequestContext, rule_id: str) -> Response:
    """Replace a strategy. Accepted messages keep the version that they were accepted with."""
    body: StrategyChange = context.body()
    return _tagged(
        context,
        strategies.change(
            context.world, number(rule_id), expected(context), body.name, body.strategy()
        ),
    )


@admin(bp, "strategies/{rule_id}", "DELETE", status=204, role=Role.OPERATOR, errors=(409, 412))
def delete_strategy(context: RequestContext, rule_id: str) -> Response:
    """Delete a strategy. Messages that were accepted with it continue."""
    strategies.delete(context.world, number(rule_id), expected_if_given(context))
    return Response("", {}, 204)


def _tagged(context: RequestContext, entry: StrategyEntry, status: int = 200) -> Response:
    access = access_channels.get(context.world, entry.channel_key)
    reports = validity.measured(context.world, access)
    return tagged(_shown(entry, reports, context.language), entry.version, status)


def _shown(entry: StrategyEntry, reports: ByType, language: Language) -> dict[str, Any]:
    closed = [kind.value for kind in entry.strategy.channels if kind not in reports]
    return {
        "rule_id": entry.number,
        "channel_key": entry.channel_key,
        "name": entry.name,
        "steps": [_step(step) for step in entry.strategy.steps],
        "valid": not closed,
        "closed": closed,
        **warnings.told(strategy_advice.warnings(entry.strategy, reports), language),
        "version": entry.version,
    }


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"channels": [channel.value for channel in step.channels]}
    if step.choose:
        shown["choose"] = step.choose.value
    if step.terms:
        terms = [
            {"channel": term.channel.value, "missing": term.missing.value, "within": term.within}
            for term in step.terms
        ]
        shown["condition"] = {"operator": step.operator.value, "terms": terms}
    return shown
