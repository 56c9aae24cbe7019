"""Contacts that no access channel sends to. They stand in bodies, as addresses are logged."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import allowances, cursors
from chalicelib.entrypoints.http.admin.route import admin
from chalicelib.entrypoints.http.audit import log_search
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow.suppressions import suppressed_since

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.suppressions import (
        ContactsBody,
        ExportBody,
        OneContact,
    )

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {
    "request": "suppressions.ContactsBody",
    "response": "suppressions.SuppressionsChanged",
    "errors": (409,),
    "role": Role.OPERATOR,
}


@admin(bp, "suppressions", "POST", **CHANGES)
def suppress_contacts(context: RequestContext) -> dict[str, Any]:
    """Suppress contacts: no access channel sends to them any more.

    Suppressing a contact again is not an error.
    """
    return _change(context, lift=False)


@admin(bp, "suppressions/remove", "POST", **CHANGES)
def lift_suppressions(context: RequestContext) -> dict[str, Any]:
    """Lift the suppression of contacts. Their opt-outs stay."""
    return _change(context, lift=True)


def _change(context: RequestContext, *, lift: bool) -> dict[str, Any]:
    from chalicelib.manage import suppressions

    body: ContactsBody = context.body()
    contacts = body.distinct()
    suppressions.change(context.world, body.type, contacts, lift=lift)
    for contact in contacts:
        log_search(context, body.type, contact)
    return {"contacts": len(contacts)}


@admin(
    bp,
    "suppressions/search",
    "POST",
    request="suppressions.OneContact",
    response="suppressions.Suppression",
    role=Role.READ_ONLY,
)
def find_suppression(context: RequestContext) -> dict[str, Any]:
    """Tell whether a contact is suppressed. Each member may search 200 times an hour."""
    body: OneContact = context.body()
    allowances.search(context, body.contact, body.type)
    since = suppressed_since(context.world, body.type, body.contact)
    return {"suppressed": since is not None, "since": since}


@admin(
    bp,
    "suppressions/export",
    "POST",
    request="suppressions.ExportBody",
    response="suppressions.Export",
    role=Role.OPERATOR,
)
def export_suppressions(context: RequestContext) -> dict[str, Any]:
    """Export suppressed contacts as a csv file that can be imported, 50,000 at a time.

    The address of the file is valid for an hour.
    """
    from chalicelib.manage import suppressions

    body: ExportBody = context.body()
    after = cursors.identifier(cursors.text(body.cursor))
    url, number, last = suppressions.export(context.world, after, os.urandom(4))
    return {"url": url, "contacts": number, "cursor": last and cursors.cursor(last)}
