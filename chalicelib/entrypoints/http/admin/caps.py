"""Frequency caps: how many messages of an access channel a person gets within a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.domain.rules.caps import Cap
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import access_channels, caps

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.caps import CapsBody

bp = Blueprint(__name__)

ONE = "caps/{key}"


@admin(bp, ONE, "GET", response="caps.Caps", role=Role.READ_ONLY)
def get_caps(context: RequestContext, key: str) -> Response:
    """Get the frequency caps of an access channel."""
    return _tagged(access_channels.get(context.world, known_key(key)))


@admin(
    bp,
    ONE,
    "PUT",
    request="caps.CapsBody",
    response="caps.Caps",
    matches=True,
    role=Role.OPERATOR,
)
def set_caps(context: RequestContext, key: str) -> Response:
    """Set the frequency caps of an access channel, in the place of all earlier ones."""
    body: CapsBody = context.body()
    changed = caps.put(
        context.world, known_key(key), expected(context), [cap.cap() for cap in body.caps]
    )
    return _tagged(changed)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_caps(context: RequestContext, key: str) -> Response:
    """Switch the frequency caps of an access channel off."""
    caps.put(context.world, known_key(key), expected_if_given(context), ())
    return Response("", {}, 204)


def _tagged(channel: AccessChannel) -> Response:
    shown = {"channel_key": channel.key, "caps": [_shown(cap) for cap in caps.of(channel)]}
    return tagged({**shown, "version": channel.version}, channel.version)


def _shown(cap: Cap) -> dict[str, object]:
    return {
        "most": cap.most,
        "hours": cap.hours,
        "channel": cap.kind or None,
        "topic": cap.topic or None,
        "exempt": list(cap.exempt),
    }
