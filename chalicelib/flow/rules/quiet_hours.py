"""Refuse or hold a message in the quiet hours of its access channel, and hold a later step.

The settings are in the record of the access channel, as domain/rules/quiet_hours.py reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import QuietHours
from chalicelib.domain.messages import Hold, Message
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.ports import World

RULE = "quiet_hours"


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> Hold | None:
    """Return the hold of a message in quiet hours. Raise QuietHours where they refuse it.

    Where people have zones of their own, nobody may be meant when the message begins. They are
    asked for one by one, as for later steps.
    """
    times = request.occasion or request.timing
    if times is not None and times.zone_attribute:
        return None
    settings = request.channel.rules.get(RULE)
    until = _quiet_until(world, settings, request.priority) if settings else None
    if settings is None or until is None:
        return None
    if settings["action"] == "hold":
        return Hold(until, RULE)
    raise QuietHours(until=datetime.fromtimestamp(until // 1000, UTC).isoformat())


def for_step(world: World, message: Message, step: int) -> Hold | None:
    """Return the hold of a later step. Its message was accepted, so nothing refuses it."""
    access = world.settings.access_channel(message.channel_key)
    settings = access.rules.get(RULE) if access else None
    until = _quiet_until(world, settings, message.priority) if settings else None
    return None if until is None else Hold(until, RULE)


def _quiet_until(world: World, settings: Mapping[str, Any], priority: Priority) -> int | None:
    from chalicelib.domain.rules import quiet_hours  # time zones are read where they are used

    return quiet_hours.quiet_until(quiet_hours.read(settings), priority, world.clock.now())
