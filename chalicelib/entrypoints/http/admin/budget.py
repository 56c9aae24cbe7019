"""Budget: what an access channel may spend on deliveries in a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.domain.prices import shown
from chalicelib.domain.rules.budget import settings_of
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow.rules import budget as rule
from chalicelib.manage import access_channels, budget

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.budget import BudgetBody

bp = Blueprint(__name__)

ONE = "budget/{key}"


@admin(bp, ONE, "GET", response="budget.Budget", role=Role.READ_ONLY)
def get_budget(context: RequestContext, key: str) -> Response:
    """Get the budget of an access channel, and what of it is used this month."""
    return _tagged(context, access_channels.get(context.world, known_key(key)))


@admin(
    bp,
    ONE,
    "PUT",
    request="budget.BudgetBody",
    response="budget.Budget",
    matches=True,
    role=Role.OPERATOR,
)
def set_budget(context: RequestContext, key: str) -> Response:
    """Set the budget of an access channel. It holds at once."""
    body: BudgetBody = context.body()
    changed = budget.put(context.world, known_key(key), expected(context), body.settings())
    return _tagged(context, changed)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_budget(context: RequestContext, key: str) -> Response:
    """Switch the budget of an access channel off."""
    budget.put(context.world, known_key(key), expected_if_given(context), None)
    return Response("", {}, 204)


def _tagged(context: RequestContext, channel: AccessChannel) -> Response:
    settings = settings_of(channel.rules)
    month, used = rule.used(context.world, channel)
    shown_budget = {
        "channel_key": channel.key,
        "per_month": shown(settings.per_month) if settings else None,
        "warn_at": settings.warn_at if settings else None,
        "exempt": list(settings.exempt) if settings else [],
        "currency": context.world.limits.currency,
        "month": month,
        "used": shown(used),
        "state": settings.state(used) if settings else "off",
        "version": channel.version,
    }
    return tagged(shown_budget, channel.version)
