"""The function that a schedule calls every minute."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.lambdas.runtime import task
from chalicelib.flow import poll as poll_step
from chalicelib.ports import World

bp = Blueprint(__name__)


@bp.lambda_function()  # type: ignore[untyped-decorator]
@task
def poll(world: World, context: Any) -> dict[str, Any]:
    """Start polling every provider whose receipts are polled."""
    poll_step.start(world)
    return {}
