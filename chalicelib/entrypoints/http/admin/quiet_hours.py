"""Quiet hours: when an access channel sends nothing."""

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
from chalicelib.flow.rules.quiet_hours import RULE
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.quiet_hours import QuietHoursBody

bp = Blueprint(__name__)

ONE = "quiet-hours/{key}"


@admin(bp, ONE, "GET", response="quiet_hours.QuietHours", role=Role.READ_ONLY)
def get_quiet_hours(context: RequestContext, key: str) -> Response:
    """Get the quiet hours of an access channel."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(channel), channel.version)


@admin(
    bp,
    ONE,
    "PUT",
    request="quiet_hours.QuietHoursBody",
    response="quiet_hours.QuietHours",
    matches=True,
    role=Role.OPERATOR,
)
def set_quiet_hours(context: RequestContext, key: str) -> Response:
    """Set the quiet hours of an access channel.

    They apply to messages that are accepted from then on, and to later steps of their strategies.
    """
    from chalicelib.domain.rules import quiet_hours

    body: QuietHoursBody = context.body()
    settings = body.model_dump(mode="json")
    quiet_hours.check(quiet_hours.read(settings), context.world.clock.now())
    changed = access_channels.set_rule(
        context.world, known_key(key), expected(context), RULE, settings
    )
    return tagged(_shown(changed), changed.version)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_quiet_hours(context: RequestContext, key: str) -> Response:
    """Switch the quiet hours of an access channel off."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    settings = channel.rules.get(RULE) or {"action": None, "windows": []}
    return {"channel_key": channel.key, **settings, "version": channel.version}
