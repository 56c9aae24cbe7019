"""The provider sandbox, for deployments that are attached to one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain import contacts
from chalicelib.domain.errors import NotFound
from chalicelib.domain.members import Role
from chalicelib.domain.sandbox import Simulated
from chalicelib.entrypoints.http import allowances, cursors
from chalicelib.entrypoints.http.admin.route import PARTS, SEARCHES, admin
from chalicelib.entrypoints.http.admin.route import number as read_number
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.sandbox import SandboxQuery, SandboxSearch
    from chalicelib.reports.sandbox import Origin

bp = Blueprint(__name__)

FOUND = 20  # messages to a contact that an answer shows


@admin(bp, "sandbox", "GET", response="sandbox.SandboxState", tag="checks", role=Role.READ_ONLY)
def get_sandbox(context: RequestContext) -> dict[str, Any]:
    """Tell if the deployment is attached to a sandbox, and which channels lead elsewhere."""
    from chalicelib.reports import sandbox

    world = context.world
    if not world.sandbox.url:
        return {"attached": False, "url": "", "real_channels": []}
    real = sandbox.real_channels(world)
    return {
        "attached": True,
        "url": world.sandbox.url,
        "real_channels": [{"code": each.code, "name": each.name} for each in real],
    }


@admin(
    bp,
    "sandbox/messages",
    "GET",
    query="sandbox.SandboxQuery",
    response="sandbox.SandboxInbox",
    errors=(404,),
    rate=SEARCHES,
    tag="checks",
    role=Role.OPERATOR,
)
def list_simulated_messages(context: RequestContext) -> dict[str, Any]:
    """List what the sandbox took, newest first, on a channel type or to a user."""
    from chalicelib.reports import sandbox

    query: SandboxQuery = context.query()
    sandbox.url(context.world)
    to = sandbox.contacts_of(context.world, query.userid) if query.userid else frozenset[str]()
    types = [query.type] if query.type else []

    def read(before: int, limit: int) -> list[tuple[Simulated, Origin]]:
        if query.userid and not to:
            return []
        return sandbox.newest(context.world, types, to, before, limit)

    return cursors.page(
        "messages",
        context,
        cursors.number,
        read,
        lambda row: row[0].number,
        lambda row: _shown(*row),
    )


@admin(
    bp,
    "sandbox/messages/{number}",
    "GET",
    response="sandbox.SimulatedMessage",
    errors=(404,),
    rate=PARTS,
    tag="checks",
    role=Role.OPERATOR,
)
def get_simulated_message(context: RequestContext, number: str) -> dict[str, Any]:
    """Get a message that the sandbox took."""
    from chalicelib.reports import sandbox

    place = read_number(number)
    rows = sandbox.newest(context.world, (), (), place + 1, 1)
    if not rows or rows[0][0].number != place:
        raise NotFound("message")
    return _shown(*rows[0])


@admin(
    bp,
    "sandbox/messages/search",
    "POST",
    request="sandbox.SandboxSearch",
    response="sandbox.SandboxFound",
    errors=(404,),
    rate=SEARCHES,
    tag="checks",
    role=Role.OPERATOR,
)
def search_simulated_messages(context: RequestContext) -> dict[str, Any]:
    """Find what the sandbox took for a contact, newest first.

    Each member may search 200 times an hour by contact.

    The contact is in the body, because addresses are logged in many places.
    """
    from chalicelib.reports import sandbox

    body: SandboxSearch = context.body()
    allowances.search(context, body.contact, body.type)
    contact = contacts.canonical(body.type, body.contact) or body.contact
    to = {contact, body.contact}
    rows = sandbox.newest(context.world, [body.type], to, 0, FOUND + 1)
    return {
        "messages": [_shown(*row) for row in rows[:FOUND]],
        "more": len(rows) > FOUND,
    }


def _shown(each: Simulated, origin: Origin) -> dict[str, Any]:
    from chalicelib.reports import sandbox

    return sandbox.shown(each, origin)
