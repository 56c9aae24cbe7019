"""The history of a user, for operators who answer the user's questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import PARTS, SEARCHES, admin, known_key
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.history import HistoryQuery, StatesQuery

bp = Blueprint(__name__)


@admin(
    bp,
    "users/{userid}/messages",
    "GET",
    query="history.HistoryQuery",
    response="history.History",
    errors=(404,),
    rate=SEARCHES,
    tag="users",
    role=Role.READ_ONLY,
)
def list_messages_of_user(context: RequestContext, userid: str) -> dict[str, Any]:
    """List what was sent to a user in the last days, newest first, and what became of it."""
    from chalicelib.reports import history

    query: HistoryQuery = context.query()
    key = known_key(query.channel_key) if query.channel_key else ""
    return cursors.searched(
        "messages",
        context,
        cursors.time_ordered_id,
        lambda before, limit: history.of_user(
            context.world, userid, key, query.days, before, limit, states=query.states
        ),
        dict,
    )


@admin(
    bp,
    "users/{userid}/states",
    "GET",
    query="history.StatesQuery",
    response="history.States",
    rate=PARTS,
    tag="users",
    role=Role.READ_ONLY,
)
def get_states_of_user(context: RequestContext, userid: str) -> dict[str, Any]:
    """Get what became of up to 20 messages for a user."""
    from chalicelib.reports import history

    query: StatesQuery = context.query()
    states = history.states_of(context.world, userid, query.msgids.split(","))
    return {"states": [{"msgid": msgid, **state} for msgid, state in states.items()]}
