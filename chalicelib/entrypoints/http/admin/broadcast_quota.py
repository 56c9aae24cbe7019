"""The quota of broadcasts that an access channel may send in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow.rules import broadcast_quota
from chalicelib.flow.rules.broadcast_quota import RULE
from chalicelib.manage import access_channels
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.broadcast_quota import BroadcastQuotaBody

bp = Blueprint(__name__)

ONE = "broadcast-quota/{key}"


@admin(bp, ONE, "GET", response="broadcast_quota.BroadcastQuota", role=Role.READ_ONLY)
def get_broadcast_quota(context: RequestContext, key: str) -> Response:
    """Get the quota of broadcasts of an access channel, and what is used of it today."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(context.world, channel), channel.version)


@admin(
    bp,
    ONE,
    "PUT",
    request="broadcast_quota.BroadcastQuotaBody",
    response="broadcast_quota.BroadcastQuota",
    matches=True,
    role=Role.OPERATOR,
)
def set_broadcast_quota(context: RequestContext, key: str) -> Response:
    """Set how many broadcasts an access channel may send in a day."""
    body: BroadcastQuotaBody = context.body()
    changed = access_channels.set_rule(
        context.world, known_key(key), expected(context), RULE, body.model_dump()
    )
    return tagged(_shown(context.world, changed), changed.version)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_broadcast_quota(context: RequestContext, key: str) -> Response:
    """Switch the quota of broadcasts of an access channel off."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


def _shown(world: World, channel: AccessChannel) -> dict[str, Any]:
    settings, day = channel.rules.get(RULE), broadcast_quota.today(world)
    return {
        "channel_key": channel.key,
        "per_day": settings["per_day"] if settings else None,
        "used": broadcast_quota.used(world, channel) if settings else 0,
        "date": day.date,
        "ends": day.ends,
        "version": channel.version,
    }
