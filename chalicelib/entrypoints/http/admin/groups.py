"""Black- and whitelists with their members, and tags.

A tag does not have members: users carry it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain import audiences
from chalicelib.domain.errors import NotFound
from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.admin.users import userids_of
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import groups

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.groups import (
        ListBody,
        Membership,
        Renaming,
        TagBody,
        TagRenaming,
    )

bp = Blueprint(__name__)

ADDS: dict[str, Any] = {
    "role": Role.OPERATOR,
    "response": "groups.Group",
    "status": 201,
    "errors": (404, 409),
}
RENAMES: dict[str, Any] = {"role": Role.OPERATOR, "response": "groups.Group", "matches": True}
DELETES: dict[str, Any] = {"role": Role.OPERATOR, "status": 204, "errors": (409, 412)}
CHANGES_MEMBERS: dict[str, Any] = {"role": Role.OPERATOR, "response": "groups.MembersChanged"}


# -- lists


@admin(bp, "lists", "POST", request="groups.ListBody", **ADDS)
def add_list(context: RequestContext) -> Response:
    """Add a black- or whitelist of an access channel."""
    body: ListBody = context.body()
    return _add(context, Family.LIST, body.channel_key, body.name, body.kind)


@admin(
    bp,
    "lists",
    "GET",
    query="base.OfOwner",
    response="groups.Lists",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_lists(context: RequestContext) -> dict[str, Any]:
    """List the black- and whitelists of an access channel."""
    return _list(context, Family.LIST, "lists")


@admin(bp, "lists/{id}", "GET", response="groups.Group", role=Role.READ_ONLY)
def get_list(context: RequestContext, id: str) -> Response:
    """Get a black- or whitelist."""
    return _tagged(groups.get(context.world, Family.LIST, number(id)))


@admin(bp, "lists/{id}", "PUT", request="groups.Renaming", **RENAMES)
def rename_list(context: RequestContext, id: str) -> Response:
    """Rename a black- or whitelist."""
    body: Renaming = context.body()
    return _rename(context, Family.LIST, id, body.name)


@admin(bp, "lists/{id}", "DELETE", **DELETES)
def delete_list(context: RequestContext, id: str) -> Response:
    """Delete a black- or whitelist."""
    groups.delete(context.world, Family.LIST, number(id), expected_if_given(context))
    return Response("", {}, 204)


@admin(
    bp,
    "lists/{id}/members",
    "GET",
    query="base.LongListQuery",
    response="users.UserIdsPage",
    role=Role.READ_ONLY,
)
def list_list_members(context: RequestContext, id: str) -> dict[str, Any]:
    """List the members of a black- or whitelist."""
    return userids_of(context, _list_set(context, id))


@admin(bp, "lists/{id}/members", "POST", request="groups.Membership", **CHANGES_MEMBERS)
def change_list_members(context: RequestContext, id: str) -> dict[str, Any]:
    """Add members to a black- or whitelist, and remove others.

    Adding a member again is not an error, and neither is removing a user who is not a member.
    """
    body: Membership = context.body()
    return member_changes(context, _list_set(context, id), body)


@admin(bp, "lists/{id}/members/{userid}", "GET", response="groups.SetMember", role=Role.READ_ONLY)
def get_list_member(context: RequestContext, id: str, userid: str) -> dict[str, Any]:
    """Get a member of a black- or whitelist. 404 means that the user is not a member."""
    return _member(context, _list_set(context, id), userid)


def _list_set(context: RequestContext, id: str) -> str:
    """Return the name of the set of members."""
    return audiences.listing(groups.get(context.world, Family.LIST, number(id)).number)


# -- tags


@admin(bp, "tags", "POST", request="groups.TagBody", **ADDS)
def add_tag(context: RequestContext) -> Response:
    """Add a tag of an access channel, or of `all`. Its name is the text that users carry."""
    body: TagBody = context.body()
    return _add(context, Family.TAG, body.channel_key, body.name, body.kind)


@admin(
    bp,
    "tags",
    "GET",
    query="base.OfOwner",
    response="groups.Tags",
    errors=(404,),
    role=Role.READ_ONLY,
)
def list_tags(context: RequestContext) -> dict[str, Any]:
    """List the tags of an access channel, or of `all`."""
    return _list(context, Family.TAG, "tags")


@admin(bp, "tags/{id}", "GET", response="groups.Group", role=Role.READ_ONLY)
def get_tag(context: RequestContext, id: str) -> Response:
    """Get a tag."""
    return _tagged(groups.get(context.world, Family.TAG, number(id)))


@admin(bp, "tags/{id}", "PUT", request="groups.TagRenaming", **RENAMES)
def rename_tag(context: RequestContext, id: str) -> Response:
    """Rename a tag. Users keep the text that they carry."""
    body: TagRenaming = context.body()
    return _rename(context, Family.TAG, id, body.name)


@admin(bp, "tags/{id}", "DELETE", **DELETES)
def delete_tag(context: RequestContext, id: str) -> Response:
    """Delete a tag. Users keep the text that they carry."""
    groups.delete(context.world, Family.TAG, number(id), expected_if_given(context))
    return Response("", {}, 204)


# -- shared by both families


def _add(context: RequestContext, family: Family, key: str, name: str, kind: str) -> Response:
    return _tagged(groups.add(context.world, family, known_key(key), name, kind), 201)


def _list(context: RequestContext, family: Family, name: str) -> dict[str, Any]:
    query: OfOwner = context.query()
    key = groups.owner(context.world, family, known_key(query.channel_key))
    return cursors.page(
        name,
        context,
        cursors.number,
        lambda after, limit: groups.page(context.world, family, key, after, limit),
        lambda group: group.number,
        _shown,
    )


def _rename(context: RequestContext, family: Family, id: str, name: str) -> Response:
    return _tagged(groups.rename(context.world, family, number(id), expected(context), name))


def member_changes(context: RequestContext, name: str, change: Membership) -> dict[str, Any]:
    context.world.audiences.change(name, change.add, change.remove)
    return {"added": len(set(change.add)), "removed": len(set(change.remove))}


def _member(context: RequestContext, name: str, userid: str) -> dict[str, Any]:
    if len(userid) > 64 or not context.world.audiences.holds(name, [userid]):
        raise NotFound("member")
    return {"userid": userid}


def _tagged(group: Group, status: int = 200) -> Response:
    return tagged(_shown(group), group.version, status)


def _shown(group: Group) -> dict[str, Any]:
    return {
        "id": group.number,
        "channel_key": group.channel_key,
        "name": group.name,
        "kind": group.kind,
        "version": group.version,
    }
