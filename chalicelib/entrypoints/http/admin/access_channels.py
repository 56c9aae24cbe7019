"""Access channels: who may send, and on which delivery channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    if_given,
    known_code,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.route import Call
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.access_channels import (
        AccessChannelBody,
        AccessChannelChange,
        Authorisation,
        Rotation,
    )

bp = Blueprint(__name__)


@admin(
    bp,
    "access-channels",
    "POST",
    takes="access_channels.AccessChannelBody",
    gives="access_channels.NewAccessChannel",
    status=201,
    errors=(409,),
)
def add_access_channel(call: Call) -> Response:
    """Add an access channel. Its master secret is shown this once."""
    body: AccessChannelBody = call.body()
    channel, secret = access_channels.add(
        call.world, body.name, restricted=body.restricted, rate=body.rate
    )
    return tagged({**_shown(channel), "master_secret": secret}, channel.version, 201)


@admin(bp, "access-channels", "GET", query="base.ListQuery", gives="access_channels.AccessChannels")
def list_access_channels(call: Call) -> Any:
    """List access channels."""
    return cursors.page(
        "access_channels",
        call,
        cursors.word,
        lambda after, limit: access_channels.page(call.world, after, limit),
        lambda each: each.key,
        _shown,
    )


@admin(bp, "access-channels/{key}", "GET", gives="access_channels.AccessChannel")
def get_access_channel(call: Call, key: str) -> Response:
    """Get an access channel."""
    found = access_channels.get(call.world, known_key(key))
    return tagged(_shown(found), found.version)


@admin(
    bp,
    "access-channels/{key}",
    "PATCH",
    takes="access_channels.AccessChannelChange",
    gives="access_channels.AccessChannel",
    matches=True,
)
def change_access_channel(call: Call, key: str) -> Response:
    """Rename an access channel, close or open it, restrict it, set its rate."""
    body: AccessChannelChange = call.body()
    changed = access_channels.change(call.world, known_key(key), expected(call), body.changes())
    return tagged(_shown(changed), changed.version)


@admin(
    bp,
    "access-channels/{key}/secret",
    "POST",
    takes="access_channels.Rotation",
    gives="access_channels.Rotated",
    errors=(409, 412),
)
def rotate_secret(call: Call, key: str) -> Response:
    """Make a new master secret. It is shown this once; older ones work for `grace` seconds more."""
    body: Rotation = call.body()
    changed, secret, until = access_channels.rotate(
        call.world, known_key(key), if_given(call), body.grace
    )
    return tagged({**_shown(changed), "master_secret": secret, "old_until": until}, changed.version)


@admin(
    bp,
    "access-channels/{key}/channels/{code}",
    "PUT",
    takes="access_channels.Authorisation",
    gives="access_channels.Authorised",
)
def authorise_channel(call: Call, key: str, code: str) -> dict[str, Any]:
    """Authorise an access channel for a delivery channel, or switch that.

    While it is switched off, strategies and templates with a channel type that nothing else delivers on are not valid.
    """
    body: Authorisation = call.body()
    access_channels.authorise(call.world, known_key(key), known_code(code), body.enabled)
    return {"channel_key": key, "code": code, "enabled": body.enabled}


@admin(bp, "access-channels/{key}/channels/{code}", "DELETE", status=204)
def withdraw_channel(call: Call, key: str, code: str) -> Response:
    """Take an authorisation back."""
    access_channels.authorise(call.world, known_key(key), known_code(code), None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    channels = [
        {"code": code, "enabled": enabled} for code, enabled in sorted(channel.channels.items())
    ]
    return {
        "channel_key": channel.key,
        "name": channel.name,
        "enabled": channel.enabled,
        "restricted": channel.restricted,
        "rate": channel.rate,
        "channels": channels,
        "version": channel.version,
    }
