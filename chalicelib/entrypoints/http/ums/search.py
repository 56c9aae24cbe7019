"""One search for an access channel, among what is its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import ums_error
from chalicelib.entrypoints.http.route import Auth, route

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.search import OwnSearch

bp = Blueprint(__name__)
SEARCHES = ("searches", 5)


@route(
    bp,
    "/v1/search",
    "POST",
    auth=Auth.CHANNEL,
    error_response=ums_error,
    request="search.OwnSearch",
    response="search.Found",
    rate=SEARCHES,
    tag="messages",
)
def search(context: RequestContext) -> dict[str, Any]:
    """Search for a msgid or a part of a name among what is yours.

    Users belong to the whole deployment, so there are none in the answer.
    """
    from chalicelib.reports import search as report

    body: OwnSearch = context.body()
    world, key, text = context.world, context.sender.key, body.text.strip()
    return {
        "code": 0,
        "messages": [each._asdict() for each in report.message(world, text, key)],
        "users": [],
        "contacts": [],
        "named": [each._asdict() for each in (report.named(world, text, key) if text else ())],
    }
