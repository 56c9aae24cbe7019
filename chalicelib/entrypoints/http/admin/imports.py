"""Imports of users, tags and members from files, with their progress and their bad rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.imports import MAX_BYTES, Import
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.imports import ImportBody, TemplateQuery

bp = Blueprint(__name__)


@admin(
    bp,
    "imports",
    "POST",
    request="imports.ImportBody",
    response="imports.NewImport",
    role=Role.OPERATOR,
    status=201,
    tag="imports",
)
def begin_import(context: RequestContext) -> Response:
    """Begin an import. Upload its file with the form in the answer, then start the import.

    The form is valid for an hour. Reasons and the file of bad rows come in the language of
    `Accept-Language`: Chinese or English.
    """
    from chalicelib.manage.imports import run

    body: ImportBody = context.body()
    language = context.language.value
    new, form = run.begin(
        context.world, os.urandom(4), body.kind, body.format, body.target or 0, language
    )
    upload = {"url": form.url, "fields": dict(form.fields), "max_bytes": MAX_BYTES}
    return Response({**_shown(new), "upload": upload}, dict(JSON), 201)


@admin(
    bp,
    "imports/{id}/start",
    "POST",
    response="imports.Import",
    status=202,
    role=Role.OPERATOR,
    errors=(404, 409),
    tag="imports",
)
def start_import(context: RequestContext, id: str) -> Response:
    """Start an import whose file is uploaded. Repeat the request to resume a crashed import."""
    from chalicelib.manage.imports import run

    return Response(_shown(run.start(context.world, id)), dict(JSON), 202)


@admin(
    bp,
    "imports",
    "GET",
    query="base.LongListQuery",
    response="imports.Imports",
    tag="imports",
    role=Role.READ_ONLY,
)
def list_imports(context: RequestContext) -> dict[str, Any]:
    """List the imports of the last 30 days, newest first."""
    return cursors.page(
        "imports",
        context,
        cursors.time_ordered_id,
        context.world.imports.newest,
        lambda entry: entry.id,
        _shown,
    )


@admin(
    bp,
    "imports/{id}",
    "GET",
    response="imports.Import",
    errors=(404,),
    tag="imports",
    role=Role.READ_ONLY,
)
def get_import(context: RequestContext, id: str) -> dict[str, Any]:
    """Get an import, with its progress and the address of its bad rows."""
    from chalicelib.manage.imports import run

    return _shown(*run.show(context.world, id))


@admin(
    bp,
    "imports/template",
    "GET",
    query="imports.TemplateQuery",
    media="text/csv",
    tag="imports",
    role=Role.READ_ONLY,
)
def get_import_template(context: RequestContext) -> Response:
    """Get a csv file with the columns of a kind of import, and a row of examples."""
    from chalicelib.manage.imports import run

    query: TemplateQuery = context.query()
    disposition = f'attachment; filename="{query.kind.value}.csv"'
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": disposition}
    return Response(run.template(context.world, query.kind).decode(), headers, 200)


_NUMBERS = ("created", "total", "rows", "changed", "unchanged", "failed", "percentage")


def _shown(entry: Import, errors_url: str | None = None) -> dict[str, Any]:
    return {
        "id": entry.id,
        "kind": entry.kind.value,
        "format": entry.format.value,
        "target": entry.target or None,
        "state": entry.state.value,
        **{name: getattr(entry, name) for name in _NUMBERS},
        "reason": entry.reason,
        "errors_url": errors_url,
    }
