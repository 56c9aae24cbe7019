"""1. Accept a request once: check it, store it, start it."""

from __future__ import annotations

import logging
import math
import secrets
from collections.abc import Mapping
from dataclasses import replace

from chalicelib.domain import audiences, keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Conflict, Invalid, KeyReused, NoMessageId, Refusal
from chalicelib.domain.jobs import Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.users import ALL
from chalicelib.flow import audience, dispatch
from chalicelib.flow.content import render
from chalicelib.flow.delivery import quota
from chalicelib.flow.resolve import ResolvedSend, SendRequest, resolve
from chalicelib.flow.select import target_of
from chalicelib.ports import IdempotencyKey, World

log = logging.getLogger("openums")

MAX_WALKERS = 16  # of one message


def submit(world: World, request: SendRequest, once: IdempotencyKey | None = None) -> str:
    """The new message's id; raises Refusal or Invalid, and then nothing is stored. Three AWS calls where settings are cached.

    `once`: under a key of the sender's. Who comes with the same key and request again gets the id of the first message.
    """
    try:
        return _submit(world, request, once)
    except (Refusal, Invalid):
        # What was accepted before stays accepted, whatever has been configured since.
        found = world.messages.once(once.name) if once else None
        if once is None or found is None:
            raise
        return _first(once, found)


def _submit(world: World, request: SendRequest, once: IdempotencyKey | None) -> str:
    message = _message(world, request)
    contacts = tuple(_contacts(world, request).values())
    for _ in range(3):
        plan = audience.make_plan(world, message, 0, "", contacts) if message.inline else None
        first_check = Timer(
            message.accepted + world.limits.check_after * 1000,
            TimerKind.CHECK,
            ChunkId(message.msgid, 0),
            message.priority,
        )
        try:
            earlier = world.messages.create(message, plan, first_check, contacts, once)
            break
        except Conflict:  # another message has the same random bits in the same millisecond
            message = replace(message, msgid=_new_id(message.accepted))
    else:
        raise NoMessageId
    if once is not None and earlier is not None:
        return _first(once, earlier)
    try:
        world.queues.send(_first_jobs(message, plan))
    except Exception as error:
        log.error("first_jobs_not_sent", exc_info=error, extra={"msgid": message.msgid})
    log.info(
        "message_accepted",
        extra={
            "msgid": message.msgid,
            "channel_key": message.channel_key,
            "targets": len(message.userids),
            "audience": message.audience.kind.value,
        },
    )
    return message.msgid


def _first(mine: IdempotencyKey, found: IdempotencyKey) -> str:
    if mine.digest != found.digest:
        raise KeyReused("Idempotency-Key")
    return found.msgid


def _new_id(now: int) -> str:
    return keys.message_id(now, secrets.token_bytes(4))


def _message(world: World, request: SendRequest) -> Message:
    wanted = resolve(world, request)
    now = world.clock.now()
    workers = {c.code: world.providers.of(c.platform).capabilities.worker for c in wanted.channels}
    return Message(
        msgid=_new_id(now),
        channel_key=request.channel.key,
        accepted=now,
        priority=request.priority,
        strategy=wanted.strategy,
        channels={c.code: c.type for c in wanted.channels},
        call_sizes={c.code: _call_size(world, c, wanted) for c in wanted.channels},
        contents=wanted.contents,
        links=wanted.links,
        userids=request.userids or tuple(_contacts(world, request)),
        audience=_audience(world, request),
        expires=now // 1000 + wanted.strategy.length + world.limits.history_days * 86400,
        labels={c.code: c.labels_to_try(request.label) for c in wanted.channels},
        restricted=request.channel.restricted,
        template=wanted.template,
        rule_id=request.rule_id,
        app_para=request.app_para,
        sendno=request.sendno,
        owner=request.owner,
        black_id=request.black_id,
        white_id=request.white_id,
        callback=request.callback,
        workers={code: worker for code, worker in workers.items() if worker},
    )


def _contacts(world: World, request: SendRequest) -> Mapping[str, str]:
    """The contacts that are named, by the names of their targets."""
    return {
        target_of(world.vault, kind, contact): contact
        for kind, contacts in request.contacts.items()
        for contact in contacts
    }


def _audience(world: World, request: SendRequest) -> Audience:
    if request.contacts:
        return Audience(AudienceKind.CONTACTS)
    if request.userids:
        return Audience()
    if request.everyone:
        return Audience(AudienceKind.EVERYONE, walkers=_walkers(world, world.users.estimate()))
    if request.segment is not None:
        sets: tuple[str, ...] = (audiences.segment(request.segment),)
    else:
        sets = tuple(dict.fromkeys(_tag(world, request.channel, name) for name in request.tags))
    return Audience(AudienceKind.SETS, sets, _walkers(world, world.audiences.estimate(sets)))


def _tag(world: World, access: AccessChannel, name: str) -> str:
    """The tag as it is bound to the access channel; where nobody has it so, as it is bound to all."""
    own = audiences.tag(access.key, name)
    return (
        own if world.audiences.walk([own], range(keys.BUCKETS), "", 1) else audiences.tag(ALL, name)
    )


def _walkers(world: World, size: int) -> int:
    return min(MAX_WALKERS, max(1, math.ceil(size / world.limits.sizes.partition_users)))


def _call_size(world: World, channel: Channel, wanted: ResolvedSend) -> int:
    able = world.providers.of(channel.platform).capabilities
    together = able.content_per_recipient or not render.is_personal(
        wanted.contents[channel.code], wanted.links
    )
    return quota.call_size(world, channel, able.call_size if together else 1)


def _first_jobs(message: Message, plan: Plan | None) -> list[Envelope]:
    """The delivery jobs themselves when one queue takes them all; else jobs that plan and send them on."""
    if plan is None or plan.next is not None:
        return audience.first_jobs(message)
    envelopes = dispatch.jobs(message, Chunk(plan), 0, 0)
    one_queue = len({(e.channel_type, e.worker) for e in envelopes}) == 1
    if one_queue and not audience.somebody_cannot_start(message, plan):
        return envelopes
    return audience.first_jobs(message) if plan.valid else []
