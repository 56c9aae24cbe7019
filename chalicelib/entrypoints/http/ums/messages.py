"""The reports of messages and of their targets, for the access channel that sent them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, known_msgid, route
from chalicelib.entrypoints.http.ums.send import CHECKED, SENDS, accepted

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.messages import TargetQuery

bp = Blueprint(__name__)


@route(
    bp,
    "/v1/messages/{msgid}",
    "GET",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    response="messages.Report",
    tag="messages",
)
def get_message(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Get the report of a message."""
    from chalicelib.reports import waiting

    return {"code": 0, **waiting.message(context.world, context.sender.key, known_msgid(msgid))}


@route(
    bp,
    "/v1/messages/{msgid}/targets/{target}",
    "GET",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    response="messages.Target",
    tag="messages",
)
def get_target(context: RequestContext, msgid: str, target: str) -> dict[str, Any]:
    """Get the state of one target of a message."""
    from chalicelib.reports import message

    return {
        "code": 0,
        **message.target(context.world, context.sender.key, known_msgid(msgid), target),
    }


@route(
    bp,
    "/v1/messages/{msgid}/targets",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    request="messages.TargetQuery",
    response="messages.Target",
    tag="messages",
)
def find_target(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Find a target of a message by its registration id.

    The id is in the body, because paths are logged in many places.
    """
    from chalicelib.reports import message

    body: TargetQuery = context.body()
    return {
        "code": 0,
        **message.target_with(
            context.world, context.sender.key, known_msgid(msgid), body.type, body.contact
        ),
    }


@route(
    bp,
    "/v1/messages/{msgid}/body",
    "GET",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    response="again.Body",
    tag="messages",
)
def get_body(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Get the body of a message as it was accepted, and its contents."""
    from chalicelib.reports import again

    key = context.sender.key
    return {"code": 0, **again.body(context.world, key, known_msgid(msgid), whole=True)}


@route(bp, "/v1/messages/{msgid}/again", "POST", **{**SENDS, "errors": (404, *CHECKED)})
def send_again(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Send a message again, with today's users, lists and rules."""
    from chalicelib.flow import submit

    key = context.sender.key
    body, broadcast = sends.body_again(context.world, key, known_msgid(msgid))
    request, sendno = sends.read(context.sender, body, broadcast=broadcast)
    once = sends.idempotency_key(context, key, {"again": msgid})
    request = sends.waiting(request, body, broadcast=broadcast)
    return accepted(submit.submit(context.world, request, once), sendno)


@route(
    bp,
    "/v1/retract/{msgid}",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    response="messages.Retracted",
    tag="sending",
    errors=(404, 409, 1015055, 1019031),
)
def retract(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Withdraw a message of the last 24 hours, or cancel one that waits.

    Deliveries that are not sent yet are stopped. Sent ones are recalled if the provider can.
    """
    from chalicelib.manage import schedules
    from chalicelib.reports import withdrawal

    key = context.sender.key
    became = schedules.withdraw(context.world, key, known_msgid(msgid))
    done = withdrawal.withdrawal(context.world, key, became) if became else None
    return {"code": 0, "message": "success", "withdrawal": done}
