"""Access channels: who may send, and on which delivery channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.channels import AccessChannel
from chalicelib.entrypoints.http_admin_support import admin, known_code, known_key
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

if TYPE_CHECKING:
    from chalicelib.entrypoints.shapes.access import AccessChannelBody, Authorisation

bp = Blueprint(__name__)


@admin(bp, "access-channels", "POST", takes="access.AccessChannelBody", gives="access.NewAccessChannel", status=201, errors=(409,))
def add_access_channel(call: Call) -> Response:
    """Add an access channel. Its master secret is shown this once."""
    body: AccessChannelBody = call.body()
    channel, secret = configure.add_access_channel(call.world, body.name)
    return Response({**_shown(channel), "master_secret": secret}, dict(JSON), 201)


@admin(bp, "access-channels", "GET", gives="access.AccessChannels")
def list_access_channels(call: Call) -> dict[str, Any]:
    """All access channels."""
    return {"access_channels": [_shown(each) for each in call.world.settings.access_channels()]}


@admin(bp, "access-channels/{key}", "GET", gives="access.AccessChannel")
def get_access_channel(call: Call, key: str) -> dict[str, Any]:
    """One access channel."""
    return _shown(configure.access_channel(call.world, known_key(key)))


@admin(bp, "access-channels/{key}/channels/{code}", "PUT", takes="access.Authorisation", gives="access.Authorised")
def authorise_channel(call: Call, key: str, code: str) -> dict[str, Any]:
    """Authorise an access channel for a delivery channel, or switch that."""
    body: Authorisation = call.body()
    enabled = body.enabled
    configure.authorise(call.world, known_key(key), known_code(code), enabled)
    return {"channel_key": key, "code": code, "enabled": enabled}


@admin(bp, "access-channels/{key}/channels/{code}", "DELETE", status=204)
def withdraw_channel(call: Call, key: str, code: str) -> Response:
    """Take the authorisation back."""
    configure.authorise(call.world, known_key(key), known_code(code), None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    channels = [{"code": code, "enabled": enabled} for code, enabled in sorted(channel.channels.items())]
    return {"channel_key": channel.key, "name": channel.name, "enabled": channel.enabled, "channels": channels}
