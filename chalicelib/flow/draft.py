"""The message of an acceptable request, before anything of it is stored."""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.domain import audiences, keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.rules import budget as budgets
from chalicelib.domain.rules.caps import RULE, applying, settings_of
from chalicelib.domain.users import ALL
from chalicelib.flow import again, audience, interactions
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend, resolve
from chalicelib.flow.rules import (
    ab_tests,
    callbacks,
    choice,
    consents,
    gate,
    personal,
    retention,
    topics,
)
from chalicelib.ports import World

MAX_PARTITIONS = 16  # of one message


class Draft(NamedTuple):
    """An acceptable message that is not stored, with the contacts that its request names."""

    message: Message
    contacts: Sequence[str]


def draft(world: World, request: SendRequest) -> Draft:
    """Make the message of a request, after all checks of the message. Nothing is stored."""
    resolved = resolve(world, request)
    hold = gate.for_message(world, request, resolved)
    request, resolved = ab_tests.named_of(request, resolved)
    message = _message(world, request, resolved, hold)
    return Draft(message, tuple(resolved.contacts.values()))


def _message(
    world: World, request: SendRequest, resolved: ResolvedSend, hold: Hold | None
) -> Message:
    now, frozen = world.clock.now(), resolved.elements
    history = resolved.strategy.length + retention.days(world, request.channel) * 86400
    begins = hold.until if hold else now
    message = Message(
        msgid=request.msgid or new_id(now),
        accepted=now,
        strategy=resolved.strategy,
        channels={e.code: e.channel.type for e in frozen},
        call_sizes={e.code: e.call_size for e in frozen},
        contents={e.code: e.content for e in frozen},
        links=resolved.links,
        userids=request.userids or tuple(resolved.contacts),
        audience=_audience(world, request),
        expires=begins // 1000 + history,
        labels={e.code: e.channel.labels_to_try(request.label) for e in frozen},
        template=resolved.template,
        workers={e.code: e.worker for e in frozen if e.worker},
        occasion=request.occasion,
        hold=hold,
        step_rules=gate.step_rules(request, resolved),
        **_as_asked(request),
        **_of_rules(world, request, resolved),
    )
    unplanned = not request.msgid and _is_planned_late(message)
    return replace(message, unplanned=unplanned, written=again.kept(request.body, message))


def _is_planned_late(message: Message) -> bool:
    """Tell if the first job plans the message: one user, one channel, and no rule of sending."""
    rules = (message.hold, message.occasion, message.topic, message.purpose, message.caps)
    others = (message.budget, message.split, message.personal, message.black_id, message.white_id)
    is_free = not any((*rules, *others))
    is_of_user = message.audience.kind is AudienceKind.USERS and len(message.userids) == 1
    return is_of_user and is_free and len(message.codes_of(0)) == 1


def _of_rules(world: World, request: SendRequest, resolved: ResolvedSend) -> dict[str, Any]:
    """Return what rules of sending freeze in a message."""
    settings = settings_of(request.channel.rules.get(RULE))
    types = resolved.strategy.channels
    return {
        "caps": applying(settings, request.priority, request.topic, types),
        "budget": budgets.applies(request.channel.rules, request.priority),
        "personal": personal.of_elements(world, request, resolved),
        "purpose": consents.purpose_of(request),
        **choice.frozen_of(world, request, resolved.strategy),
        **topics.frozen_of(world, request),
    }


def _as_asked(request: SendRequest) -> dict[str, Any]:
    """Return the fields of a message that its request has as they are."""
    return {
        "channel_key": request.channel.key,
        "restricted": request.channel.restricted,
        "priority": request.priority,
        "split": request.split,
        "topic": request.topic,
        "rule_id": request.rule_id,
        "app_para": request.app_para,
        "sendno": request.sendno,
        "owner": request.owner,
        "name": request.name,
        "origin": request.origin,
        "sender": request.sender,
        "black_id": request.black_id,
        "white_id": request.white_id,
        "callback": callbacks.of_message(request),
        "followed": not request.contacts and interactions.are_kept(request.channel),
    }


def new_id(now: int) -> str:
    """Return the id of a message that is accepted now."""
    return keys.message_id(now, secrets.token_bytes(4))


def _audience(world: World, request: SendRequest) -> Audience:
    if request.contacts:
        return Audience(AudienceKind.CONTACTS)
    if not request.everyone and not request.names_sets:
        return Audience(AudienceKind.USERS)
    kind = AudienceKind.EVERYONE if request.everyone else AudienceKind.SETS
    sets = [_tag(world, request.channel, name) for name in request.tags]
    rule: Mapping[str, Any] = {}
    if request.segment is not None:
        segment = world.records.of(GROUPS[Family.SEGMENT]).get(request.segment)
        rule = segment.rule if segment else {}
        sets += [] if rule else [audiences.segment(request.segment)]
    whole = Audience(kind, tuple(dict.fromkeys(sets)), rule=rule, segment=request.segment or 0)
    size = audience.estimate(world, whole, request.userids)
    return replace(whole, partitions=_partitions(world, size))


def _tag(world: World, access: AccessChannel, name: str) -> str:
    """Return the access channel's tag of this name, or everyone's if no user has that one."""
    bound = audiences.tag(access.key, name)
    is_used = world.audiences.scan([bound], range(keys.BUCKETS), "", 1)
    return bound if is_used else audiences.tag(ALL, name)


def _partitions(world: World, size: int) -> int:
    return min(MAX_PARTITIONS, max(1, math.ceil(size / world.limits.sizes.partition_users)))
