"""The function of the clock (Step Functions). A schedule calls it too, so that nothing strands."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.lambdas.runtime import task, time_left
from chalicelib.flow import timers
from chalicelib.ports import World

bp = Blueprint(__name__)

FOR_A_SWEEP = 10_000  # ms that one more sweep may take


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def sweep(world: World, context: Any) -> dict[str, bool]:
    """Wake the timers that are due. `more`: others are due, so that the clock calls again."""
    more = timers.sweep(world)
    while more and time_left(context) > FOR_A_SWEEP:
        more = timers.sweep(world)
    return {"more": more}
