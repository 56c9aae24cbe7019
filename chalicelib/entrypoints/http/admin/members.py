"""Members of the management API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.members import Member, Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.audit import log_change
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import members

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.members import (
        MemberBody,
        MemberChange,
        PreferencesOfMember,
    )

bp = Blueprint(__name__)


@admin(
    bp,
    "members",
    "POST",
    request="members.MemberBody",
    response="members.NewMember",
    status=201,
    role=Role.ADMINISTRATOR,
)
def add_member(context: RequestContext) -> Response:
    """Add a member. The access secret is shown only once."""
    body: MemberBody = context.body()
    member, secret = members.add(context.world, body.name, body.role, body.roles)
    return tagged({**_shown(member), "access_secret": secret}, member.version, 201)


@admin(
    bp, "members", "GET", query="base.ListQuery", response="members.Members", role=Role.READ_ONLY
)
def list_members(context: RequestContext) -> Any:
    """List members. The deployment's global keys are not among them."""
    return cursors.page(
        "members",
        context,
        cursors.identifier,
        lambda after, limit: members.page(context.world, after, limit),
        lambda member: member.key,
        _shown,
    )


@admin(bp, "members/{access_key}", "GET", response="members.Member", role=Role.READ_ONLY)
def get_member(context: RequestContext, access_key: str) -> Response:
    """Get a member."""
    member = members.get(context.world, known_key(access_key))
    return tagged(_shown(member), member.version)


@admin(
    bp,
    "members/{access_key}",
    "PATCH",
    request="members.MemberChange",
    response="members.Member",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_member(context: RequestContext, access_key: str) -> Response:
    """Rename a member, change the role, disable or enable the member."""
    body: MemberChange = context.body()
    changed = members.change(
        context.world,
        known_key(access_key),
        expected(context),
        body.changes(),
        _key_of_caller(context),
    )
    return tagged(_shown(changed), changed.version)


@admin(
    bp,
    "members/{access_key}/secret",
    "POST",
    response="members.NewMember",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def new_member_secret(context: RequestContext, access_key: str) -> Response:
    """Create a new access secret. It is shown only once, and the old one stops working.

    Sessions in the console end, since the old secret may have opened them.
    """
    from chalicelib.manage import logins

    changed, secret = members.new_secret(
        context.world, known_key(access_key), expected_if_given(context)
    )
    logins.close_all(context.world, changed.key)
    return tagged({**_shown(changed), "access_secret": secret}, changed.version)


@admin(bp, "members/{access_key}", "DELETE", status=204, errors=(409, 412), role=Role.ADMINISTRATOR)
def delete_member(context: RequestContext, access_key: str) -> Response:
    """Delete a member, with the login. The audit log keeps the name."""
    from chalicelib.manage import logins

    key = known_key(access_key)
    members.delete(context.world, key, expected_if_given(context), _key_of_caller(context))
    logins.forget(context.world, key)
    return Response("", {}, 204)


@admin(bp, "me", "GET", response="members.Me", tag="members", role=Role.READ_ONLY)
def get_me(context: RequestContext) -> dict[str, Any]:
    """Get yourself: the member whose key it is, with preferences."""
    member = context.member
    return _shown_to_oneself(member) if member else {}


@admin(
    bp,
    "me/preferences",
    "PUT",
    request="members.PreferencesOfMember",
    response="members.Me",
    errors=(404, 409),
    tag="members",
    role=Role.READ_ONLY,
)
def prefer(context: RequestContext) -> dict[str, Any]:
    """Set your own preferences, all of them. A global key does not have any."""
    body: PreferencesOfMember = context.body()
    key, chosen = _key_of_caller(context), body.model_dump(exclude_none=True)
    member = members.prefer(context.world, key, chosen)
    log_change(context, "PUT", "/admin/v1/me/preferences", {"access_key": key})
    return _shown_to_oneself(member)


def _shown_to_oneself(member: Member) -> dict[str, Any]:
    names = ("language", "theme", "time_zone")
    preferences = {name: member.preferences.get(name) for name in names}
    shown = _shown(member)
    del shown["version"]
    return {**shown, "preferences": preferences}


def _key_of_caller(context: RequestContext) -> str:
    return context.member.key if context.member else ""


def _shown(member: Member) -> dict[str, Any]:
    return {
        "access_key": member.key,
        "name": member.name,
        "role": member.role.value,
        "roles": {key: role.value for key, role in member.roles.items()},
        "enabled": member.enabled,
        "version": member.version,
    }
