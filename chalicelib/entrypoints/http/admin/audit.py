"""The audit log: changes that were made over the management API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.audit import AuditEntry, month_of
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.context import RequestContext

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.audit import AuditQuery

bp = Blueprint(__name__)


@admin(bp, "audit", "GET", query="audit.AuditQuery", response="audit.Changes", role=Role.READ_ONLY)
def list_changes(context: RequestContext) -> Any:
    """List the changes of a month that were made through this API, newest first."""
    query: AuditQuery = context.query()
    month = query.month or month_of(context.world.clock.now())
    return cursors.page(
        "changes",
        context,
        cursors.identifier,
        lambda before, limit: context.world.audit.list(month, before, limit),
        lambda entry: entry.id,
        _shown,
    )


def _shown(entry: AuditEntry) -> dict[str, Any]:
    return {
        "id": entry.id,
        "time": entry.time,
        "access_key": entry.key,
        "member": entry.name,
        "actor": entry.actor.value,
        "method": entry.method,
        "route": entry.route,
        "ids": dict(entry.ids),
        "status": entry.status,
    }
