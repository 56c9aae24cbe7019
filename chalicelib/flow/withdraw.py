"""Withdraw a message: what has not left is stopped, what was submitted is taken back where the provider can.

Deliveries need no reading of their own to respect it. The mark of a chunk stands in its partition of the ledger, which every job reads
anyway; and a call that was open when the chunk was marked is closed by the same conditional put that claims it, so that either the
worker has it or nobody ever will. Planners look at the message's own mark before each chunk.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from chalicelib import observability
from chalicelib.domain.chunks import Chunk
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
from chalicelib.flow import dispatch
from chalicelib.flow.delivery.cancel import CancelResult, close
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.dispatch import OpenCall
from chalicelib.flow.messages import own
from chalicelib.ports import Session, World

log = logging.getLogger("openums")

WITHIN = (
    24 * 3600
)  # seconds after its acceptance that a message can be withdrawn, and for so long it is tried
MAX_TRIES, MAX_DELAY = 10, 900  # of a recall that the provider does not answer; seconds between two

_RESULT = (FactKind.WITHDRAWN, FactKind.WITHDRAW_FAILED)


def withdraw(world: World, channel_key: str, msgid: str) -> None:
    """Take a message back. Raises NotFound, TooLateToWithdraw or WithdrawnAlready."""
    message, now = own(world, channel_key, msgid), world.clock.now()
    if now - message.accepted > WITHIN * 1000:
        raise TooLateToWithdraw("msgid", hours=WITHIN // 3600)
    first = ChunkId(msgid, 0)
    timer = Timer(
        now + world.limits.check_after * 1000, TimerKind.WITHDRAW, first, message.priority
    )
    if not world.messages.withdraw(message, now, timer):
        raise WithdrawnAlready("msgid")
    try:  # from here on the timer sees to it, should this worker end
        world.ledger.withdraw(first, now, message)
        world.queues.send(_first_jobs(message))
    except Exception as error:
        log.error("withdrawal_not_queued", exc_info=error, extra={"msgid": msgid})
    log.info("message_withdrawn", extra={"msgid": msgid, "channel_key": channel_key})


def _first_jobs(message: Message) -> list[Envelope]:
    """One per walker."""
    return [_job(message, chunk) for chunk in message.first_chunks]


def _job(message: Message, chunk: int) -> Envelope:
    return Envelope(WithdrawJob(message.msgid, chunk), message.priority, None, message.channel_key)


def start_again(world: World, timers: Sequence[Timer]) -> None:
    """The timer that was set with the mark: send the first jobs, whether they were sent before or not."""
    for timer in timers:
        message = world.messages.get(timer.chunk.msgid)
        if message is not None:
            world.queues.send(_first_jobs(message))


def walk(world: World, job: WithdrawJob) -> None:
    """Mark a walker's chunks and stop what is in them. Where none is planned, the planner finds the message's mark or this chunk's."""
    message, since = world.messages.get(job.msgid), world.messages.withdrawn(job.msgid)
    if message is None or since is None:
        return
    number = job.chunk
    for _ in range(world.limits.sizes.chunks_per_job):
        at = ChunkId(job.msgid, number)
        world.ledger.withdraw(at, since, message)
        chunk = world.ledger.chunk(at)
        if chunk is None:
            return
        settle(world, message, chunk)
        if chunk.plan.next is None:
            return
        number = message.chunk_after(number)
    world.queues.send([_job(message, number)])


def settle(world: World, message: Message, chunk: Chunk) -> None:
    """Stop and take back what can be now, and come back for what cannot. Safe to repeat at any point."""
    since, now = chunk.withdrawn or world.clock.now(), world.clock.now()
    calls = [
        c
        for step in range(len(message.strategy.steps))
        for go in chunk.lists(step)
        for c in dispatch.open_calls(message, chunk, go)
    ]
    is_left = stop(world, message, chunk, calls)
    asked = _ask_back(world, message, chunk, is_late=now > since + WITHIN * 1000)
    if is_left or asked:
        leases = [
            r.lease for c in calls if (r := chunk.calls.get(c.key)) is not None and r.is_live(now)
        ]
        later = now + max(world.limits.check_after * 1000, now - since)  # ever more seldom
        at = min([*leases, later])
        world.timers.set([Timer(max(at, now), TimerKind.CHECK, chunk.plan.id, message.priority)])


def stop(world: World, message: Message, chunk: Chunk, calls: Iterable[OpenCall]) -> bool:
    """Close calls that nobody is making. Whether one is left."""
    fact = Fact(
        DeliveryRef(0, "", 0),
        FactKind.WITHDRAWN,
        chunk.withdrawn or world.clock.now(),
        "",
        "withdrawal",
    )
    found = {close(world, message, chunk, call, fact) for call in calls}
    return not found.isdisjoint({CancelResult.BUSY, CancelResult.CHANGED})


def _ask_back(world: World, message: Message, chunk: Chunk, *, is_late: bool) -> bool:
    """Send jobs for what can be taken back, and say of the rest that it cannot. Whether there is a job."""
    by_code: dict[str, list[DeliveryRef]] = {}
    for ref in _submitted(chunk):
        by_code.setdefault(ref.channel, []).append(ref)
    jobs: list[Envelope] = []
    for code, refs in sorted(by_code.items()):
        channel = world.settings.channel(code)
        if (
            channel is None
            or is_late
            or not world.providers.of(channel.platform).capabilities.recall
        ):
            _add(
                world,
                message,
                chunk,
                refs,
                "not_in_time" if is_late else "cannot_be_recalled",
                failed=True,
            )
        else:
            jobs.append(_recall_job(message, RecallJob(message.msgid, chunk.plan.id.chunk, code)))
    world.queues.send(jobs)
    return bool(jobs)


def _submitted(chunk: Chunk) -> list[DeliveryRef]:
    """The deliveries that were submitted, and of which nothing is known since."""
    return sorted(
        ref
        for ref, known in chunk.known.items()
        if FactKind.SUBMITTED in known.facts and not known.has(*_RESULT)
    )


def _recall_job(message: Message, job: RecallJob, delay: float = 0) -> Envelope:
    return Envelope(
        job,
        message.priority,
        message.channels[job.channel],
        message.channel_key,
        min(round(delay), MAX_DELAY),
    )


def recall(world: World, job: RecallJob) -> None:
    """Take back what a chunk has submitted on a channel. Asking twice does no harm: what is gone is gone."""
    message, channel = world.messages.get(job.msgid), world.settings.channel(job.channel)
    chunk = world.ledger.chunk(ChunkId(job.msgid, job.chunk)) if message else None
    if message is None or chunk is None or channel is None or chunk.withdrawn is None:
        return
    wanted = _by_id(chunk, job.channel)
    again: float | None = None
    with connect(world, channel) as session:
        for provider_id, refs in wanted.items():
            try:
                _recall_one(world, message, chunk, session, provider_id, refs)
            except (Unavailable, Uncertain) as error:
                if job.tries + 1 >= MAX_TRIES:
                    _add(world, message, chunk, refs, error.code, failed=True)
                else:
                    again = max(again or 0.0, error.retry_after or 2.0**job.tries)
    if again is not None:
        world.queues.send(
            [
                _recall_job(
                    message, RecallJob(job.msgid, job.chunk, job.channel, job.tries + 1), again
                )
            ]
        )


def _by_id(chunk: Chunk, code: str) -> Mapping[str, list[DeliveryRef]]:
    """The provider's id -> deliveries; under no id those that have none."""
    of_call = {
        f.ref: answer.provider_id
        for answer in chunk.answers.values()
        for f in answer.facts
        if f.kind is FactKind.SUBMITTED
    }
    found: dict[str, list[DeliveryRef]] = {}
    for ref in _submitted(chunk):
        if ref.channel == code:
            own = chunk.of(ref).facts[FactKind.SUBMITTED].provider_id
            found.setdefault(own or of_call.get(ref, ""), []).append(ref)
    return found


def _recall_one(
    world: World,
    message: Message,
    chunk: Chunk,
    session: Session,
    provider_id: str,
    refs: Sequence[DeliveryRef],
) -> None:
    """Raises Unavailable or Uncertain when it should be asked again."""
    if not provider_id:
        return _add(world, message, chunk, refs, "no_id", failed=True)
    try:
        outcomes = session.recall(provider_id, [chunk.plan.contact(ref) for ref in refs])
    except (Unavailable, Uncertain):
        raise
    except ProviderError as error:
        if isinstance(error, Misconfigured):
            log.warning("channel_misconfigured", extra={"msgid": message.msgid, "code": error.code})
            observability.metric("channel_misconfigured")
        return _add(world, message, chunk, refs, error.code, failed=True)
    for is_lost in (False, True):
        for code in sorted({o.code for o in outcomes if (o.loss is not None) is is_lost}):
            mine = [
                p
                for p, o in zip(refs, outcomes, strict=True)
                if (o.loss is not None) is is_lost and o.code == code
            ]
            _add(world, message, chunk, mine, code, failed=is_lost)
    return None


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
    world.ledger.add(
        chunk.plan.id, [Fact(ref, kind, now, code, "withdrawal") for ref in refs], message
    )
