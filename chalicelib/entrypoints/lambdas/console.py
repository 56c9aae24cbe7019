"""The function of the console's pages. API Gateway calls it for everything below `/console`."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib import observability, wiring

bp = Blueprint(__name__)


@bp.lambda_function()  # type: ignore[untyped-decorator]
def console(event: Any, context: Any) -> dict[str, Any]:
    """Answer a request of a browser."""
    from chalicelib.entrypoints.http.console import door

    http = event["requestContext"]["http"]
    fields = {
        "function": "console",
        "route": http["method"],
        "request": str(event["requestContext"].get("requestId", "")),
        "source": observability.shown_source(str(http.get("sourceIp", ""))),
    }
    with observability.unit_of_work(**fields), wiring.hurried():
        return door.answer(wiring.world(), event)
