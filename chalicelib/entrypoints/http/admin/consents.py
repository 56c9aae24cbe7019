"""Consent: the purpose that people must have agreed to before an access channel writes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.consents import RULE
from chalicelib.domain.members import Role
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
    from chalicelib.entrypoints.http.schemas.consents import ConsentEntries, ConsentRuleBody

bp = Blueprint(__name__)

ONE = "consents/{key}"


@admin(bp, ONE, "GET", response="consents.ConsentRule", role=Role.READ_ONLY)
def get_consent_rule(context: RequestContext, key: str) -> Response:
    """Get the consent that an access channel requires."""
    channel = access_channels.get(context.world, known_key(key))
    return tagged(_shown(channel), channel.version)


@admin(
    bp,
    ONE,
    "PUT",
    request="consents.ConsentRuleBody",
    response="consents.ConsentRule",
    matches=True,
    role=Role.OPERATOR,
)
def set_consent_rule(context: RequestContext, key: str) -> Response:
    """Require a consent of messages without a topic that names its own purpose."""
    body: ConsentRuleBody = context.body()
    changed = access_channels.set_rule(
        context.world, known_key(key), expected(context), RULE, body.model_dump()
    )
    return tagged(_shown(changed), changed.version)


@admin(bp, ONE, "DELETE", status=204, errors=(409, 412), role=Role.OPERATOR)
def delete_consent_rule(context: RequestContext, key: str) -> Response:
    """Require a consent no longer."""
    version = expected_if_given(context)
    access_channels.set_rule(context.world, known_key(key), version, RULE, None)
    return Response("", {}, 204)


@admin(
    bp,
    f"{ONE}/records",
    "POST",
    request="consents.ConsentEntries",
    status=204,
    errors=(404,),
    role=Role.OPERATOR,
)
def record_consents_of(context: RequestContext, key: str) -> Response:
    """Record consents of contacts for an access channel, or that they were taken back.

    The latest word counts.
    """
    from chalicelib.manage.consents import record

    body: ConsentEntries = context.body()
    record(context.world, access_channels.get(context.world, known_key(key)).key, body.said())
    return Response("", {}, 204)


def _shown(channel: AccessChannel) -> dict[str, Any]:
    settings = channel.rules.get(RULE) or {"purpose": None, "exempt": []}
    return {"channel_key": channel.key, **settings, "version": channel.version}
