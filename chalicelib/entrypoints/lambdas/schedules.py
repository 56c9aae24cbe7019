"""What happens every minute."""

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
