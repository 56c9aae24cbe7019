"""Contacts on black- and whitelists, for messages that name contacts instead of users."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import allowances
from chalicelib.entrypoints.http.admin.route import admin, number
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import list_contacts

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.list_contacts import ContactMembership, ListContact

bp = Blueprint(__name__)


@admin(
    bp,
    "lists/{id}/contacts",
    "POST",
    request="list_contacts.ContactMembership",
    response="groups.MembersChanged",
    role=Role.OPERATOR,
)
def change_list_contacts(context: RequestContext, id: str) -> dict[str, Any]:
    """Add contacts to a black- or whitelist, and remove others.

    Only their keyed hashes are kept, so they cannot be listed.
    """
    body: ContactMembership = context.body()
    added, removed = list_contacts.change(context.world, number(id), *body.changes())
    return {"added": added, "removed": removed}


@admin(
    bp,
    "lists/{id}/contacts/search",
    "POST",
    request="list_contacts.ListContact",
    response="list_contacts.ContactMember",
    role=Role.READ_ONLY,
)
def find_list_contact(context: RequestContext, id: str) -> dict[str, Any]:
    """Tell whether a contact is on a black- or whitelist.

    Each member may search 200 times an hour by contact.
    """
    body: ListContact = context.body()
    allowances.search(context, body.contact, body.type)
    return {"is_member": list_contacts.holds(context.world, number(id), body.type, body.contact)}
