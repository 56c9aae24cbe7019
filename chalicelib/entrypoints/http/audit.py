"""Audit entries of changes that were made over HTTP."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

from chalicelib import observability
from chalicelib.domain import contacts
from chalicelib.domain.audit import Actor, AuditEntry
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.entrypoints.http.context import RequestContext

HASHED = 16  # hex digits of a contact's HMAC in an entry
BEGUN = 202  # status of a change that has begun, and has an entry of its own at the end


def log_search(context: RequestContext, type: ChannelType, contact: str) -> None:
    """Write an audit entry of a search by contact, with the contact's keyed hash.

    Two searches for somebody have the same hash, in whatever spelling. Nobody can tell whose it is.
    """
    data = f"{type.value}#{contacts.identity(type, contact)}".encode("utf-8", "surrogatepass")
    hashed = context.world.vault.mac("search", data).hex()[:HASHED]
    ids = {"type": type.value, "contact_hash": hashed}
    log_change(context, context.request.method, context.request.path, ids)


def log_change(
    context: RequestContext, method: str, path: str, ids: Mapping[str, str], status: int = 200
) -> None:
    """Write an audit entry. The change stands, even if its entry cannot be written."""
    try:
        context.world.audit.write(_entry(context, method, path, ids, status))
    except Exception as error:  # the change is made, and must be answered so
        observability.log.error(
            "change_not_logged",
            exc_info=error,
            extra={"change": f"{method} {path}", "ids": dict(ids)},
        )


def log_begun(context: RequestContext, method: str, path: str, ids: Mapping[str, str]) -> None:
    """Write an audit entry before a change of which something must always be known.

    The change must not begin if its entry cannot be written.
    """
    context.world.audit.write(_entry(context, method, path, ids, BEGUN))


def _entry(
    context: RequestContext, method: str, path: str, ids: Mapping[str, str], status: int
) -> AuditEntry:
    by = context.member or context.channel
    return AuditEntry(
        time=context.world.clock.now(),
        suffix=secrets.token_hex(4),
        key=by.key if by else "",
        name=by.name if by else "",
        method=method,
        route=path,
        ids=ids,
        status=status,
        actor=Actor.ACCESS_CHANNEL if context.member is None else Actor.MEMBER,
    )
