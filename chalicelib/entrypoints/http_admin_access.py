"""Access channels: who may send, and on which delivery channels."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.channels import AccessChannel
from chalicelib.entrypoints.bodies import Strict
from chalicelib.entrypoints.http_admin_support import Name, admin, known_code, known_key
from chalicelib.entrypoints.http_support import JSON, Call
from chalicelib.flow import configure

bp = Blueprint(__name__)


class AccessChannelBody(Strict):
    name: Name


class Authorisation(Strict):
    enabled: bool


@admin(bp, "access-channels", "POST")
def add_access_channel(call: Call) -> Response:
    channel, secret = configure.add_access_channel(call.world, call.body(AccessChannelBody).name)
    return Response({**_shown(channel), "master_secret": secret}, dict(JSON), 201)


@admin(bp, "access-channels", "GET")
def list_access_channels(call: Call) -> dict[str, Any]:
    return {"access_channels": [_shown(each) for each in call.world.settings.access_channels()]}


@admin(bp, "access-channels/{key}", "GET")
def get_access_channel(call: Call, key: str) -> dict[str, Any]:
    return _shown(configure.access_channel(call.world, known_key(key)))


@admin(bp, "access-channels/{key}/channels/{code}", "PUT")
def authorise_channel(call: Call, key: str, code: str) -> dict[str, Any]:
    enabled = call.body(Authorisation).enabled
    configure.authorise(call.world, known_key(key), known_code(code), enabled)
    return {"channel_key": key, "code": code, "enabled": enabled}


@admin(bp, "access-channels/{key}/channels/{code}", "DELETE")
def withdraw_channel(call: Call, key: str, code: str) -> Response:
    configure.authorise(call.world, known_key(key), known_code(code), None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    channels = [{"code": code, "enabled": enabled} for code, enabled in sorted(channel.channels.items())]
    return {"channel_key": channel.key, "name": channel.name, "enabled": channel.enabled, "channels": channels}
