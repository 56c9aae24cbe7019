"""Frequency caps: how many messages of an access channel a person gets within a window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.domain.rules.caps import Cap
from chalicelib.entrypoints.http.admin.route import admin, expected, known_key, tagged
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import access_channels, caps

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.caps import CapsBody

bp = Blueprint(__name__)


@admin(bp, "access-channels/{key}/caps", "GET", response="caps.Caps", role=Role.READ_ONLY)
def get_caps(context: RequestContext, key: str) -> Response:
    """Get the frequency caps of an access channel."""
    return _tagged(access_channels.get(context.world, known_key(key)))


@admin(
    bp,
    "access-channels/{key}/caps",
    "PUT",
    request="caps.CapsBody",
    response="caps.Caps",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_caps(context: RequestContext, key: str) -> Response:
    """Replace the frequency caps of an access channel. An empty list ends them."""
    body: CapsBody = context.body()
    changed = caps.put(
        context.world, known_key(key), expected(context), [cap.cap() for cap in body.caps]
    )
    return _tagged(changed)


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
