"""One search for members: messages, users, contacts and names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import allowances
from chalicelib.entrypoints.http.admin.route import SEARCHES, admin, known_key
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.search import SearchBody

bp = Blueprint(__name__)


@admin(
    bp,
    "search",
    "POST",
    request="search.SearchBody",
    response="search.Found",
    errors=(404,),
    rate=SEARCHES,
    tag="messages",
    role=Role.READ_ONLY,
)
def search_everything(context: RequestContext) -> dict[str, Any]:
    """Search for a msgid, the begin of a userid, a whole contact, or a part of a name.

    The text is in the body, because addresses are logged in many places.
    """
    from chalicelib.reports import search

    body: SearchBody = context.body()
    world, text = context.world, body.text.strip()
    key = known_key(body.channel_key) if body.channel_key else ""
    named = search.named(world, text, key) if key and text else []
    return {
        "code": 0,
        "messages": [each._asdict() for each in search.message(world, text)],
        "users": search.users(world, text),
        "contacts": _with_contact(context, text),
        "named": [each._asdict() for each in [*named, *search.access_channels(world, text)]],
    }


def _with_contact(context: RequestContext, text: str) -> list[str]:
    """Return users with a contact. Each member may search for 200 contacts an hour."""
    from chalicelib.reports import search

    kinds = search.kinds_of(text)
    if kinds:
        allowances.search(context, text, *kinds)
    found: dict[str, None] = {}
    for kind in kinds:
        found |= dict.fromkeys(search.with_contact(context.world, kind, text))
    return list(found)[: search.MOST]
