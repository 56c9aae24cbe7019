"""The four sending routes of UMS: to everyone or an audience, with a template or own contents."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.http.bodies import without_nulls
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route
from chalicelib.flow import submit

bp = Blueprint(__name__)

# The errors of the checks of a message.
CHECKED: tuple[int, ...] = (
    1015004,
    1015006,
    1015007,
    1015008,
    1015009,
    1015010,
    1015011,
    1015012,
    1019013,
    1019014,
    1015023,
    1015026,
    1015029,
    1015031,
    1015034,
    1015038,
    1015046,
    1019005,
    1019006,
    1019007,
    1015073,
    1019008,
    1015084,
    1015085,
    1015094,
    1015095,
    1015097,
    1019001,
    1019003,
    1019004,
    1019041,
    1019061,
    1019071,
    503,
)

SENDS: dict[str, Any] = {
    "auth": Auth.CHANNEL,
    "error_response": ums_error,
    "response": "send.Accepted",
    "tag": "sending",
    "headers": ("Idempotency-Key",),
    "errors": CHECKED,
}


@route(bp, "/v1/sent", "POST", request="send.AnySend", **SENDS)
def send(context: RequestContext) -> dict[str, Any]:
    """Send a message to an audience."""
    return _send(context, broadcast=False)


@route(bp, "/v1/broadcast", "POST", request="send.AnyBroadcast", **SENDS)
def broadcast(context: RequestContext) -> dict[str, Any]:
    """Send a message to everyone."""
    return _send(context, broadcast=True)


@route(bp, "/v1/template/sent", "POST", request="send.TemplateSend", **SENDS)
def send_template(context: RequestContext) -> dict[str, Any]:
    """Send a template message to an audience."""
    return _send(context, broadcast=False, template=True)


@route(bp, "/v1/template/broadcast", "POST", request="send.TemplateBroadcast", **SENDS)
def broadcast_template(context: RequestContext) -> dict[str, Any]:
    """Send a template message to everyone."""
    return _send(context, broadcast=True, template=True)


def _send(context: RequestContext, *, broadcast: bool, template: bool = False) -> dict[str, Any]:
    """Accept a message, or store it until its time or its approval comes."""
    body = without_nulls(context.json())
    request, sendno = sends.read(context.sender, body, broadcast=broadcast, template=template)
    key = sends.idempotency_key(context, context.sender.key, body)
    request = sends.waiting(request, body, broadcast=broadcast)
    msgid = submit.submit(context.world, request, key)
    return accepted(msgid, sendno)


def accepted(msgid: str, sendno: str) -> dict[str, Any]:
    """Answer as UMS does, which documents `msgid` and shows `msgno`."""
    return {"code": 0, "msgid": msgid, "msgno": msgid, **({"sendno": sendno} if sendno else {})}
