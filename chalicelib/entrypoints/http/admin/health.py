"""The health of delivery channels, for every member."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import PARTS, admin, known_code, known_key
from chalicelib.entrypoints.http.context import RequestContext

bp = Blueprint(__name__)


@admin(
    bp,
    "channels/{code}/health",
    "GET",
    response="health.Health",
    errors=(404,),
    tag="channels",
    role=Role.READ_ONLY,
)
def get_health(context: RequestContext, code: str) -> dict[str, Any]:
    """Get rates, times and errors of a delivery channel in the last day, against usual ones."""
    from chalicelib.reports import health

    return health.of_channel(context.world, known_code(code))


@admin(
    bp,
    "access-channels/{key}/health",
    "GET",
    response="health.HealthOfAll",
    errors=(404,),
    rate=PARTS,
    tag="channels",
    role=Role.READ_ONLY,
)
def list_health(context: RequestContext, key: str) -> dict[str, Any]:
    """List the health of an access channel's delivery channels, by what it has sent itself."""
    from chalicelib.reports import health

    return {"channels": health.of_access_channel(context.world, known_key(key))}
