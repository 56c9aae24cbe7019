"""The function that the clock (Step Functions) calls, and a schedule too, so no timer strands."""

from __future__ import annotations

import datetime
from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.lambdas.runtime import Again, task, time_left
from chalicelib.flow import timers
from chalicelib.ports import World

bp = Blueprint(__name__)

FOR_A_SWEEP = 10_000  # ms that one more sweep may take
FOR_A_TICK = 300_000  # ms in which a tick goes on, as long as until the next scheduled sweep


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def sweep(world: World, event: Any, context: Any) -> dict[str, Any]:
    """Sweep until no timer is due. Raise Again if there is no time for all.

    An answer that the clock had to read would cost a state more for each tick.
    A tick leaves the rest to later ones and the schedule after some minutes. Sweeps that overlap
    hand out the same timers. So a long rush must not have ever more of them.
    """
    tick = _tick(event)
    while timers.sweep(world, tick):
        if time_left(context) <= FOR_A_SWEEP:
            if tick and world.clock.now() - tick > FOR_A_TICK:
                return {}
            raise Again("more timers are due")
    return {}


def _tick(event: Any) -> int:
    """Return the time (ms) that the clock waited for, or 0 if the schedule called."""
    at = event.get("at")
    return round(datetime.datetime.fromisoformat(at).timestamp() * 1000) if at else 0
