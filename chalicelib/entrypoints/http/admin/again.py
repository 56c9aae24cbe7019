"""The body of any message, and sending it again, for members."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import sends
from chalicelib.entrypoints.http.admin.messages import sender_of
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.admin.schedules import read_request, sent
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.ums.send import CHECKED

bp = Blueprint(__name__)


@admin(
    bp,
    "messages/{msgid}/body",
    "GET",
    response="again.Body",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def get_any_body(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Get the body of a message as it was accepted, and its contents. Contacts are masked."""
    from chalicelib.reports import again

    key = sender_of(context.world, msgid)
    return {"code": 0, **again.body(context.world, key, msgid, whole=False)}


@admin(
    bp,
    "messages/{msgid}/body",
    "POST",
    response="again.Body",
    errors=(404,),
    tag="messages",
    role=Role.OPERATOR,
)
def show_any_body(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Show the body of a message with its contacts whole. The audit log has an entry of it."""
    from chalicelib.reports import again

    key = sender_of(context.world, msgid)
    return {"code": 0, **again.body(context.world, key, msgid, whole=True)}


@admin(
    bp,
    "messages/{msgid}/again",
    "POST",
    response="schedules.MessageState",
    status=201,
    errors=(404, *CHECKED),
    tag="messages",
    role=Role.OPERATOR,
)
def send_any_again(context: RequestContext, msgid: str) -> Response:
    """Send a message again, as a member, with today's users, lists and rules."""
    key = sender_of(context.world, msgid)
    body, broadcast = sends.body_again(context.world, key, msgid)
    request = read_request(context, key, body, broadcast=broadcast)
    return sent(context, request, sends.idempotency_key(context, key, {"again": msgid}))
