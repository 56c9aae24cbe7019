"""Audit entries of changes that were made over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from chalicelib import observability
from chalicelib.domain.audit import AuditEntry
from chalicelib.entrypoints.http.route import Call


def log_change(
    call: Call, method: str, path: str, ids: Mapping[str, str], status: int = 200
) -> None:
    """The change stands, whether it can be logged or not."""
    key, name = (call.member.key, call.member.name) if call.member else ("", "")
    change = AuditEntry(
        call.world.clock.now(), secrets.token_hex(4), key, name, method, path, ids, status
    )
    try:
        call.world.audit.write(change)
    except Exception as error:
        observability.log.error(
            "change_not_logged",
            exc_info=error,
            extra={"change": f"{method} {path}", "ids": dict(ids)},
        )
