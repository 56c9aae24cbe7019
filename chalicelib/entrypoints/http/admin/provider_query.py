"""What the functions that deliver ask a provider for administrators: whether an account is right, and where its owner lets us in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import Query
from chalicelib.entrypoints.http.admin.route import admin, known_code
from chalicelib.entrypoints.http.route import JSON, Call
from chalicelib.flow import provider_query
from chalicelib.manage import delivery_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.delivery_channels import Return

bp = Blueprint(__name__)

ASKS: dict[str, Any] = {"gives": "delivery_channels.Check", "also": (202,)}


@admin(bp, "channels/{code}/test", "POST", role=None, errors=(409,), **ASKS)
def check_channel(call: Call, code: str) -> Response:
    """Test the connection of a delivery channel. 202 when the provider is slow: ask for the check again."""
    return _asked(call, code, Query.CHECK)


@admin(
    bp,
    "channels/{code}/authorisation",
    "POST",
    takes="delivery_channels.Return",
    errors=(409,),
    **ASKS,
)
def authorise_account(call: Call, code: str) -> Response:
    """Get the page on which an account's owner lets a third-party platform in. 202 when the provider is slow: ask for the check again."""
    body: Return = call.body()
    return _asked(call, code, Query.AUTHORISATION, body.redirect_uri)


@admin(bp, "checks/{check_id}", "GET", **ASKS)
def get_check(call: Call, check_id: str) -> Response:
    """Get what a provider has answered. It is kept for ten minutes; what is unknown is pending."""
    if not re.fullmatch("[0-9a-f]{32}", check_id):
        raise NotFound("check")
    return _shown(check_id, provider_query.result(call.world, check_id))


def _asked(call: Call, code: str, question: Query, redirect_uri: str = "") -> Response:
    id = provider_query.ask(
        call.world, delivery_channels.get(call.world, known_code(code)), question, redirect_uri
    )
    return _shown(id, provider_query.wait(call.world, id))


def _shown(id: str, found: provider_query.QueryResult | None) -> Response:
    said = found or provider_query.QueryResult()
    status = "pending" if found is None else "failed" if found.code else "ok"
    body = {
        "check_id": id,
        "status": status,
        "code": said.code,
        "kind": said.kind,
        "link": said.link or None,
    }
    return Response(body, dict(JSON), 202 if found is None else 200)
