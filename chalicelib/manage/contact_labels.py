"""Contact labels of delivery channels. A label's id stays when it is renamed, and is never reused.

A change of a label is a change of its delivery channel, so the version is the channel's.
"""

from __future__ import annotations

import secrets

from chalicelib.domain.delivery_channels import DELIVERY_CHANNELS, Channel
from chalicelib.domain.errors import DefaultLabel, Invalid, NotFound, Taken
from chalicelib.manage import records
from chalicelib.ports import World

MAX_LABELS = 50


def add(world: World, code: str, version: int | None, name: str) -> tuple[Channel, str]:
    """Add a label. Return the channel and the label's id."""
    before = records.get_at(world, DELIVERY_CHANNELS, code, version)
    if len(before.labels) >= MAX_LABELS:
        raise Invalid("name", "a delivery channel has at most {most} labels", most=MAX_LABELS)
    _check_name(before, name)
    label = secrets.token_hex(4)
    labels = {**before.labels, label: name}
    return records.update(world, DELIVERY_CHANNELS, before, labels=labels), label


def rename(world: World, code: str, version: int | None, label: str, name: str) -> Channel:
    before = _with_label(world, code, version, label)
    if before.labels[label] != name:
        _check_name(before, name)
    return records.update(world, DELIVERY_CHANNELS, before, labels={**before.labels, label: name})


def delete(world: World, code: str, version: int | None, label: str) -> Channel:
    before = _with_label(world, code, version, label)
    if label == before.default_label:
        raise DefaultLabel("label")
    labels = {id: name for id, name in before.labels.items() if id != label}
    return records.update(world, DELIVERY_CHANNELS, before, labels=labels)


def set_default(world: World, code: str, version: int | None, label: str) -> Channel:
    before = _with_label(world, code, version, label)
    return records.update(world, DELIVERY_CHANNELS, before, default_label=label)


def _with_label(world: World, code: str, version: int | None, label: str) -> Channel:
    channel = records.get_at(world, DELIVERY_CHANNELS, code, version)
    if label not in channel.labels:
        raise NotFound("label")
    return channel


def _check_name(channel: Channel, name: str) -> None:
    if name in channel.labels.values():
        raise Taken("name", what="a label of this delivery channel")
