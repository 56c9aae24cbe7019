"""Audit entries of changes that were made over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from chalicelib import observability
from chalicelib.domain.audit import AuditEntry
from chalicelib.entrypoints.http.context import RequestContext


def log_change(
    context: RequestContext, method: str, path: str, ids: Mapping[str, str], status: int = 200
) -> None:
    """Write an audit entry. The change stands, even if its entry cannot be written."""
    key, name = (context.member.key, context.member.name) if context.member else ("", "")
    entry = AuditEntry(
        context.world.clock.now(), secrets.token_hex(4), key, name, method, path, ids, status
    )
    try:
        context.world.audit.write(entry)
    except Exception as error:  # the change is made, and must be answered so
        observability.log.error(
            "change_not_logged",
            exc_info=error,
            extra={"change": f"{method} {path}", "ids": dict(ids)},
        )
