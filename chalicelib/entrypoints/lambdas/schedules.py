"""The functions that schedules call: one each minute, one at the times of stored requests."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib import observability
from chalicelib.entrypoints.lambdas.runtime import task
from chalicelib.flow import poll as poll_step
from chalicelib.flow import timers
from chalicelib.ports import World

bp = Blueprint(__name__)


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def poll(world: World, event: Any, context: Any) -> dict[str, Any]:
    """Start polling providers for receipts, and report how late the timers are."""
    poll_step.start(world)
    observability.metric("oldest_due_seconds", timers.overdue(world))
    return {}


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def schedules(world: World, event: Any, context: Any) -> dict[str, Any]:
    """Carry out the stored request whose time has come. EventBridge Scheduler names it."""
    # Only here, because pydantic and the checks of sends slow a cold start.
    from chalicelib.entrypoints.http import sends
    from chalicelib.flow import ab_tests
    from chalicelib.flow.schedules import carry_out

    carry_out(world, str(event["id"]), sends.door(), ab_tests.advance)
    return {}
