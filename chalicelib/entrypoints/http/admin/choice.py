"""The choice of channels: whether an access channel keeps the own rates of its users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.members import Role
from chalicelib.domain.rules.choice import RULE
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_key,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import access_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.choice import ChoiceBody

bp = Blueprint(__name__)

ONE = "choice/{key}"


@admin(bp, ONE, "GET", response="choice.ChoiceRule", role=Role.READ_ONLY)
def get_choice(context: RequestContext, key: str) -> Response:
    """Tell if an access channel keeps the own rates of its users."""
    return _tagged(access_channels.get(context.world, known_key(key)))


@admin(
    bp,
    ONE,
    "PUT",
    request="choice.ChoiceBody",
    response="choice.ChoiceRule",
    matches=True,
    role=Role.OPERATOR,
)
def set_choice(context: RequestContext, key: str) -> Response:
    """Keep the own rates of an access channel's users, or stop keeping them.

    Messages that are accepted from then on count.
    """
    body: ChoiceBody = context.body()
    settings = {"own_rates": True} if body.own_rates else None
    changed = access_channels.set_rule(
        context.world, known_key(key), expected(context), RULE, settings
    )
    return _tagged(changed)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_choice(context: RequestContext, key: str) -> Response:
    """Stop keeping the own rates of an access channel's users."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


def _tagged(channel: AccessChannel) -> Response:
    shown = {"channel_key": channel.key, "own_rates": RULE in channel.rules}
    return tagged({**shown, "version": channel.version}, channel.version)
