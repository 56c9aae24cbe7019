"""Sending strategies: which channels after which, and on what condition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.members import Role
from chalicelib.domain.strategies import Step, StrategyEntry
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.route import Call
from chalicelib.flow import validity
from chalicelib.manage import access_channels, strategies

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.strategies import StrategyBody, StrategyChange

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "gives": "strategies.Strategy"}


@admin(
    bp, "strategies", "POST", takes="strategies.StrategyBody", status=201, errors=(404,), **CHANGES
)
def add_strategy(call: Call) -> Response:
    """Add a strategy for an access channel."""
    body: StrategyBody = call.body()
    return _tagged(
        call,
        strategies.add(call.world, known_key(body.channel_key), body.name, body.strategy()),
        201,
    )


@admin(bp, "strategies", "GET", query="base.OfOwner", gives="strategies.Strategies", errors=(404,))
def list_strategies(call: Call) -> Any:
    """List the strategies of an access channel."""
    asked: OfOwner = call.asked()
    access = access_channels.get(call.world, known_key(asked.channel_key))
    opened = validity.open_types(call.world, access)
    return cursors.page(
        "strategies",
        call,
        cursors.number,
        lambda after, limit: strategies.page(call.world, access.key, after, limit),
        lambda each: each.number,
        lambda each: _shown(each, opened),
    )


@admin(bp, "strategies/{rule_id}", "GET", gives="strategies.Strategy")
def get_strategy(call: Call, rule_id: str) -> Response:
    """Get a strategy."""
    return _tagged(call, strategies.get(call.world, number(rule_id)))


@admin(
    bp, "strategies/{rule_id}", "PUT", takes="strategies.StrategyChange", matches=True, **CHANGES
)
def change_strategy(call: Call, rule_id: str) -> Response:
    """Replace a strategy. Messages that were accepted keep the one that they were accepted with."""
    body: StrategyChange = call.body()
    return _tagged(
        call,
        strategies.change(call.world, number(rule_id), expected(call), body.name, body.strategy()),
    )


@admin(bp, "strategies/{rule_id}", "DELETE", status=204, role=Role.OPERATOR, errors=(409, 412))
def delete_strategy(call: Call, rule_id: str) -> Response:
    """Delete a strategy. Messages that were accepted with it go on."""
    strategies.delete(call.world, number(rule_id), if_given(call))
    return Response("", {}, 204)


def _tagged(call: Call, entry: StrategyEntry, status: int = 200) -> Response:
    access = access_channels.get(call.world, entry.channel_key)
    return tagged(_shown(entry, validity.open_types(call.world, access)), entry.version, status)


def _shown(entry: StrategyEntry, opened: frozenset[ChannelType]) -> dict[str, Any]:
    closed = [kind.value for kind in validity.closed(entry.strategy.channels, opened)]
    return {
        "rule_id": entry.number,
        "channel_key": entry.channel_key,
        "name": entry.name,
        "steps": [_step(step) for step in entry.strategy.steps],
        "valid": not closed,
        "closed": closed,
        "version": entry.version,
    }


def _step(step: Step) -> dict[str, Any]:
    shown: dict[str, Any] = {"channels": [c.value for c in step.channels]}
    if step.terms:
        terms = [
            {"channel": t.channel.value, "missing": t.missing.value, "within": t.within}
            for t in step.terms
        ]
        shown["condition"] = {"operator": step.operator.value, "terms": terms}
    return shown
