"""Access channels: the senders, and the delivery channels that they may use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http import cursors
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_code,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
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
    request="access_channels.AccessChannelBody",
    response="access_channels.NewAccessChannel",
    status=201,
    errors=(409,),
    role=Role.ADMINISTRATOR,
)
def add_access_channel(context: RequestContext) -> Response:
    """Add an access channel. Its master secret is shown only once."""
    body: AccessChannelBody = context.body()
    channel, secret = access_channels.add(context.world, **body.model_dump())
    return tagged({**_shown(channel), "master_secret": secret}, channel.version, 201)


@admin(
    bp,
    "access-channels",
    "GET",
    query="base.ListQuery",
    response="access_channels.AccessChannels",
    role=Role.READ_ONLY,
)
def list_access_channels(context: RequestContext) -> Any:
    """List access channels."""
    return cursors.page(
        "access_channels",
        context,
        cursors.identifier,
        lambda after, limit: access_channels.page(context.world, after, limit),
        lambda channel: channel.key,
        _shown,
    )


@admin(
    bp,
    "access-channels/{key}",
    "GET",
    response="access_channels.AccessChannel",
    role=Role.READ_ONLY,
)
def get_access_channel(context: RequestContext, key: str) -> Response:
    """Get an access channel."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(channel), channel.version)


@admin(
    bp,
    "access-channels/{key}",
    "PATCH",
    request="access_channels.AccessChannelChange",
    response="access_channels.AccessChannel",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def change_access_channel(context: RequestContext, key: str) -> Response:
    """Change an access channel: its name, whether it is open and restricted, its rate."""
    body: AccessChannelChange = context.body()
    changed = access_channels.change(
        context.world, known_key(key), expected(context), body.changes()
    )
    return tagged(_shown(changed), changed.version)


@admin(
    bp,
    "access-channels/{key}/secret",
    "POST",
    request="access_channels.Rotation",
    response="access_channels.Rotated",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def rotate_secret(context: RequestContext, key: str) -> Response:
    """Create a new master secret. It is shown only once.

    Older secrets work for another `grace` seconds.
    """
    body: Rotation = context.body()
    changed, secret, until = access_channels.rotate(
        context.world, known_key(key), expected_if_given(context), body.grace
    )
    return tagged({**_shown(changed), "master_secret": secret, "old_until": until}, changed.version)


@admin(
    bp,
    "access-channels/{key}/channels/{code}",
    "PUT",
    request="access_channels.Authorisation",
    response="access_channels.Authorised",
    role=Role.ADMINISTRATOR,
)
def authorise_channel(context: RequestContext, key: str, code: str) -> dict[str, Any]:
    """Authorise an access channel for a delivery channel, or enable or disable the authorisation.

    While an authorisation is disabled, its delivery channel does not count: strategies and
    templates are not valid if it was the only one for one of their channel types.
    """
    body: Authorisation = context.body()
    access_channels.authorise(context.world, known_key(key), known_code(code), body.enabled)
    return {"channel_key": key, "code": code, "enabled": body.enabled}


@admin(bp, "access-channels/{key}/channels/{code}", "DELETE", status=204, role=Role.ADMINISTRATOR)
def withdraw_channel(context: RequestContext, key: str, code: str) -> Response:
    """Withdraw an authorisation."""
    access_channels.authorise(context.world, known_key(key), known_code(code), None)
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
        "changes_all": channel.changes_all,
        "rate": channel.rate,
        "channels": channels,
        "version": channel.version,
    }
