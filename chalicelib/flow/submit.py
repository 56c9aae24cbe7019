"""1. Accept a request once: resolve it, start it, store the message.

A small message whose first jobs fit into one queue is queued first and stored then, in one item.
So a stored message has its jobs. A job whose message never came dies out. Every other message is
stored first, with a timer that sends lost jobs again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.errors import Conflict, Invalid, KeyReused, NoMessageId, Refusal
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.flow import audience, dispatch
from chalicelib.flow.candidates import Known
from chalicelib.flow.draft import draft, new_id
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import counted
from chalicelib.flow.rules.broadcast_quota import CountedBroadcast
from chalicelib.observability import log, note
from chalicelib.ports import IdempotencyKey, World

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


def _submit(world: World, request: SendRequest, key: IdempotencyKey | None) -> str:
    message, contacts = draft(world, request)
    with CountedBroadcast(world, request, message.msgid) as counted:
        message, earlier = _accept(world, message, contacts, key, known=bool(request.msgid))
        if earlier is not None:
            counted.give_back()
    if key is not None and earlier is not None:
        return _first_msgid(key, earlier)
    audience = message.audience.kind.value
    note(msgid=message.msgid, audience=audience, targets=len(message.userids))
    return message.msgid


def _first_msgid(key: IdempotencyKey, earlier: IdempotencyKey) -> str:
    if key.digest != earlier.digest:
        raise KeyReused("Idempotency-Key")
    return earlier.msgid


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
            message = replace(message, msgid=new_id(message.accepted))
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
        counted.give_back_plan(world, message, plan)


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
        priority, group = envelope.priority.value, envelope.group
        return replace(envelope, job=replace(envelope.job, priority=priority, group=group))
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
