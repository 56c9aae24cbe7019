"""Contact labels of delivery channels. With labels, a user has several contacts on a channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.members import Role
from chalicelib.entrypoints.http.admin.delivery_channels import shown_labels
from chalicelib.entrypoints.http.admin.route import (
    admin,
    expected,
    expected_if_given,
    known_code,
    tagged,
)
from chalicelib.entrypoints.http.context import RequestContext
from chalicelib.manage import contact_labels, delivery_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.contact_labels import DefaultLabel, LabelBody

bp = Blueprint(__name__)


@admin(bp, "channels/{code}/labels", "GET", response="contact_labels.Labels", role=Role.READ_ONLY)
def list_labels(context: RequestContext, code: str) -> Response:
    """List the contact labels of a delivery channel."""
    return _shown(delivery_channels.get(context.world, known_code(code)))


@admin(
    bp,
    "channels/{code}/labels",
    "POST",
    request="contact_labels.LabelBody",
    response="contact_labels.NewLabel",
    status=201,
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def add_label(context: RequestContext, code: str) -> Response:
    """Add a contact label."""
    body: LabelBody = context.body()
    changed, label = contact_labels.add(
        context.world, known_code(code), expected_if_given(context), body.name
    )
    return _shown(changed, status=201, label=label)


@admin(
    bp,
    "channels/{code}/labels/{label}",
    "PUT",
    request="contact_labels.LabelBody",
    response="contact_labels.Labels",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def rename_label(context: RequestContext, code: str, label: str) -> Response:
    """Rename a contact label. Its id and its contacts stay."""
    body: LabelBody = context.body()
    return _shown(
        contact_labels.rename(context.world, known_code(code), expected(context), label, body.name)
    )


@admin(
    bp,
    "channels/{code}/labels/{label}",
    "DELETE",
    response="contact_labels.Labels",
    errors=(409, 412),
    role=Role.ADMINISTRATOR,
)
def delete_label(context: RequestContext, code: str, label: str) -> Response:
    """Delete a contact label. The default cannot be deleted."""
    return _shown(
        contact_labels.delete(context.world, known_code(code), expected_if_given(context), label)
    )


@admin(
    bp,
    "channels/{code}/default-label",
    "PUT",
    request="contact_labels.DefaultLabel",
    response="contact_labels.Labels",
    matches=True,
    role=Role.ADMINISTRATOR,
)
def set_default_label(context: RequestContext, code: str) -> Response:
    """Set the contact label that is used when a message does not name one."""
    body: DefaultLabel = context.body()
    return _shown(
        contact_labels.set_default(context.world, known_code(code), expected(context), body.label)
    )


def _shown(channel: Channel, status: int = 200, **more: Any) -> Response:
    return tagged(
        {"labels": shown_labels(channel), "version": channel.version, **more},
        channel.version,
        status,
    )
