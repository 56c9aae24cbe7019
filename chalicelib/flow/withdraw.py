"""Withdraw a message: stop what has not left, and recall what was submitted where possible.

Deliveries need no reading of their own to respect a withdrawal. The withdrawal of a chunk stands in
its partition of the ledger, which jobs read anyway. Only the first job of a single send does not,
so the request closes that call at once. A call that was open when the chunk was withdrawn is closed
by the same conditional put that claims it. So either the worker has the call, or nobody ever will.
Planners read the message's own withdrawal before each chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from chalicelib import observability
from chalicelib.domain import elements
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import (
    Misconfigured,
    ProviderError,
    TooLateToWithdraw,
    Unavailable,
    Uncertain,
    WithdrawnAlready,
)
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import Envelope, RecallJob, Timer, TimerKind, WithdrawJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import Outcome
from chalicelib.flow import provider_ids, single
from chalicelib.flow.delivery.cancel import CancelResult, cancel
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.dispatch import OpenCall, open_calls_of_all_steps
from chalicelib.flow.messages import ending_of, sent_by
from chalicelib.flow.rules import counted
from chalicelib.flow.timers import begin_until
from chalicelib.observability import log
from chalicelib.ports import Session, World

# Seconds after its start that a message can be withdrawn, and for so long it is tried.
WITHIN = 24 * 3600
MAX_TRIES = 10  # of a recall that the provider does not answer
MAX_DELAY = 900  # seconds between two tries

_RESULT = (FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)


def withdraw(world: World, channel_key: str, msgid: str) -> None:
    """Take a message back. Raises NotFound, TooLateToWithdraw or WithdrawnAlready."""
    message, now = sent_by(world, channel_key, msgid), world.clock.now()
    if now - message.starts > WITHIN * 1000:
        raise TooLateToWithdraw("msgid", hours=WITHIN // 3600)
    first, due = ChunkId(msgid, 0), now + world.limits.check_after * 1000
    timer = Timer(due, TimerKind.WITHDRAW, first, message.priority)
    if not world.messages.withdraw(message, now, timer):
        ending_of(world, msgid)
        raise WithdrawnAlready("msgid")
    try:  # from here on the timer sees to it, should this worker end
        world.ledger.withdraw(first, now, message)
        if message.inline:
            _withdraw_at_once(world, message, first)
        else:
            world.queues.send(_first_jobs(message))
    except Exception as error:
        log.error("withdrawal_not_queued", exc_info=error, extra={"msgid": msgid})
    log.info("message_withdrawn", extra={"msgid": msgid, "channel_key": channel_key})


def _withdraw_at_once(world: World, message: Message, at: ChunkId) -> None:
    """Withdraw a small message in the request, so that the answer tells what was stopped.

    The first job of a single send goes to the claim without reading the chunk.
    """
    chunk = single.chunk_of(world, at, message)
    if chunk is None or chunk.plan.next is not None:
        world.queues.send(_first_jobs(message))
    if chunk is not None:
        withdraw_chunk(world, message, chunk)


def _first_jobs(message: Message) -> list[Envelope]:
    """Build one job per partition of the audience."""
    return [_job(message, number) for number in message.first_chunks]


def _job(message: Message, number: int) -> Envelope:
    return Envelope(WithdrawJob(message.msgid, number), message.priority, None, message.channel_key)


def start_again(world: World, timers: Sequence[Timer]) -> None:
    """Send the first jobs of withdrawals, whether or not they were sent before.

    Each timer was stored together with its withdrawal.
    """
    for timer in timers:
        message = world.messages.get(timer.chunk.msgid)
        if message is not None:
            world.queues.send(_first_jobs(message))


def withdraw_partition(world: World, job: WithdrawJob) -> None:
    """Withdraw the chunks of a partition, from the job's chunk on.

    Where no chunk is planned yet, its planner finds the withdrawal of the message or of the chunk.
    A chunk of many open calls takes many requests. What there is no time for is another job's.
    """
    message, since = world.messages.get(job.msgid), world.messages.withdrawn(job.msgid)
    if message is None or since is None:
        return
    number, until = job.chunk, begin_until(world, urgent=message.priority is Priority.HIGH)
    for done in range(world.limits.sizes.chunks_per_job):
        if done and world.clock.now() > until:
            break
        at = ChunkId(job.msgid, number)
        world.ledger.withdraw(at, since, message)
        chunk = single.chunk_of(world, at, message)
        if chunk is None:
            return
        withdraw_chunk(world, message, chunk)
        if chunk.plan.next is None:
            return
        number = message.chunk_after(number)
    world.queues.send([_job(message, number)])


def withdraw_chunk(world: World, message: Message, chunk: Chunk) -> None:
    """Stop and recall what can be now, and set a timer for the rest. Safe to repeat."""
    now = world.clock.now()
    since = chunk.withdrawn or now
    calls = list(open_calls_of_all_steps(message, chunk))
    is_left = stop(world, message, chunk, calls)
    counted.settle(world, message, chunk.plan.id)
    is_recalled = _start_recalls(world, message, chunk, is_late=now > since + WITHIN * 1000)
    if is_left or is_recalled:
        records = [chunk.calls.get(call.key) for call in calls]
        leases = [record.lease for record in records if record is not None and record.is_live(now)]
        later = now + max(world.limits.check_after * 1000, now - since)  # ever more seldom
        due = max(min([*leases, later]), now)
        world.timers.set([Timer(due, TimerKind.CHECK, chunk.plan.id, message.priority)])


def stop(world: World, message: Message, chunk: Chunk, calls: Iterable[OpenCall]) -> bool:
    """Cancel the calls that no worker is making. Return True if one is left."""
    time = chunk.withdrawn or world.clock.now()
    fact = Fact(DeliveryRef(0, "", 0), FactKind.WITHDRAWN, time, "", "withdrawal")
    results = {cancel(world, message, chunk, call, fact) for call in calls}
    return not results.isdisjoint({CancelResult.BUSY, CancelResult.CHANGED})


def _start_recalls(world: World, message: Message, chunk: Chunk, *, is_late: bool) -> bool:
    """Send jobs for what can be recalled, and record that the rest cannot be.

    Return True if there is a job.
    """
    by_code: dict[str, list[DeliveryRef]] = {}
    for ref in _submitted(chunk):
        by_code.setdefault(ref.channel, []).append(ref)
    jobs: list[Envelope] = []
    for code, refs in sorted(by_code.items()):
        if is_late or not _can_recall(world, code):
            reason = "not_in_time" if is_late else "cannot_be_recalled"
            _add(world, message, chunk, refs, reason, failed=True)
        else:
            jobs.append(_recall_job(message, RecallJob(message.msgid, chunk.plan.id.number, code)))
    world.queues.send(jobs)
    return bool(jobs)


def _can_recall(world: World, code: str) -> bool:
    channel = world.settings.channel(elements.channel_of(code))
    return channel is not None and world.providers.of(channel.platform).capabilities.recall


def _submitted(chunk: Chunk) -> list[DeliveryRef]:
    """Return the deliveries that were submitted, and whose withdrawal has no result yet."""
    return sorted(
        ref
        for ref, state in chunk.states.items()
        if FactKind.SUBMITTED in state.facts and not state.has(*_RESULT)
    )


def _recall_job(message: Message, job: RecallJob, delay: float = 0) -> Envelope:
    seconds = min(round(delay), MAX_DELAY)
    channel_type = message.channels[job.channel]
    return Envelope(job, message.priority, channel_type, message.channel_key, seconds)


def recall(world: World, job: RecallJob) -> None:
    """Recall what a chunk has submitted on a channel. A second recall does no harm.

    A retry begins with another id, so that a slow one does not starve the others.
    """
    message = world.messages.get(job.msgid)
    channel = world.settings.channel(elements.channel_of(job.channel))
    chunk = world.ledger.chunk(ChunkId(job.msgid, job.chunk), message) if message else None
    if message is None or chunk is None or channel is None or chunk.withdrawn is None:
        return
    delays, tries = list[float](), job.tries
    ids = list(_by_provider_id(chunk, job.channel).items())
    first, urgent = job.tries % max(1, len(ids)), message.priority is Priority.HIGH
    until = begin_until(world, urgent=urgent)
    with connect(world, channel) as session:
        for n, (provider_id, refs) in enumerate([*ids[first:], *ids[:first]]):
            if n and world.clock.now() > until:
                delays.append(1)
                break
            try:
                _recall_one(world, message, chunk, session, provider_id, refs)
            except (Unavailable, Uncertain) as error:
                if job.tries + 1 >= MAX_TRIES:
                    _add(world, message, chunk, refs, error.code, failed=True)
                else:
                    delays.append(error.retry_after or 2.0**job.tries)
                    tries = job.tries + 1
    if delays:
        retry = RecallJob(job.msgid, job.chunk, job.channel, tries)
        world.queues.send([_recall_job(message, retry, max(delays))])


def _by_provider_id(chunk: Chunk, code: str) -> Mapping[str, list[DeliveryRef]]:
    """Return provider id -> deliveries. Those without an id are under an empty one."""
    of_call: dict[DeliveryRef, str] = {}
    for answer in chunk.answers.values():
        refs = [fact.ref for fact in answer.facts if fact.kind is FactKind.SUBMITTED]
        of_call |= dict.fromkeys(refs, answer.provider_id)
    by_id: dict[str, list[DeliveryRef]] = {}
    for ref in _submitted(chunk):
        if ref.channel == code:
            of_delivery = chunk.state_of(ref).facts[FactKind.SUBMITTED].provider_id
            by_id.setdefault(of_delivery or of_call.get(ref, ""), []).append(ref)
    return by_id


def _recall_one(
    world: World,
    message: Message,
    chunk: Chunk,
    session: Session,
    provider_id: str,
    refs: Sequence[DeliveryRef],
) -> None:
    """Recall the deliveries of one provider id. Raise Unavailable or Uncertain for another try."""
    if not provider_id:
        return _add(world, message, chunk, refs, "no_id", failed=True)
    contacts = [chunk.plan.contact(ref) for ref in refs]
    try:
        with provider_ids.of_error(contacts):
            outcomes = provider_ids.of_recall(session.recall(provider_id, contacts), contacts)
    except (Unavailable, Uncertain):
        raise
    except ProviderError as error:
        if isinstance(error, Misconfigured):
            log.warning("channel_misconfigured", extra={"msgid": message.msgid, "code": error.code})
            observability.metric("channel_misconfigured")
        return _add(world, message, chunk, refs, error.code, failed=True)
    return _add_outcomes(world, message, chunk, refs, outcomes)


def _add_outcomes(
    world: World,
    message: Message,
    chunk: Chunk,
    refs: Sequence[DeliveryRef],
    outcomes: Sequence[Outcome],
) -> None:
    groups: dict[tuple[bool, str], list[DeliveryRef]] = {}
    for ref, outcome in zip(refs, outcomes, strict=True):
        groups.setdefault((outcome.loss is not None, outcome.code), []).append(ref)
    for (is_lost, code), members in sorted(groups.items()):
        _add(world, message, chunk, members, code, failed=is_lost)


def _add(
    world: World,
    message: Message,
    chunk: Chunk,
    refs: Sequence[DeliveryRef],
    code: str,
    *,
    failed: bool,
) -> None:
    kind, now = FactKind.WITHDRAW_FAILED if failed else FactKind.WITHDRAWN, world.clock.now()
    facts = [Fact(ref, kind, now, code, "withdrawal") for ref in refs]
    world.ledger.add(chunk.plan.id, facts, message)
