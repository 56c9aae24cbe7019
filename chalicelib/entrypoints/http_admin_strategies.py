"""Sending strategies: which channels after which, and on what condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.strategy import Step, Strategy
from chalicelib.entrypoints.http_admin_support import admin, known_key
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.base import OfOwner
    from chalicelib.entrypoints.shapes.strategies import StrategyBody

bp = Blueprint(__name__)


@admin(bp, "strategies", "POST", takes="strategies.StrategyBody", gives="strategies.Strategy", status=201, errors=(404,))
def add_strategy(call: Call) -> Response:
    """Add a strategy for an access channel."""
    body: StrategyBody = call.body()
    strategy = body.strategy()
    rule_id = configure.add_strategy(call.world, known_key(body.channel_key), body.name, strategy)
    return Response(_shown(rule_id, body.channel_key, body.name, strategy), dict(JSON), 201)


@admin(bp, "strategies", "GET", query="base.OfOwner", gives="strategies.Strategies", errors=(404,))
def list_strategies(call: Call) -> dict[str, Any]:
    """The strategies of an access channel."""
    asked: OfOwner = call.asked()
    key = known_key(asked.channel_key)
    return {"strategies": [_shown(number, key, name, each) for number, name, each in configure.strategies(call.world, key)]}


def _shown(number: int, channel_key: str, name: str, strategy: Strategy) -> dict[str, Any]:
    return {"rule_id": number, "channel_key": channel_key, "name": name, "steps": [_step(step) for step in strategy.steps]}


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"channels": [c.value for c in step.channels]}
    if step.terms:
        terms = [{"channel": t.channel.value, "missing": t.missing.value, "within": t.within} for t in step.terms]
        shown["condition"] = {"operator": step.operator.value, "terms": terms}
    return shown
