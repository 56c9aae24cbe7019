"""Changes of delivery channels and of their contact labels. Raises Stale when somebody else was faster."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Conflict, DefaultLabel, InUse, Invalid, NotFound, Stale
from chalicelib.manage import changes as configure
from chalicelib.ports import World

MAX_LABELS = 50


def change(world: World, code: str, version: int | None, changes: Mapping[str, Any]) -> Channel:
    """`changes`: name, credentials, options, on_uncertain, receipts, limits. What it is and its code never change."""
    before = configure.at_version(configure.channel(world, code), version)
    provider = world.providers.of(before.platform)
    kept = {
        name: value for name, value in changes.items() if name not in ("credentials", "receipts")
    }
    if "credentials" in changes:
        options = configure.provider_options(provider, changes.get("options", before.options))
        provider.check_credentials(changes["credentials"], options)
        kept["sealed_credentials"] = world.credentials.seal_credentials(changes["credentials"])
        kept["sealed_webhook"] = world.credentials.seal_webhook(
            provider.webhook_secret(changes["credentials"])
        )
    elif "options" in changes:
        raise Invalid(
            "credentials",
            "are required with options: both are checked together, and stored ones cannot be opened here",
        )
    if "receipts" in changes:
        kept["receipts"] = configure.receipt_mode(provider, changes["receipts"])
    return _write(world, before, **kept)


def new_webhook(world: World, code: str, version: int | None) -> tuple[Channel, str]:
    """Another token for its webhook; the old address ends at once."""
    before = configure.at_version(configure.channel(world, code), version)
    if not configure.has_webhook(world, before):
        raise Invalid("code", "the platform of this delivery channel has no webhooks")
    token = secrets.token_urlsafe(24)
    return _write(world, before, webhook_token_hash=configure.digest(token)), token


def delete(world: World, code: str, version: int | None) -> None:
    """Raise InUse while an access channel is authorised for it, switched on or not."""
    before = configure.at_version(configure.channel(world, code), version)
    users = [access.name for access in world.settings.access_channels() if code in access.channels]
    if users:
        raise InUse("code", by=users[:5])
    world.settings.delete_channel(replace(before, version=before.version + 1))


# -- contact labels


def add_label(world: World, code: str, version: int | None, name: str) -> tuple[Channel, str]:
    """The channel, and the new label's id: it stays when the label is renamed, and is never given twice."""
    before = configure.at_version(configure.channel(world, code), version)
    if len(before.labels) >= MAX_LABELS:
        raise Invalid("name", f"a delivery channel has at most {MAX_LABELS} labels")
    label = secrets.token_hex(4)
    return _write(world, before, labels={**before.labels, label: _free(before, name)}), label


def rename_label(world: World, code: str, version: int | None, label: str, name: str) -> Channel:
    before = _with_label(world, code, version, label)
    return _write(world, before, labels={**before.labels, label: _free(before, name, label)})


def delete_label(world: World, code: str, version: int | None, label: str) -> Channel:
    before = _with_label(world, code, version, label)
    if label == before.default_label:
        raise DefaultLabel("label")
    return _write(
        world, before, labels={i: name for i, name in before.labels.items() if i != label}
    )


def set_default_label(world: World, code: str, version: int | None, label: str) -> Channel:
    return _write(world, _with_label(world, code, version, label), default_label=label)


def _with_label(world: World, code: str, version: int | None, label: str) -> Channel:
    found = configure.at_version(configure.channel(world, code), version)
    if label not in found.labels:
        raise NotFound("label")
    return found


def _free(channel: Channel, name: str, own: str = "") -> str:
    if any(other == name for label, other in channel.labels.items() if label != own):
        raise configure.taken("name", "a label of this delivery channel")
    return name


def _write(world: World, before: Channel, **changes: Any) -> Channel:
    after = replace(before, **changes, version=before.version + 1)
    try:
        world.settings.update_channel(before, after)
    except Stale:
        raise
    except Conflict:
        raise configure.taken("name", "a delivery channel") from None
    return after
