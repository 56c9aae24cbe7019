"""Check the topic of a message, and choose whom it goes to by what people want of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import UnknownTopic
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.rules.topics import (
    QUIET,
    SILENT,
    UNWANTED,
    Preferences,
    QuietTime,
    of,
    refusal_key,
)
from chalicelib.domain.topics import TOPICS
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend
from chalicelib.flow.select import Selection, leave_out
from chalicelib.ports import World

_NOTHING = Preferences({})


def for_message(world: World, request: SendRequest, resolved: ResolvedSend) -> None:
    """Raise UnknownTopic unless the topic is the access channel's. A message may have none."""
    topic = world.records.of(TOPICS).get(request.topic) if request.topic else None
    if request.topic and (topic is None or topic.channel_key != request.channel.key):
        raise UnknownTopic("option.topic", number=request.topic)


def frozen_of(world: World, request: SendRequest) -> dict[str, Any]:
    """Return what a message freezes of its topic."""
    topic = world.records.of(TOPICS).get(request.topic) if request.topic else None
    if topic is None:
        return {}
    return {"opt_in": topic.opt_in, **({"purpose": topic.purpose} if topic.purpose else {})}


def for_targets(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out contacts on channels that people do not want, and those that would ring now."""
    if message.audience.kind is AudienceKind.CONTACTS:
        return _for_contacts(world, message, selections) if message.topic else selections
    first, now = message.strategy.steps[0].channels, world.clock.now()
    return [
        _for_user(message, selection, first, _begin(message, selection, now))
        for selection in selections
    ]


def _begin(message: Message, selection: Selection, now: int) -> int | None:
    """Return when (ms) the first step begins for a target, None if nothing is quiet for it."""
    if message.priority is Priority.HIGH:
        return None
    occasion = message.occasion
    if occasion is None or not occasion.zone_attribute or selection.user is None:
        return now
    return max(now, occasion.start(selection.user.attributes))


def _for_user(
    message: Message, selection: Selection, first: Sequence[ChannelType], now: int | None
) -> Selection:
    preferences = of(selection.user, message.channel_key)
    if preferences is None and not message.opt_in:
        return selection
    reasons = {
        code: why
        for code in selection.contacts
        if (
            why := (preferences or _NOTHING).reason(
                message.topic,
                message.channels[code],
                now if message.channels[code] in first else None,
                opt_in=message.opt_in,
            )
        )
    }
    return leave_out(selection, reasons)


def quiet_of(
    message: Message, selections: Sequence[Selection]
) -> Mapping[int, tuple[str, str, str]]:
    """Return the quiet times of targets, by their position, that later steps may have to wait for.

    They are those of the planning, as contacts are. Where people have zones of their own, the first
    step begins later, too.
    """
    has_zones = message.occasion is not None and message.occasion.zone_attribute
    has_later = len(message.strategy.steps) > 1 or has_zones
    if message.priority is Priority.HIGH or not has_later:
        return {}
    return {
        n: (preferences.quiet.begin, preferences.quiet.end, preferences.quiet.zone)
        for n, selection in enumerate(selections)
        if selection.target.loss is None
        and (preferences := of(selection.user, message.channel_key))
        and preferences.quiet
    }


def for_members(
    message: Message, chunk: Chunk, step: int, members: Sequence[int], now: int
) -> Mapping[int, Hold]:
    """Return the holds of targets for whom a step would ring in their quiet time."""
    rings = [c for c in message.codes_of(step) if message.channels[c] not in SILENT]
    quiet = {t: QuietTime(*chunk.plan.quiet[t]) for t in members if t in chunk.plan.quiet}
    ends = {
        t: time.until(now)
        for t, time in quiet.items()
        if any(code in chunk.plan.targets[t].contacts for code in rings)
    }
    return {t: Hold(until, QUIET) for t, until in ends.items() if until is not None}


def _for_contacts(
    world: World, message: Message, selections: Sequence[Selection]
) -> Sequence[Selection]:
    """Leave out named contacts that opted out of the topic. An opt-in counts for the others."""
    key = refusal_key(message.channel_key, message.topic)
    named: dict[ChannelType, set[str]] = {}
    for selection in selections:
        for code, contacts in selection.sendable.items():
            named.setdefault(message.channels[code], set()).update(contacts)
    times = world.audiences.opt_outs(named) if named else {}

    def is_unwanted(kind: ChannelType, contact: str) -> bool:
        of_contact: Mapping[str, int] = times.get(kind, {}).get(contact, {})
        time = of_contact.get(key, 0)
        return time > 0 or (message.opt_in and time == 0)

    return [
        leave_out(
            selection,
            {
                code: UNWANTED
                for code, contacts in selection.sendable.items()
                if all(is_unwanted(message.channels[code], contact) for contact in contacts)
            },
        )
        for selection in selections
    ]
