"""The days for which the details of an access channel's messages are kept."""

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
from chalicelib.flow.rules import retention
from chalicelib.flow.rules.retention import RULE
from chalicelib.manage import access_channels
from chalicelib.ports import World

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.retention import RetentionBody

bp = Blueprint(__name__)

ONE = "retention/{key}"


@admin(bp, ONE, "GET", response="retention.Retention", role=Role.READ_ONLY)
def get_retention(context: RequestContext, key: str) -> Response:
    """Get the days for which an access channel's messages are kept."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(context.world, channel), channel.version)


@admin(
    bp,
    ONE,
    "PUT",
    request="retention.RetentionBody",
    response="retention.Retention",
    matches=True,
    role=Role.OPERATOR,
)
def set_retention(context: RequestContext, key: str) -> Response:
    """Set the days for which an access channel's messages are kept.

    They apply to messages that are accepted from then on.
    """
    body: RetentionBody = context.body()
    changed = access_channels.set_rule(
        context.world, known_key(key), expected(context), RULE, body.model_dump()
    )
    return tagged(_shown(context.world, changed), changed.version)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_retention(context: RequestContext, key: str) -> Response:
    """Let the deployment's days apply to an access channel again."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


def _shown(world: World, channel: AccessChannel) -> dict[str, Any]:
    return {
        "channel_key": channel.key,
        "days": retention.days(world, channel),
        "is_default": RULE not in channel.rules,
        "version": channel.version,
    }
