"""Imports of users, tags and members: begin, upload, start, follow, fetch the bad rows."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.imports import MAX_BYTES, Import
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.route import JSON, Call
from chalicelib.manage.imports import run

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.imports import ImportBody, TemplateAsked

bp = Blueprint(__name__)


@admin(
    bp,
    "imports",
    "POST",
    takes="imports.ImportBody",
    gives="imports.NewImport",
    role=Role.OPERATOR,
    status=201,
    tag="imports",
)
def begin_import(call: Call) -> Response:
    """Begin an import. Its file is uploaded with the form in the answer within an hour; then it is started."""
    body: ImportBody = call.body()
    one, form = run.begin(call.world, os.urandom(4), body.kind, body.format, body.target or 0)
    upload = {"url": form.url, "fields": dict(form.fields), "max_bytes": MAX_BYTES}
    return Response({**_shown(one), "upload": upload}, dict(JSON), 201)


@admin(
    bp,
    "imports/{id}/start",
    "POST",
    gives="imports.Import",
    status=202,
    role=Role.OPERATOR,
    errors=(404, 409),
    tag="imports",
)
def start_import(call: Call, id: str) -> Response:
    """Work on the file that was uploaded. Again, while it runs: go on at once where a worker died."""
    return Response(_shown(run.start(call.world, id)), dict(JSON), 202)


@admin(bp, "imports", "GET", query="people.Paged", gives="imports.Imports", tag="imports")
def list_imports(call: Call) -> dict[str, Any]:
    """Imports of the last 30 days, newest first."""
    return cursors.page(
        "imports", call, cursors.made, call.world.imports.newest, lambda one: one.id, _shown
    )


@admin(bp, "imports/{id}", "GET", gives="imports.Import", errors=(404,), tag="imports")
def get_import(call: Call, id: str) -> dict[str, Any]:
    """How far an import has come, and where its bad rows can be fetched."""
    return _shown(*run.show(call.world, id))


@admin(
    bp, "imports/template", "GET", query="imports.TemplateAsked", media="text/csv", tag="imports"
)
def get_import_template(call: Call) -> Response:
    """A csv file with the columns that a kind of import knows, and a row of examples."""
    asked: TemplateAsked = call.asked()
    disposition = f'attachment; filename="{asked.kind.value}.csv"'
    headers = {"Content-Type": "text/csv; charset=utf-8", "Content-Disposition": disposition}
    return Response(run.template(call.world, asked.kind).decode(), headers, 200)


def _shown(one: Import, errors_url: str | None = None) -> dict[str, Any]:
    shown = {
        name: getattr(one, name)
        for name in (
            "id",
            "created",
            "total",
            "rows",
            "changed",
            "unchanged",
            "failed",
            "percentage",
            "reason",
        )
    }
    words = {"kind": one.kind.value, "format": one.format.value, "state": one.state.value}
    return {**shown, **words, "target": one.target or None, "errors_url": errors_url}
