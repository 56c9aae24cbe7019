"""Who is in a segment, and who is on a black- or whitelist."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint

from chalicelib.domain import audiences
from chalicelib.domain.groups import Family
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http_admin_support import admin, number
from chalicelib.entrypoints.http_admin_users import userids_of
from chalicelib.entrypoints.http_support import Call
from chalicelib.flow import records

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.people import Membership

bp = Blueprint(__name__)


@admin(bp, "segments/{id}/members", "GET", query="people.Paged", gives="people.UserIdsPage", tag="segments")
def list_segment_members(call: Call, id: str) -> dict[str, Any]:
    """The members of a segment."""
    return userids_of(call, _segment(call, id))


@admin(bp, "segments/{id}/members", "POST", takes="people.Membership", gives="people.MembersChanged", role=Role.OPERATOR, tag="segments")
def change_segment_members(call: Call, id: str) -> dict[str, Any]:
    """Add members to a segment and remove some; who is a member already, or was none, is no error."""
    return _change(call, _segment(call, id))


@admin(bp, "segments/{id}/members/{userid}", "GET", gives="people.SetMember", errors=(404,), tag="segments")
def get_segment_member(call: Call, id: str, userid: str) -> dict[str, Any]:
    """Whether somebody is in a segment."""
    return _member(call, _segment(call, id), userid)


@admin(bp, "lists/{id}/members", "GET", query="people.Paged", gives="people.UserIdsPage", tag="lists")
def list_list_members(call: Call, id: str) -> dict[str, Any]:
    """Who is on a black- or whitelist."""
    return userids_of(call, _list(call, id))


@admin(bp, "lists/{id}/members", "POST", takes="people.Membership", gives="people.MembersChanged", role=Role.OPERATOR, tag="lists")
def change_list_members(call: Call, id: str) -> dict[str, Any]:
    """Put users on a list and take some off; who is on it already, or was not, is no error."""
    return _change(call, _list(call, id))


@admin(bp, "lists/{id}/members/{userid}", "GET", gives="people.SetMember", errors=(404,), tag="lists")
def get_list_member(call: Call, id: str, userid: str) -> dict[str, Any]:
    """Whether somebody is on a list."""
    return _member(call, _list(call, id), userid)


def _segment(call: Call, id: str) -> str:
    return audiences.segment(records.group(call.world, Family.SEGMENT, number(id)).number)


def _list(call: Call, id: str) -> str:
    return audiences.listing(records.group(call.world, Family.LIST, number(id)).number)


def _change(call: Call, name: str) -> dict[str, Any]:
    body: Membership = call.body()
    call.world.audiences.change(name, body.add, body.remove)
    return {"added": len(set(body.add)), "removed": len(set(body.remove))}


def _member(call: Call, name: str, userid: str) -> dict[str, Any]:
    if len(userid) > 64 or not call.world.audiences.holds(name, [userid]):
        raise LookupError("not a member")
    return {"userid": userid}
