"""The documentation of this API, made from its own routes. It is public, as the source is."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON, ums_error
from chalicelib.entrypoints.http.route import Auth, route

bp = Blueprint(__name__)

_CACHED = {"Cache-Control": "public, max-age=300"}
_PAGE = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}


@route(bp, "/openapi.json", "GET", auth=Auth.NOBODY, error_response=ums_error, tag="documentation")
def openapi(context: RequestContext) -> Response:
    """Get this API as an OpenAPI 3.1 document."""
    text = json.dumps(
        _document(context.world.limits.public_url), ensure_ascii=False, separators=(",", ":")
    )
    return Response(text, {**JSON, **_CACHED}, 200)


@route(
    bp,
    "/docs",
    "GET",
    auth=Auth.NOBODY,
    error_response=ums_error,
    media="text/html",
    tag="documentation",
)
def docs(context: RequestContext) -> Response:
    """Get this API as a page to read."""
    return Response(_page(context.world.limits.public_url), {**_PAGE, **_CACHED}, 200)


@cache
def _document(public_url: str) -> dict[str, Any]:
    from chalicelib.entrypoints.http.openapi.document import document

    return document(bp.current_app.routes, public_url)


@cache
def _page(public_url: str) -> str:
    from chalicelib.entrypoints.http.openapi.page import page

    return page(_document(public_url))
