"""Queries to a provider for operators: connection tests, and authorisation pages of accounts.

The delivery functions carry them out, because only they may use credentials.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.errors import NotFound
from chalicelib.domain.jobs import Query
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import admin, known_code
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON
from chalicelib.flow import provider_query
from chalicelib.manage import delivery_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.provider_query import Return

bp = Blueprint(__name__)

QUERIES: dict[str, Any] = {"response": "provider_query.Check", "also": (202,)}


@admin(bp, "channels/{code}/test", "POST", role=Role.READ_ONLY, errors=(409,), **QUERIES)
def check_channel(context: RequestContext, code: str) -> Response:
    """Test the connection of a delivery channel. 202 means that the provider is slow.

    After a 202, get the result by its `check_id`.
    """
    return _query(context, code, Query.CHECK)


@admin(
    bp,
    "channels/{code}/authorisation",
    "POST",
    request="provider_query.Return",
    errors=(409,),
    role=Role.ADMINISTRATOR,
    **QUERIES,
)
def authorise_account(context: RequestContext, code: str) -> Response:
    """Get the page on which an account's owner authorises a third-party platform.

    After a 202, get the result by its `check_id`.
    """
    body: Return = context.body()
    return _query(context, code, Query.AUTHORISATION, body.redirect_uri)


@admin(bp, "checks/{check_id}", "GET", role=Role.READ_ONLY, **QUERIES)
def get_check(context: RequestContext, check_id: str) -> Response:
    """Get a provider's answer. It is kept for ten minutes. An unknown check is `pending`."""
    if not re.fullmatch("[0-9a-f]{32}", check_id):
        raise NotFound("check")
    return shown(check_id, provider_query.result(context.world, check_id))


def _query(context: RequestContext, code: str, query: Query, redirect_uri: str = "") -> Response:
    id = provider_query.ask(
        context.world, delivery_channels.get(context.world, known_code(code)), query, redirect_uri
    )
    return shown(id, provider_query.wait(context.world, id))


def shown(id: str, result: provider_query.QueryResult | None) -> Response:
    """Answer with the result of a query or a test, or with its id while there is none."""
    if result is None:
        body = _check(id, "pending", provider_query.QueryResult())
        return Response(body, dict(JSON), 202)
    return Response(_check(id, "failed" if result.code else "ok", result), dict(JSON), 200)


def _check(id: str, status: str, result: provider_query.QueryResult) -> dict[str, Any]:
    return {
        "check_id": id,
        "status": status,
        "code": result.code,
        "kind": result.kind,
        "link": result.link or None,
        "made": result.made or None,
    }
