"""Consents that senders have got from people. An extension of UMS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.consents import ConsentEntries

bp = Blueprint(__name__)


@route(
    bp,
    "/v1/consents",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    request="consents.ConsentEntries",
    response="consents.Done",
    tag="users",
)
def record_consents(context: RequestContext) -> dict[str, Any]:
    """Record consents of contacts, or that they were taken back. The latest word counts."""
    from chalicelib.manage.consents import record

    body: ConsentEntries = context.body()
    record(context.world, context.sender.key, body.said())
    return {"code": 0, "message": "success"}
