"""Switch on that an access channel keeps interactions of users, for rules of segments."""

from __future__ import annotations

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.domain.traces import KEPT_DAYS
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.flow.interactions import RULE, are_kept
from chalicelib.manage import access_channels

bp = Blueprint(__name__)

ONE = "interactions/{key}"


@admin(bp, ONE, "GET", response="interactions.Interactions", role=Role.READ_ONLY)
def get_interactions(context: RequestContext, key: str) -> Response:
    """Get whether an access channel keeps interactions of users with its messages."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(channel), channel.version)


@admin(bp, ONE, "PUT", response="interactions.Interactions", matches=True, role=Role.OPERATOR)
def keep_interactions(context: RequestContext, key: str) -> Response:
    """Keep interactions with the messages that are accepted from then on, for 90 days."""
    changed = access_channels.set_rule(context.world, known_key(key), expected(context), RULE, {})
    return tagged(_shown(changed), changed.version)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def end_interactions(context: RequestContext, key: str) -> Response:
    """Keep no more interactions. Those that are kept stay for their 90 days."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    return {
        "channel_key": channel.key,
        "enabled": are_kept(channel),
        "days": KEPT_DAYS,
        "version": channel.version,
    }
