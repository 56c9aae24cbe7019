"""What the clock (Step Functions) calls, and a schedule besides, so that nothing strands."""

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
    """Whether more is due: then the clock calls again."""
    more = timers.sweep(world)
    while more and time_left(context) > FOR_A_SWEEP:
        more = timers.sweep(world)
    return {"more": more}
