"""Access channels: who may send, and on which delivery channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.channels import AccessChannel
from chalicelib.entrypoints import cursors
from chalicelib.entrypoints.http_admin_support import admin, expected, if_given, known_code, known_key, tagged
from chalicelib.entrypoints.http_support import Call
from chalicelib.flow import access, configure

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.access import AccessChannelBody, AccessChannelChange, Authorisation, Rotation

bp = Blueprint(__name__)


@admin(bp, "access-channels", "POST", takes="access.AccessChannelBody", gives="access.NewAccessChannel", status=201, errors=(409,))
def add_access_channel(call: Call) -> Response:
    """Add an access channel. Its master secret is shown this once."""
    body: AccessChannelBody = call.body()
    channel, secret = configure.add_access_channel(call.world, body.name, restricted=body.restricted, rate=body.rate)
    return tagged({**_shown(channel), "master_secret": secret}, channel.version, 201)


@admin(bp, "access-channels", "GET", query="base.ListQuery", gives="access.AccessChannels")
def list_access_channels(call: Call) -> Any:
    """List access channels."""
    return cursors.page("access_channels", call, cursors.word, call.world.settings.access_channels, lambda each: each.key, _shown)


@admin(bp, "access-channels/{key}", "GET", gives="access.AccessChannel")
def get_access_channel(call: Call, key: str) -> Response:
    """Get an access channel."""
    found = configure.access_channel(call.world, known_key(key))
    return tagged(_shown(found), found.version)


@admin(bp, "access-channels/{key}", "PATCH", takes="access.AccessChannelChange", gives="access.AccessChannel", matches=True)
def change_access_channel(call: Call, key: str) -> Response:
    """Rename an access channel, close or open it, restrict it, set its rate."""
    body: AccessChannelChange = call.body()
    changed = access.change(call.world, known_key(key), expected(call), body.changes())
    return tagged(_shown(changed), changed.version)


@admin(bp, "access-channels/{key}/secret", "POST", takes="access.Rotation", gives="access.Rotated", errors=(409, 412))
def rotate_secret(call: Call, key: str) -> Response:
    """Make a new master secret. It is shown this once; older ones work for `grace` seconds more."""
    body: Rotation = call.body()
    changed, secret, until = access.rotate(call.world, known_key(key), if_given(call), body.grace)
    return tagged({**_shown(changed), "master_secret": secret, "old_until": until}, changed.version)


@admin(bp, "access-channels/{key}/channels/{code}", "PUT", takes="access.Authorisation", gives="access.Authorised")
def authorise_channel(call: Call, key: str, code: str) -> dict[str, Any]:
    """Authorise an access channel for a delivery channel, or switch that.

    While it is switched off, strategies and templates with a channel type that nothing else delivers on are not valid.
    """
    body: Authorisation = call.body()
    configure.authorise(call.world, known_key(key), known_code(code), body.enabled)
    return {"channel_key": key, "code": code, "enabled": body.enabled}


@admin(bp, "access-channels/{key}/channels/{code}", "DELETE", status=204)
def withdraw_channel(call: Call, key: str, code: str) -> Response:
    """Take an authorisation back."""
    configure.authorise(call.world, known_key(key), known_code(code), None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    channels = [{"code": code, "enabled": enabled} for code, enabled in sorted(channel.channels.items())]
    return {
        "channel_key": channel.key, "name": channel.name, "enabled": channel.enabled, "restricted": channel.restricted,
        "rate": channel.rate, "channels": channels, "version": channel.version,
    }  # fmt: skip
