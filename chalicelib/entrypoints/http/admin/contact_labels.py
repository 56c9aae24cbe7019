"""Contact labels of delivery channels: several contacts of one user on one channel, and which is meant where nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chalice.app import Blueprint, Response

from chalicelib.domain.delivery_channels import Channel
from chalicelib.entrypoints.http.admin.delivery_channels import shown_labels
from chalicelib.entrypoints.http.admin.route import admin, expected, if_given, known_code, tagged
from chalicelib.entrypoints.http.route import Call
from chalicelib.manage import contact_labels, delivery_channels

if TYPE_CHECKING:
    from chalicelib.entrypoints.http.schemas.delivery_channels import DefaultLabel, LabelBody

bp = Blueprint(__name__)


@admin(bp, "channels/{code}/labels", "GET", gives="delivery_channels.Labels")
def list_labels(call: Call, code: str) -> Response:
    """List the contact labels of a delivery channel."""
    return _shown(delivery_channels.get(call.world, known_code(code)))


@admin(
    bp,
    "channels/{code}/labels",
    "POST",
    takes="delivery_channels.LabelBody",
    gives="delivery_channels.NewLabel",
    status=201,
    errors=(409, 412),
)
def add_label(call: Call, code: str) -> Response:
    """Add a contact label."""
    body: LabelBody = call.body()
    changed, label = contact_labels.add(call.world, known_code(code), if_given(call), body.name)
    return _shown(changed, status=201, label=label)


@admin(
    bp,
    "channels/{code}/labels/{label}",
    "PUT",
    takes="delivery_channels.LabelBody",
    gives="delivery_channels.Labels",
    matches=True,
)
def rename_label(call: Call, code: str, label: str) -> Response:
    """Rename a contact label. Its id stays, and with it the contacts that carry it."""
    body: LabelBody = call.body()
    return _shown(
        contact_labels.rename(call.world, known_code(code), expected(call), label, body.name)
    )


@admin(
    bp,
    "channels/{code}/labels/{label}",
    "DELETE",
    gives="delivery_channels.Labels",
    errors=(409, 412),
)
def delete_label(call: Call, code: str, label: str) -> Response:
    """Delete a contact label. Refused for the default."""
    return _shown(contact_labels.delete(call.world, known_code(code), if_given(call), label))


@admin(
    bp,
    "channels/{code}/default-label",
    "PUT",
    takes="delivery_channels.DefaultLabel",
    gives="delivery_channels.Labels",
    matches=True,
)
def set_default_label(call: Call, code: str) -> Response:
    """Say which contact label is meant where a message names none."""
    body: DefaultLabel = call.body()
    return _shown(
        contact_labels.set_default(call.world, known_code(code), expected(call), body.label)
    )


def _shown(channel: Channel, status: int = 200, **more: Any) -> Response:
    return tagged(
        {"labels": shown_labels(channel), "version": channel.version, **more},
        channel.version,
        status,
    )
