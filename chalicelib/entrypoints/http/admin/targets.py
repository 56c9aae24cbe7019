"""The targets of a message: listed by reason, with masked contacts, and shown whole to few."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import SEARCHES, admin
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.route import known_msgid

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.targets import TargetsQuery

bp = Blueprint(__name__)


@admin(
    bp,
    "messages/{msgid}/targets",
    "GET",
    query="targets.TargetsQuery",
    response="targets.Targets",
    errors=(404,),
    rate=SEARCHES,
    tag="messages",
    role=Role.READ_ONLY,
)
def list_targets(context: RequestContext, msgid: str) -> dict[str, Any]:
    """List the targets of a message, by reason or state. Their contacts are masked."""
    from chalicelib.reports import targets

    query: TargetsQuery = context.query()
    chosen = targets.Filter(query.reason, query.state)
    return cursors.searched(
        "targets",
        context,
        cursors.place,
        lambda after, limit: targets.page(context.world, known_msgid(msgid), after, limit, chosen),
        dict,
    )


@admin(
    bp,
    "messages/{msgid}/targets/{target}/contacts",
    "POST",
    response="targets.TargetContacts",
    errors=(404,),
    tag="messages",
    role=Role.OPERATOR,
)
def show_contacts(context: RequestContext, msgid: str, target: str) -> dict[str, Any]:
    """Show the contacts of a target whole. The audit log has an entry of it."""
    from chalicelib.reports import targets

    contacts = targets.contacts(context.world, known_msgid(msgid), target)
    return {"msgid": msgid, "target": target, "contacts": contacts}
