"""Members of the management API, and the log of what they changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.audit import AuditEntry, month_of
from chalicelib.domain.members import Member
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import admin, expected, if_given, known_key, tagged
from chalicelib.entrypoints.http.route import Call
from chalicelib.manage import members

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.records import AuditQuery, MemberBody, MemberChange

bp = Blueprint(__name__)


@admin(bp, "members", "POST", takes="records.MemberBody", gives="records.NewMember", status=201)
def add_member(call: Call) -> Response:
    """Add a member. The access secret is shown this once."""
    body: MemberBody = call.body()
    member, secret = members.add(call.world, body.name, body.role)
    return tagged({**_shown(member), "access_secret": secret}, member.version, 201)


@admin(bp, "members", "GET", query="base.ListQuery", gives="records.Members")
def list_members(call: Call) -> Any:
    """List members. The deployment's global keys are not among them."""
    return cursors.page(
        "members",
        call,
        cursors.word,
        lambda after, limit: members.page(call.world, after, limit),
        lambda each: each.key,
        _shown,
    )


@admin(bp, "members/{access_key}", "GET", gives="records.Member")
def get_member(call: Call, access_key: str) -> Response:
    """Get a member."""
    found = members.get(call.world, known_key(access_key))
    return tagged(_shown(found), found.version)


@admin(
    bp,
    "members/{access_key}",
    "PATCH",
    takes="records.MemberChange",
    gives="records.Member",
    matches=True,
)
def change_member(call: Call, access_key: str) -> Response:
    """Rename a member, give another role, disable or enable."""
    body: MemberChange = call.body()
    changed = members.change(
        call.world, known_key(access_key), expected(call), body.changes(), _own(call)
    )
    return tagged(_shown(changed), changed.version)


@admin(bp, "members/{access_key}/secret", "POST", gives="records.NewMember", errors=(409, 412))
def new_member_secret(call: Call, access_key: str) -> Response:
    """Make a new access secret. It is shown this once, and the old one ends."""
    changed, secret = members.new_secret(call.world, known_key(access_key), if_given(call))
    return tagged({**_shown(changed), "access_secret": secret}, changed.version)


@admin(bp, "members/{access_key}", "DELETE", status=204, errors=(409, 412))
def delete_member(call: Call, access_key: str) -> Response:
    """Delete a member. The log of changes keeps the name."""
    members.delete(call.world, known_key(access_key), if_given(call), _own(call))
    return Response("", {}, 204)


@admin(bp, "audit", "GET", query="records.AuditQuery", gives="records.Changes")
def list_changes(call: Call) -> Any:
    """List what was changed through this API in a month, the newest first."""
    asked: AuditQuery = call.asked()
    month = asked.month or month_of(call.world.clock.now())
    return cursors.page(
        "changes",
        call,
        cursors.word,
        lambda before, limit: call.world.audit.list(month, before, limit),
        lambda each: each.id,
        _change,
    )


def _own(call: Call) -> str:
    return call.member.key if call.member else ""


def _shown(member: Member) -> dict[str, Any]:
    return {
        "access_key": member.key,
        "name": member.name,
        "role": member.role.value,
        "enabled": member.enabled,
        "version": member.version,
    }


def _change(change: AuditEntry) -> dict[str, Any]:
    return {
        "id": change.id,
        "time": change.time,
        "access_key": change.key,
        "member": change.member,
        "method": change.method,
        "route": change.route,
        "ids": dict(change.ids),
        "status": change.status,
    }
