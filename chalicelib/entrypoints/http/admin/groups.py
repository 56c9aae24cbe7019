"""Black- and whitelists, segments and tags: what they are called and whose they are, and who is in a list or segment.

The three have the same routes, made from one table; a tag's users have it, and are no members.
"""

from __future__ import annotations

from dataclasses import dataclass
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
    if_given,
    known_key,
    number,
    tagged,
)
from chalicelib.entrypoints.http.admin.users import userids_of
from chalicelib.entrypoints.http.route import Call, View
from chalicelib.manage import groups

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.base import OfOwner
    from chalicelib.entrypoints.http.schemas.people import Membership
    from chalicelib.entrypoints.http.schemas.records import (
        ListBody,
        Renaming,
        SegmentBody,
        TagBody,
        TagRenaming,
    )

bp = Blueprint(__name__)


@dataclass(frozen=True)
class GroupRoutes:
    """A family in the words of its paths, shapes and descriptions."""

    family: Family
    path: str
    one: str
    several: str
    body: str
    renaming: str = "Renaming"
    owner: str = "an access channel"
    note: str = ""  # on its name


TOLD = (
    GroupRoutes(Family.LIST, "lists", "a black- or whitelist", "black- and whitelists", "ListBody"),
    GroupRoutes(Family.SEGMENT, "segments", "a segment", "segments", "SegmentBody"),
    GroupRoutes(
        Family.TAG,
        "tags",
        "a tag",
        "tags",
        "TagBody",
        "TagRenaming",
        "an access channel, or of `all`",
        note=" Its name is the text that users carry, and keep as they were given it.",
    ),
)


def _headers(told: GroupRoutes) -> None:
    family = told.family

    def add(call: Call) -> Response:
        body: ListBody | SegmentBody | TagBody = call.body()
        return _tagged(
            groups.add(call.world, family, known_key(body.channel_key), body.name, body.kind),
            201,
        )

    def several(call: Call) -> Any:
        asked: OfOwner = call.asked()
        key = groups.owner(call.world, family, known_key(asked.channel_key))
        return cursors.page(
            told.path,
            call,
            cursors.number,
            lambda after, limit: groups.page(call.world, family, key, after, limit),
            lambda each: each.number,
            _shown,
        )

    def get(call: Call, id: str) -> Response:
        return _tagged(groups.get(call.world, family, number(id)))

    def rename(call: Call, id: str) -> Response:
        body: Renaming | TagRenaming = call.body()
        return _tagged(groups.rename(call.world, family, number(id), expected(call), body.name))

    def delete(call: Call, id: str) -> Response:
        groups.delete(call.world, family, number(id), if_given(call))
        return Response("", {}, 204)

    changes: dict[str, Any] = {"role": Role.OPERATOR, "gives": "records.Group"}
    one, many = told.path + "/{id}", told.path.capitalize()
    _add(
        add,
        f"add_{family}",
        f"Add {told.one} of {told.owner}.{told.note}",
        told.path,
        "POST",
        takes=f"records.{told.body}",
        status=201,
        errors=(404, 409),
        **changes,
    )
    _add(
        several,
        f"list_{told.path}",
        f"List the {told.several} of {told.owner}.",
        told.path,
        "GET",
        query="base.OfOwner",
        gives=f"records.{many}",
        errors=(404,),
    )
    _add(get, f"get_{family}", f"Get {told.one}.", one, "GET", gives="records.Group")
    _add(
        rename,
        f"rename_{family}",
        f"Rename {told.one}.{told.note}",
        one,
        "PUT",
        takes=f"records.{told.renaming}",
        matches=True,
        **changes,
    )
    _add(
        delete,
        f"delete_{family}",
        f"Delete {told.one}.{told.note}",
        one,
        "DELETE",
        role=Role.OPERATOR,
        status=204,
        errors=(409, 412),
    )


def _members(told: GroupRoutes) -> None:
    name_of = {Family.LIST: audiences.listing, Family.SEGMENT: audiences.segment}[told.family]

    def members_of(call: Call, id: str) -> str:
        return name_of(groups.get(call.world, told.family, number(id)).number)

    def several(call: Call, id: str) -> dict[str, Any]:
        return userids_of(call, members_of(call, id))

    def change(call: Call, id: str) -> dict[str, Any]:
        body: Membership = call.body()
        call.world.audiences.change(members_of(call, id), body.add, body.remove)
        return {"added": len(set(body.add)), "removed": len(set(body.remove))}

    def get(call: Call, id: str, userid: str) -> dict[str, Any]:
        name = members_of(call, id)
        if len(userid) > 64 or not call.world.audiences.holds(name, [userid]):
            raise NotFound("member")
        return {"userid": userid}

    path = told.path + "/{id}/members"
    _add(
        several,
        f"list_{told.family}_members",
        f"List the members of {told.one}.",
        path,
        "GET",
        query="people.Paged",
        gives="people.UserIdsPage",
    )
    _add(
        change,
        f"change_{told.family}_members",
        f"Add members to {told.one} and remove some; who is a member already, or was none, is no error.",
        path,
        "POST",
        takes="people.Membership",
        gives="people.MembersChanged",
        role=Role.OPERATOR,
    )
    _add(
        get,
        f"get_{told.family}_member",
        f"Whether somebody is a member of {told.one}.",
        path + "/{userid}",
        "GET",
        gives="people.SetMember",
    )


def _add(view: View, name: str, text: str, path: str, method: str, **declared: Any) -> None:
    view.__name__, view.__doc__ = name, text
    admin(bp, path, method, **declared)(view)


for _told in TOLD:
    _headers(_told)
    if _told.family is not Family.TAG:
        _members(_told)


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
