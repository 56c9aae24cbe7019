"""Scheduled messages: what waits for its time, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors, sends, shown_requests
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.bodies import without_nulls
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.entrypoints.http.ums.send import CHECKED

if TYPE_CHECKING:
    from chalicelib.domain.stored_requests import StoredRequest
    from chalicelib.entrypoints.http.schemas.schedules import (
        MessageBody,
        ResultsQuery,
        ScheduleBody,
        ScheduleChange,
        ScheduleCopy,
        SchedulesQuery,
    )
    from chalicelib.flow.requests import SendRequest
    from chalicelib.ports import IdempotencyKey

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "response": "schedules.Scheduled"}


@admin(
    bp,
    "messages",
    "POST",
    request="schedules.MessageBody",
    response="schedules.MessageState",
    status=201,
    errors=(404, *CHECKED),
    tag="messages",
    role=Role.OPERATOR,
)
def send_message(context: RequestContext) -> Response:
    """Send a message for an access channel, as a member. A review may have to approve it first."""
    body: MessageBody = context.body()
    request = read_request(context, body.channel_key, body.message, broadcast=body.broadcast)
    key = sends.idempotency_key(context, body.channel_key, body.model_dump(mode="json"))
    return sent(context, request, key)


def sent(context: RequestContext, request: SendRequest, key: IdempotencyKey | None) -> Response:
    """Send a message of a member, and tell what became of it."""
    from chalicelib.flow.submit import submit

    msgid = submit(context.world, request, key)
    state = "pending" if request.timing else "sent"
    if "reviews" in request.channel.rules:
        stored = context.world.stored.get(msgid)
        state = stored.state.value if stored else state
    return Response({"msgid": msgid, "state": state}, {"Content-Type": "application/json"}, 201)


@admin(
    bp,
    "schedules",
    "POST",
    request="schedules.ScheduleBody",
    status=201,
    errors=(404, *CHECKED),
    **CHANGES,
)
def add_schedule(context: RequestContext) -> Response:
    """Schedule a message: once, by a cron expression, or by a date that users have."""
    from chalicelib.manage import schedules

    body: ScheduleBody = context.body()
    request = read_request(context, body.channel_key, body.message, broadcast=body.broadcast)
    request = replace(request, timing=body.schedule.timing())
    key = sends.idempotency_key(context, body.channel_key, body.model_dump(mode="json"))
    stored = schedules.add(context.world, request, body.name or "", key)
    return tagged(shown_requests.whole(stored), stored.version, 201)


@admin(
    bp,
    "schedules",
    "GET",
    query="schedules.SchedulesQuery",
    response="schedules.Schedules",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_schedules(context: RequestContext) -> Any:
    """List the messages of an access channel that wait for their time, the next one first."""
    from chalicelib.manage import schedules

    query: SchedulesQuery = context.query()
    key = known_key(query.channel_key)

    def wanted(stored: StoredRequest) -> bool:
        about = stored.about
        return (
            query.kind in (None, about.kind)
            and query.audience in (None, about.audience)
            and (query.channel is None or query.channel in about.channels)
        )

    return cursors.page(
        "schedules",
        context,
        cursors.time_and_id,
        lambda after, limit: schedules.page(
            context.world, key, after or f"{query.since:013d}", query.until, limit, wanted
        ),
        lambda stored: stored.position,
        shown_requests.shown,
    )


@admin(bp, "schedules/{id}", "GET", response="schedules.Scheduled", role=Role.READ_ONLY)
def get_schedule(context: RequestContext, id: str) -> Response:
    """Get a scheduled message. Its registration ids are left out."""
    from chalicelib.manage import schedules

    stored = schedules.get(context.world, known_msgid(id))
    return tagged(shown_requests.whole(stored), stored.version)


@admin(bp, "schedules/{id}/message", "GET", response="schedules.ScheduledBody", role=Role.OPERATOR)
def get_scheduled_body(context: RequestContext, id: str) -> dict[str, Any]:
    """Get the whole body of a scheduled message, to change it. The audit log has an entry."""
    from chalicelib.manage import schedules

    stored = schedules.get(context.world, known_msgid(id))
    return {
        "id": stored.id,
        "broadcast": shown_requests.is_broadcast(stored),
        "message": dict(stored.written.body),
    }


@admin(
    bp,
    "schedules/{id}",
    "PUT",
    request="schedules.ScheduleChange",
    matches=True,
    errors=(*CHECKED, 1019081),
    **CHANGES,
)
def change_schedule(context: RequestContext, id: str) -> Response:
    """Change a message and its schedule while it waits. A review begins anew."""
    from chalicelib.manage import schedules

    body: ScheduleChange = context.body()
    before = schedules.get(context.world, known_msgid(id))
    request = read_request(context, before.channel_key, body.message, broadcast=body.broadcast)
    request = replace(request, timing=body.schedule.timing())
    stored = schedules.change(context.world, id, expected(context), request, body.name or "")
    return tagged(shown_requests.whole(stored), stored.version)


@admin(
    bp,
    "schedules/{id}/copy",
    "POST",
    request="schedules.ScheduleCopy",
    status=201,
    errors=(404, *CHECKED),
    **CHANGES,
)
def copy_schedule(context: RequestContext, id: str) -> Response:
    """Schedule the same message again, at times of its own."""
    from chalicelib.manage import schedules

    body: ScheduleCopy = context.body()

    def read(original: StoredRequest) -> SendRequest:
        request = read_request(
            context,
            original.channel_key,
            original.written.body,
            broadcast=shown_requests.is_broadcast(original),
        )
        return replace(request, timing=body.schedule.timing())

    stored = schedules.copy(context.world, known_msgid(id), read)
    return tagged(shown_requests.whole(stored), stored.version, 201)


@admin(bp, "schedules/{id}", "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def cancel_schedule(context: RequestContext, id: str) -> Response:
    """Cancel a scheduled message."""
    from chalicelib.manage import schedules

    schedules.cancel(context.world, known_msgid(id), expected_if_given(context))
    return Response("", {}, 204)


@admin(
    bp,
    "schedules/{id}/results",
    "GET",
    query="base.LongListQuery",
    response="schedules.ScheduleResults",
    role=Role.READ_ONLY,
)
def list_results_of_schedule(context: RequestContext, id: str) -> Any:
    """List what became of the occurrences of a schedule, newest first."""
    return _results(context, known_msgid(id))


@admin(
    bp,
    "schedule-results",
    "GET",
    query="schedules.ResultsQuery",
    response="schedules.ScheduleResults",
    tag="schedules",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_schedule_results(context: RequestContext) -> Any:
    """List what became of the scheduled messages of an access channel, newest first."""
    query: ResultsQuery = context.query()
    return _results(context, known_key(query.channel_key))


def _results(context: RequestContext, of: str) -> Any:
    from chalicelib.manage import schedules

    return cursors.page(
        "results",
        context,
        cursors.time_and_id,
        lambda before, limit: schedules.results(context.world, of, before, limit),
        lambda result: result.position,
        shown_requests.result,
    )


def read_request(
    context: RequestContext, channel_key: str, body: Any, *, broadcast: bool
) -> SendRequest:
    """Read a message that a member sends for an access channel."""
    from chalicelib.manage import access_channels

    access = access_channels.get(context.world, known_key(channel_key))
    body = without_nulls(body)
    request, _ = sends.read(access, body, broadcast=broadcast)
    member = context.member.key if context.member else ""
    written = sends.written(body, broadcast=broadcast, member=member)
    return replace(request, written=written, origin=written.origin.value, sender=member)
