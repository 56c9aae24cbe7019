"""1. Accept a request once: resolve it, start it, store the message.

A small message whose first jobs fit into one queue is queued first and stored then, in one item.
So a stored message has its jobs. A job whose message never came dies out. Every other message is
stored first, with a timer that sends lost jobs again.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.domain import audiences, keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import Audience, AudienceKind
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.errors import Conflict, Invalid, KeyReused, NoMessageId, Refusal
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Hold, Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.rules.caps import RULE, applying, settings_of
from chalicelib.domain.users import ALL
from chalicelib.flow import audience, dispatch
from chalicelib.flow.candidates import Known
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import ResolvedSend, resolve
from chalicelib.flow.rules import callbacks, caps, consents, gate, personal, retention, topics
from chalicelib.flow.rules.broadcast_quota import CountedBroadcast
from chalicelib.observability import log
from chalicelib.ports import IdempotencyKey, World

MAX_PARTITIONS = 16  # of one message
# Bytes of a plan that a message's item holds beside 256 KB of contents. An item has 400 KB at most.
MAX_HELD_PLAN = 100_000
MSGID_TRIES = 3  # random bits may be taken


def submit(world: World, request: SendRequest, key: IdempotencyKey | None = None) -> str:
    """Accept a request and return the message's id: two or three calls, with cached settings.

    Raises Refusal or Invalid, and then nothing is stored. A repeat with the same idempotency key
    and the same body gets the id of the first message.
    """
    try:
        kept = _keep(world, request, key)
        return _submit(world, request, key) if kept is None else kept
    except (Refusal, Invalid):
        # An accepted request stays accepted, whatever has been configured since.
        earlier = world.messages.once(key.name) if key else None
        if key is None or earlier is None:
            raise
        return _first_msgid(key, earlier)


def _keep(world: World, request: SendRequest, key: IdempotencyKey | None) -> str | None:
    """Store a request that must wait, and return its id. Return None for any other."""
    is_reviewed = "reviews" in request.channel.rules and not request.approved
    if request.timing is None and not is_reviewed:
        return None
    from chalicelib.flow.keep import keep  # few requests wait

    return keep(world, request, key)


class Draft(NamedTuple):
    """An acceptable message that is not stored, with the contacts that its request names."""

    message: Message
    contacts: Sequence[str]


def draft(world: World, request: SendRequest) -> Draft:
    """Make the message of a request, after all checks of the message. Nothing is stored."""
    resolved = resolve(world, request)
    hold = gate.for_message(world, request, resolved)
    message = _message(world, request, resolved, hold)
    return Draft(message, tuple(resolved.contacts.values()))


def _submit(world: World, request: SendRequest, key: IdempotencyKey | None) -> str:
    message, contacts = draft(world, request)
    with CountedBroadcast(world, request, message.msgid) as counted:
        message, earlier = _accept(world, message, contacts, key, known=bool(request.msgid))
        if earlier is not None:
            counted.give_back()
    if key is not None and earlier is not None:
        return _first_msgid(key, earlier)
    fields = {"msgid": message.msgid, "channel_key": message.channel_key}
    audience_kind = message.audience.kind.value
    log.info(
        "message_accepted",
        extra={**fields, "targets": len(message.userids), "audience": audience_kind},
    )
    return message.msgid


def _first_msgid(key: IdempotencyKey, earlier: IdempotencyKey) -> str:
    if key.digest != earlier.digest:
        raise KeyReused("Idempotency-Key")
    return earlier.msgid


def _message(
    world: World, request: SendRequest, resolved: ResolvedSend, hold: Hold | None
) -> Message:
    now, frozen = world.clock.now(), resolved.elements
    history = resolved.strategy.length + retention.days(world, request.channel) * 86400
    begins = hold.until if hold else now
    message = Message(
        msgid=request.msgid or _new_id(now),
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
    return replace(message, unplanned=not request.msgid and _is_planned_late(message))


def _is_planned_late(message: Message) -> bool:
    """Tell if the first job plans the message: nothing but the one user decides on its call."""
    rules = (message.hold, message.occasion, message.topic, message.purpose, message.caps)
    is_free = not any((*rules, message.personal, message.black_id, message.white_id))
    is_of_user = message.audience.kind is AudienceKind.USERS and len(message.userids) == 1
    return is_of_user and is_free and len(message.codes_of(0)) == 1


def _of_rules(world: World, request: SendRequest, resolved: ResolvedSend) -> dict[str, Any]:
    """Return what rules of sending freeze in a message."""
    settings = settings_of(request.channel.rules.get(RULE))
    types = resolved.strategy.channels
    return {
        "caps": applying(settings, request.priority, request.topic, types),
        "personal": personal.of_elements(world, request, resolved),
        "purpose": consents.purpose_of(request),
        **topics.frozen_of(world, request),
    }


def _as_asked(request: SendRequest) -> dict[str, Any]:
    """Return the fields of a message that its request has as they are."""
    return {
        "channel_key": request.channel.key,
        "restricted": request.channel.restricted,
        "priority": request.priority,
        "topic": request.topic,
        "rule_id": request.rule_id,
        "app_para": request.app_para,
        "sendno": request.sendno,
        "owner": request.owner,
        "name": request.name,
        "black_id": request.black_id,
        "white_id": request.white_id,
        "callback": callbacks.of_message(request),
    }


def _new_id(now: int) -> str:
    return keys.message_id(now, secrets.token_bytes(4))


def _audience(world: World, request: SendRequest) -> Audience:
    if request.contacts:
        return Audience(AudienceKind.CONTACTS)
    if not request.everyone and not request.names_sets:
        return Audience(AudienceKind.USERS)
    kind = AudienceKind.EVERYONE if request.everyone else AudienceKind.SETS
    sets = [_tag(world, request.channel, name) for name in request.tags]
    if request.segment is not None:
        sets.append(audiences.segment(request.segment))
    whole = Audience(kind, tuple(dict.fromkeys(sets)))
    size = audience.estimate(world, whole, request.userids)
    return replace(whole, partitions=_partitions(world, size))


def _tag(world: World, access: AccessChannel, name: str) -> str:
    """Return the access channel's tag of this name, or everyone's if no user has that one."""
    bound = audiences.tag(access.key, name)
    is_used = world.audiences.scan([bound], range(keys.BUCKETS), "", 1)
    return bound if is_used else audiences.tag(ALL, name)


def _partitions(world: World, size: int) -> int:
    return min(MAX_PARTITIONS, max(1, math.ceil(size / world.limits.sizes.partition_users)))


def _accept(
    world: World,
    message: Message,
    contacts: Sequence[str],
    key: IdempotencyKey | None,
    *,
    known: bool,
) -> tuple[Message, IdempotencyKey | None]:
    """Store the message and send its first jobs, or return the key of an earlier one.

    A message with a `known` id is stored before its jobs are sent, so that a repeat finds it.
    """
    for _ in range(MSGID_TRIES):
        plan, jobs = _plan(world, message, contacts, known=known)
        try:
            if jobs is not None:
                earlier = _queue_and_store(world, message, plan, jobs, key)
            else:
                earlier = _store(world, message, plan, contacts, key)
        except Conflict:
            if known:
                return message, IdempotencyKey(message.msgid, "", message.msgid)
            # Another message has the same random bits in the same millisecond.
            _give_back(world, message, plan)
            message = replace(message, msgid=_new_id(message.accepted))
            continue
        if earlier is not None and earlier.msgid != message.msgid:
            _give_back(world, message, plan)
        elif earlier is None and jobs is None:
            _start(world, message, plan)
        return message, earlier
    raise NoMessageId


def _plan(
    world: World, message: Message, contacts: Sequence[str], *, known: bool
) -> tuple[Plan | None, list[Envelope] | None]:
    """Return the plan of a small message, and its first jobs if one queue takes them all."""
    if message.unplanned:
        return None, [dispatch.first_job(message)]
    is_planned, read = message.inline and message.hold is None, Known(contacts)
    plan = audience.make_plan(world, message, 0, "", read) if is_planned else None
    return plan, None if known else _single_queue_jobs(message, plan)


def _give_back(world: World, message: Message, plan: Plan | None) -> None:
    """Give back what the plan of a message has counted that was not stored."""
    if plan is not None:
        caps.give_back_plan(world, message, plan)


def _single_queue_jobs(message: Message, plan: Plan | None) -> list[Envelope] | None:
    """Return the delivery jobs of a whole plan if one queue takes them all, else None."""
    if plan is None or plan.next is not None or plan.starts or plan.size > MAX_HELD_PLAN:
        return None
    jobs = dispatch.jobs(message, Chunk(plan), 0, 0)
    has_one_queue = len({(job.channel_type, job.worker) for job in jobs}) <= 1
    return jobs if has_one_queue and not audience.somebody_cannot_start(message, plan) else None


def _queue_and_store(
    world: World,
    message: Message,
    plan: Plan | None,
    jobs: Sequence[Envelope],
    key: IdempotencyKey | None,
) -> IdempotencyKey | None:
    """Send the jobs, then store the message. Return the key of an earlier message.

    A repeat of a request that is stored sends nothing.
    """
    earlier = world.messages.once(key.name) if key else None
    if earlier is not None:
        return earlier
    try:
        world.queues.send([_that_may_be_early(envelope) for envelope in jobs])
    except Exception:
        _give_back(world, message, plan)
        raise
    return world.messages.create(message, plan, None, (), key)


def _that_may_be_early(envelope: Envelope) -> Envelope:
    """Return a job that can wait for its message, on a queue of the same priority."""
    if isinstance(envelope.job, DeliverJob):
        return replace(envelope, job=replace(envelope.job, priority=envelope.priority.value))
    return envelope


def _store(
    world: World,
    message: Message,
    plan: Plan | None,
    contacts: Sequence[str],
    key: IdempotencyKey | None,
) -> IdempotencyKey | None:
    """Store the message with its plan and first timer, or return the key of an earlier one."""
    return world.messages.create(message, plan, _first_timer(world, message), contacts, key)


def _first_timer(world: World, message: Message) -> Timer:
    """Return the timer that sends lost jobs again, or the first ones at the end of a hold."""
    at = message.starts if message.hold else message.accepted + world.limits.check_after * 1000
    return Timer(at, TimerKind.CHECK, ChunkId(message.msgid, 0), message.priority)


def _start(world: World, message: Message, plan: Plan | None) -> None:
    """Send the jobs that plan the message. The first timer sends them if that fails.

    A message on hold only makes sure that the clock ticks at the end of the hold.
    """
    has_targets = plan is None or plan.next is not None or plan.valid
    try:
        if message.hold is not None:
            world.timers.set([_first_timer(world, message)])
        elif has_targets:
            world.queues.send(audience.first_jobs(message))
    except Exception as error:
        log.error("first_jobs_not_sent", exc_info=error, extra={"msgid": message.msgid})
