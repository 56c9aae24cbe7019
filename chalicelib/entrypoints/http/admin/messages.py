"""Messages of all access channels, for operators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import keys, prices
from chalicelib.domain.errors import NotFound
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import allowances, cursors
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.messages import MessagesQuery, TargetQuery
    from chalicelib.reports import messages

bp = Blueprint(__name__)


@admin(
    bp,
    "messages",
    "GET",
    query="messages.MessagesQuery",
    response="messages.Messages",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def list_messages(context: RequestContext) -> dict[str, Any]:
    """List the messages of an access channel, newest first, with their state and figures."""
    from chalicelib.reports import messages

    query: MessagesQuery = context.query()
    key, times = known_key(query.channel_key), (query.since, query.until)
    asked = (query.status, query.template, query.origin, query.owner, query.sender)
    chosen = messages.Filter(*asked, text=query.text.strip())
    return cursors.searched(
        "messages",
        context,
        cursors.time_ordered_id,
        lambda before, limit: messages.page(context.world, key, before, limit, times, chosen),
        _shown,
    )


@admin(
    bp,
    "messages/{msgid}",
    "GET",
    response="messages.Report",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def get_any_message(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Get the report of a message, as its sender sees it."""
    from chalicelib.reports import waiting

    return {"code": 0, **waiting.message(context.world, sender_of(context.world, msgid), msgid)}


@admin(
    bp,
    "messages/{msgid}/comparison",
    "GET",
    response="messages.Comparison",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def compare_message(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Compare the rates of a message with the 30 days of its access channel up to it."""
    from chalicelib.reports import comparison

    return comparison.of_message(context.world, sender_of(context.world, msgid), msgid)


@admin(
    bp,
    "messages/{msgid}/targets/{target}",
    "GET",
    response="messages.Target",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def get_any_target(context: RequestContext, msgid: str, target: str) -> dict[str, Any]:
    """Get the state of one target of a message, as its sender sees it."""
    from chalicelib.reports import message as report

    return {
        "code": 0,
        **report.target(context.world, sender_of(context.world, msgid), msgid, target),
    }


@admin(
    bp,
    "messages/{msgid}/targets",
    "POST",
    request="messages.TargetQuery",
    response="messages.Target",
    errors=(404,),
    tag="messages",
    role=Role.READ_ONLY,
)
def find_any_target(context: RequestContext, msgid: str) -> dict[str, Any]:
    """Find a target of a message by its registration id.

    The id is in the body, because paths are logged in many places.
    """
    from chalicelib.reports import message as report

    body: TargetQuery = context.body()
    allowances.search(context, body.contact, body.type)
    return {
        "code": 0,
        **report.target_with(
            context.world, sender_of(context.world, msgid), msgid, body.type, body.contact
        ),
    }


@admin(
    bp,
    "messages/{msgid}",
    "DELETE",
    status=204,
    errors=(404, 409),
    tag="messages",
    role=Role.OPERATOR,
)
def delete_message(context: RequestContext, msgid: str) -> Response:
    """Delete the record of a message that is over.

    Its contents, targets and reports are gone. Its short links and the statistics stay.
    """
    from chalicelib.flow.rules import retention

    retention.delete(context.world, known_msgid(msgid))
    return Response("", {}, 204)


def sender_of(world: World, msgid: str) -> str:
    """Return the channel key of a message. Raises NotFound."""
    message = world.messages.get(known_msgid(msgid)) or world.stored.get(msgid)
    if message is None:
        raise NotFound("message")
    return message.channel_key


def _shown(row: messages.Row) -> dict[str, Any]:
    from chalicelib.reports import messages

    summary = row.summary
    number, version = summary.template
    return {
        "msgid": summary.msgid,
        "accepted": keys.message_time(summary.msgid),
        "ended": row.ended,
        "audience": summary.audience.value,
        "targets": summary.targets,
        "priority": summary.priority.value,
        "template": {"id": number, "version": version} if number else None,
        "rule_id": summary.rule_id,
        "channels": [type.value for type in summary.channels],
        "sendno": summary.sendno,
        "owner": summary.owner,
        "name": summary.name,
        "origin": summary.origin or "api",
        "sender": summary.sender or None,
        "status": row.status,
        "users": None if row.line is None else messages.funnel_of(row.line),
        "cost": None if row.line is None else prices.shown(row.line.get("cost", 0)),
    }
