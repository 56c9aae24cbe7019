"""Black- and whitelists, segments and tags: what they are called and whose they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.groups import Family, Group
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http_admin_support import admin, expected, if_given, known_key, listed, number, tagged
from chalicelib.entrypoints.http_support import Call
from chalicelib.flow import records

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.base import OfOwner
    from chalicelib.entrypoints.shapes.records import ListBody, Renaming, SegmentBody, TagBody, TagRenaming

bp = Blueprint(__name__)

CHANGES: dict[str, Any] = {"role": Role.OPERATOR, "gives": "records.Group"}
MAKES: dict[str, Any] = {**CHANGES, "status": 201, "errors": (404, 409)}
DELETES: dict[str, Any] = {"role": Role.OPERATOR, "status": 204, "errors": (409, 412)}


@admin(bp, "lists", "POST", takes="records.ListBody", **MAKES)
def add_list(call: Call) -> Response:
    """Add a black- or whitelist for an access channel."""
    body: ListBody = call.body()
    return _made(call, Family.LIST, body.channel_key, body.name, body.kind)


@admin(bp, "lists", "GET", query="base.OfOwner", gives="records.Lists", errors=(404,))
def list_lists(call: Call) -> Any:
    """List the black- and whitelists of an access channel."""
    return _listed(call, Family.LIST, "lists")


@admin(bp, "lists/{id}", "GET", gives="records.Group")
def get_list(call: Call, id: str) -> Response:
    """Get a black- or whitelist."""
    return _tagged(records.group(call.world, Family.LIST, number(id)))


@admin(bp, "lists/{id}", "PUT", takes="records.Renaming", matches=True, **CHANGES)
def rename_list(call: Call, id: str) -> Response:
    """Rename a black- or whitelist."""
    body: Renaming = call.body()
    return _renamed(call, Family.LIST, id, body.name)


@admin(bp, "lists/{id}", "DELETE", **DELETES)
def delete_list(call: Call, id: str) -> Response:
    """Delete a black- or whitelist."""
    return _deleted(call, Family.LIST, id)


@admin(bp, "segments", "POST", takes="records.SegmentBody", **MAKES)
def add_segment(call: Call) -> Response:
    """Add a segment for an access channel."""
    body: SegmentBody = call.body()
    return _made(call, Family.SEGMENT, body.channel_key, body.name, body.kind)


@admin(bp, "segments", "GET", query="base.OfOwner", gives="records.Segments", errors=(404,))
def list_segments(call: Call) -> Any:
    """List the segments of an access channel."""
    return _listed(call, Family.SEGMENT, "segments")


@admin(bp, "segments/{id}", "GET", gives="records.Group")
def get_segment(call: Call, id: str) -> Response:
    """Get a segment."""
    return _tagged(records.group(call.world, Family.SEGMENT, number(id)))


@admin(bp, "segments/{id}", "PUT", takes="records.Renaming", matches=True, **CHANGES)
def rename_segment(call: Call, id: str) -> Response:
    """Rename a segment."""
    body: Renaming = call.body()
    return _renamed(call, Family.SEGMENT, id, body.name)


@admin(bp, "segments/{id}", "DELETE", **DELETES)
def delete_segment(call: Call, id: str) -> Response:
    """Delete a segment."""
    return _deleted(call, Family.SEGMENT, id)


@admin(bp, "tags", "POST", takes="records.TagBody", **MAKES)
def add_tag(call: Call) -> Response:
    """Add a tag for an access channel, or for `all`. Its name is the text that users carry."""
    body: TagBody = call.body()
    return _made(call, Family.TAG, body.channel_key, body.name, "tag")


@admin(bp, "tags", "GET", query="base.OfOwner", gives="records.Tags", errors=(404,))
def list_tags(call: Call) -> Any:
    """List the tags of an access channel, or of `all`."""
    return _listed(call, Family.TAG, "tags")


@admin(bp, "tags/{id}", "GET", gives="records.Group")
def get_tag(call: Call, id: str) -> Response:
    """Get a tag."""
    return _tagged(records.group(call.world, Family.TAG, number(id)))


@admin(bp, "tags/{id}", "PUT", takes="records.TagRenaming", matches=True, **CHANGES)
def rename_tag(call: Call, id: str) -> Response:
    """Rename a tag. Users keep the text that they were given."""
    body: TagRenaming = call.body()
    return _renamed(call, Family.TAG, id, body.name)


@admin(bp, "tags/{id}", "DELETE", **DELETES)
def delete_tag(call: Call, id: str) -> Response:
    """Delete a tag. Users keep the text that they were given."""
    return _deleted(call, Family.TAG, id)


def _made(call: Call, family: Family, channel_key: str, name: str, kind: str) -> Response:
    return _tagged(records.add_group(call.world, family, known_key(channel_key), name, kind), 201)


def _listed(call: Call, family: Family, name: str) -> Any:
    asked: OfOwner = call.asked()
    key = records.owner(call.world, family, known_key(asked.channel_key))
    return listed(
        name, call, lambda after, limit: call.world.groups.list(family, key, after, limit), lambda each: each.number, 0, _shown
    )  # fmt: skip


def _renamed(call: Call, family: Family, id: str, name: str) -> Response:
    return _tagged(records.rename_group(call.world, family, number(id), expected(call), name))


def _deleted(call: Call, family: Family, id: str) -> Response:
    records.delete_group(call.world, family, number(id), if_given(call))
    return Response("", {}, 204)


def _tagged(group: Group, status: int = 200) -> Response:
    return tagged(_shown(group), group.version, status)


def _shown(group: Group) -> dict[str, Any]:
    return {
        "id": group.number, "channel_key": group.channel_key, "name": group.name, "kind": group.kind, "version": group.version,
    }  # fmt: skip
