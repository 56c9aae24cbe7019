"""GET /v1/messages/{msgid} and what became of one of its targets. Only for the message's own access channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http.route import Auth, Call, known_msgid, route, ums_error
from chalicelib.flow import withdraw
from chalicelib.reports import message

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.messages import Named

bp = Blueprint(__name__)


@route(
    bp,
    "/v1/messages/{msgid}",
    "GET",
    auth=Auth.CHANNEL,
    shape=ums_error,
    gives="messages.Report",
    tag="messages",
)
def get_message(call: Call, msgid: str) -> dict[str, Any]:
    """What became of a message."""
    return {"code": 0, **message.message(call.world, call.sender.key, known_msgid(msgid))}


@route(
    bp,
    "/v1/messages/{msgid}/targets/{target}",
    "GET",
    auth=Auth.CHANNEL,
    shape=ums_error,
    gives="messages.Target",
    tag="messages",
)
def get_target(call: Call, msgid: str, target: str) -> dict[str, Any]:
    """What became of one target of a message."""
    return {"code": 0, **message.target(call.world, call.sender.key, known_msgid(msgid), target)}


@route(
    bp,
    "/v1/messages/{msgid}/targets",
    "POST",
    auth=Auth.CHANNEL,
    shape=ums_error,
    takes="messages.Named",
    gives="messages.Target",
    tag="messages",
)
def find_target(call: Call, msgid: str) -> dict[str, Any]:
    """What became of a target that was named by its registration id. In the body, since addresses are written down in many places."""
    asked: Named = call.body()
    return {
        "code": 0,
        **message.target_with(
            call.world, call.sender.key, known_msgid(msgid), asked.type, asked.contact
        ),
    }


@route(
    bp,
    "/v1/retract/{msgid}",
    "POST",
    auth=Auth.CHANNEL,
    shape=ums_error,
    gives="send.Done",
    tag="sending",
    errors=(404, 1015055, 1019031),
)
def retract(call: Call, msgid: str) -> dict[str, Any]:
    """Withdraw a message of the last 24 hours: what has not left is stopped, what has is taken back where the provider can."""
    withdraw.withdraw(call.world, call.sender.key, known_msgid(msgid))
    return {"code": 0, "message": "success"}
