"""The function that the clock (Step Functions) calls. A schedule calls it too, so that no timer strands."""

from __future__ import annotations

import datetime
from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.lambdas.runtime import task, time_left
from chalicelib.flow import timers
from chalicelib.ports import World

bp = Blueprint(__name__)

FOR_A_SWEEP = 10_000  # ms that one more sweep may take


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def sweep(world: World, event: Any, context: Any) -> dict[str, bool]:
    """Sweep, and return whether more timers are due. If so, the clock calls again."""
    tick = _tick(event)
    more = timers.sweep(world, tick)
    while more and time_left(context) > FOR_A_SWEEP:
        more = timers.sweep(world, tick)
    return {"more": more}


def _tick(event: Any) -> int:
    """Return the time (ms) that the clock waited for, or 0 if the schedule called."""
    at = event.get("at")
    return round(datetime.datetime.fromisoformat(at).timestamp() * 1000) if at else 0
