"""Events of users: recorded one by one or in batches, and read by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.errors import Conflict, Invalid
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.events import EventBody, EventsBody

bp = Blueprint(__name__)

DECLARED: dict[str, Any] = {"tag": "events", "role": Role.OPERATOR}


@admin(
    bp,
    "events",
    "POST",
    request="events.EventsBody",
    response="events.EventsRecorded",
    **DECLARED,
)
def record_events(context: RequestContext) -> dict[str, Any]:
    """Record up to 100 events of users, who are made if necessary."""
    from chalicelib.manage import events

    body: EventsBody = context.body()
    now = context.world.clock.now()
    happened = [(one.userid, one.event(now)) for one in body.events]
    refused = events.record(context.world, happened)
    return {
        "recorded": sum(userid not in refused for userid, _ in happened),
        "refused": [{"userid": userid, "reason": why} for userid, why in refused.items()],
    }


@admin(
    bp,
    "users/{userid}/events",
    "POST",
    request="events.EventBody",
    response="events.EventsRecorded",
    errors=(409,),
    **DECLARED,
)
def record_event(context: RequestContext, userid: str) -> dict[str, Any]:
    """Record an event of a user, who is made if necessary."""
    from chalicelib.entrypoints.http.schemas.base import USERID
    from chalicelib.manage import events, users

    if not USERID.fullmatch(userid):
        raise Invalid("userid", "1 to 64 of letters, digits and _@!#$&*+=.|¥￥-")
    body: EventBody = context.body()
    refused = events.record(context.world, [(userid, body.event(context.world.clock.now()))])
    for reason in refused.values():
        raise Conflict(reason) if reason == users.BUSY else Invalid("userid", reason)
    return {"recorded": 1, "refused": []}


@admin(
    bp,
    "users/{userid}/events/{name}",
    "GET",
    response="events.KeptEvents",
    errors=(404,),
    tag="events",
    role=Role.READ_ONLY,
)
def list_events(context: RequestContext, userid: str, name: str) -> dict[str, Any]:
    """List the last events of a name, newest first, as far as they are kept."""
    from chalicelib.manage import events

    log = events.of_user(context.world, userid, name)
    kept = [{"time": one.time, "properties": dict(one.properties)} for one in reversed(log)]
    return {"name": name, "events": kept}
