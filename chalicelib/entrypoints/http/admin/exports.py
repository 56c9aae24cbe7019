"""Exports as files: targets of messages, for operators, and statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import admin, known_key
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.entrypoints.http.problems import JSON
from chalicelib.entrypoints.http.route import known_msgid
from chalicelib.ports import Document

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.exports import StatisticsExport, TargetsExport

bp = Blueprint(__name__)


@admin(
    bp,
    "exports/targets",
    "POST",
    request="exports.TargetsExport",
    response="exports.FileExport",
    status=202,
    errors=(404,),
    tag="exports",
    role=Role.OPERATOR,
)
def export_targets(context: RequestContext) -> Response:
    """Export the targets of a message with their states and reasons.

    Contacts are masked, unless you ask for them whole. The audit log says so then.
    """
    from chalicelib.manage import exports

    body: TargetsExport = context.body()
    query = {"msgid": known_msgid(body.msgid), "reason": body.reason, "contacts": body.contacts}
    export = exports.begin(context.world, "targets", body.format, query)
    if body.contacts == "whole":
        log_change(context, "POST", context.request.path, query)
    return _begun(export)


@admin(
    bp,
    "exports/statistics",
    "POST",
    request="exports.StatisticsExport",
    response="exports.FileExport",
    status=202,
    errors=(404,),
    tag="exports",
    role=Role.OPERATOR,
)
def export_statistics(context: RequestContext) -> Response:
    """Export figures of messages, with a sheet of definitions."""
    from chalicelib.manage import exports
    from chalicelib.reports import tables

    body: StatisticsExport = context.body()
    query = body.model_dump(mode="json", exclude={"format"})
    query["channel_key"] = known_key(body.channel_key) if body.channel_key else ""
    tables.check(context.world, query)
    return _begun(exports.begin(context.world, "statistics", body.format, query))


@admin(
    bp,
    "exports/{id}",
    "GET",
    response="exports.FileExport",
    errors=(404,),
    tag="exports",
    role=Role.OPERATOR,
)
def get_export(context: RequestContext, id: str) -> dict[str, Any]:
    """Get an export, with the addresses of its files."""
    from chalicelib.manage import exports

    return _shown(*exports.show(context.world, known_msgid(id)))


def _begun(export: Document) -> Response:
    return Response(_shown(export, ()), dict(JSON), 202)


def _shown(export: Document, urls: Sequence[str]) -> dict[str, Any]:
    from chalicelib.manage import exports

    body = export.body
    files = [{"name": n, "url": url} for n, url in zip(body["files"], urls, strict=False)]
    shown = {name: body[name] for name in ("kind", "format", "state", "created", "rows")}
    return {"id": exports.id_of(export), **shown, "files": files}
