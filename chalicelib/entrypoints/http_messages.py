"""GET /v1/messages/{msgid} and what became of one of its targets. Only for the message's own access channel."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain import keys
from chalicelib.entrypoints.http_support import Auth, Call, route, ums_error
from chalicelib.flow import report

bp = Blueprint(__name__)


@route(bp, "/v1/messages/{msgid}", "GET", auth=Auth.CHANNEL, shape=ums_error, gives="messages.Report", tag="messages")
def get_message(call: Call, msgid: str) -> dict[str, Any]:
    """What became of a message."""
    return {"code": 0, **report.message(call.world, call.sender.key, _known(msgid))}


@route(bp, "/v1/messages/{msgid}/targets/{target}", "GET", auth=Auth.CHANNEL, shape=ums_error, gives="messages.Target", tag="messages")
def get_target(call: Call, msgid: str, target: str) -> dict[str, Any]:
    """What became of one target of a message."""
    return {"code": 0, **report.target(call.world, call.sender.key, _known(msgid), target)}


def _known(msgid: str) -> str:
    try:
        keys.message_id_bytes(msgid)
    except ValueError:
        raise LookupError("no such message") from None
    return msgid
