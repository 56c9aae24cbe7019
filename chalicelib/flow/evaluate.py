"""8. Check a chunk when its timer is due: escalate, repair what a crash left, expire calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.jobs import PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Entrants
from chalicelib.domain.strategies import Verdict
from chalicelib.flow import audience, dispatch, single, withdraw
from chalicelib.flow.delivery.expiry import deferred_by_quota, expire, expires
from chalicelib.flow.dispatch import OpenCall, is_unmade, open_calls_of_all_steps
from chalicelib.flow.messages import read_together
from chalicelib.flow.outbox import Outbox
from chalicelib.flow.rules import counted, gate
from chalicelib.flow.timers import do_in_time
from chalicelib.observability import log
from chalicelib.ports import World

ROUNDS = 8  # of one check, when other workers change the chunk meanwhile


def check_chunks(world: World, timers: Sequence[Timer]) -> None:
    """Check chunks one by one. Single sends are read together, and their jobs are sent together.

    A chunk whose calls all expire takes many requests. Chunks for which no time is left are checked
    by a job of their own.
    """
    chunks, outbox = {timer.chunk: timer for timer in timers}, Outbox(world)
    messages, _ = read_together(world, [at.msgid for at in chunks]) or ({}, {})
    together = outbox.of(world)

    def check(timer: Timer) -> None:
        at = timer.chunk
        message = messages.get(at.msgid) or world.messages.get(at.msgid)
        if message is not None:
            _check_chunk(together if message.is_single else world, message, at)

    def send() -> None:
        for error in outbox.flush().values():
            raise error

    do_in_time(world, check, list(chunks.values()), send)


def check_chunk(world: World, at: ChunkId) -> None:
    """Do all that is due for a chunk now, and set the timer for the rest.

    Two workers may check a chunk at once.
    """
    message = world.messages.get(at.msgid)
    if message is not None:
        _check_chunk(world, message, at)


def _check_chunk(world: World, message: Message, at: ChunkId) -> None:
    chunk = single.chunk_of(world, at, message)
    if chunk is None:
        _start_again(world, message, at)
    elif chunk.withdrawn is not None:
        withdraw.withdraw_chunk(world, message, chunk)
    else:
        _check(world, message, chunk)


def _start_again(world: World, message: Message, at: ChunkId) -> None:
    """Start a message whose hold has ended, or whose first jobs were never sent."""
    if at.number or world.messages.withdrawn(at.msgid) is not None:
        return
    now, grace = world.clock.now(), world.limits.check_after * 1000
    if now >= message.starts + (0 if message.hold else grace):
        _start_partitions(world, message)
    due = message.starts if now < message.starts else now + grace
    world.timers.set([Timer(due, TimerKind.CHECK, at, message.priority)])


def _check(world: World, message: Message, chunk: Chunk) -> None:
    grace = world.limits.check_after * 1000
    is_first = chunk.plan.id.number == 0 and message.audience.is_scanned
    if is_first and world.clock.now() >= message.starts + grace:
        _start_partitions(world, message)
    for _ in range(ROUNDS):
        calls = open_calls_of_all_steps(message, chunk)
        if expire(world, message, chunk, calls):
            changed = world.ledger.chunk(chunk.plan.id, message)
        else:
            changed = _escalate(world, message, chunk)
        if changed is None:
            break
        chunk = changed
    _repair(world, message, chunk)
    counted.settle_chunk(world, message, chunk)
    _set_next_check(world, message, chunk)


def _start_partitions(world: World, message: Message) -> None:
    """Send the first jobs again of partitions that have planned nothing yet.

    The checks of the first chunk stand for all partitions.
    """
    missing = [
        number
        for number in message.first_chunks
        if world.ledger.plan(ChunkId(message.msgid, number), message) is None
    ]
    envelopes = audience.first_jobs(message)
    world.queues.send(
        [
            envelope
            for envelope in envelopes
            if isinstance(envelope.job, PlanJob) and envelope.job.chunk in missing
        ]
    )


# -- escalate


def _escalate(world: World, message: Message, chunk: Chunk) -> Chunk | None:
    """Freeze the entrants of the next step, and send their jobs. Return the chunk with them.

    None: there are none. Jobs come from frozen entrants only.
    """
    at = chunk.plan.id
    for step in range(0 if chunk.plan.starts else 1, len(message.strategy.steps)):
        due = _due(world, message, chunk, step)
        held = gate.for_members(world, message, chunk, step, due)
        if members := tuple(t for t in due if t not in held):
            number = len(chunk.entrants_of(step))
            ready = Entrants(step, number, members, world.clock.now())
            entrants = gate.for_entrants(world, message, chunk, ready)
            if world.ledger.freeze(at, entrants, message) != entrants:
                return world.ledger.chunk(at, message)
            grown = replace(chunk, entrants=(*chunk.entrants, entrants))
            world.queues.send(dispatch.jobs(message, grown, step, number))
            fields = {"msgid": message.msgid, "chunk": at.number, "step": step + 1}
            log.info("step_decided", extra={**fields, "targets": len(members)})
            return grown
    return None


def _due(world: World, message: Message, chunk: Chunk, step: int) -> tuple[int, ...]:
    """Return the targets that go on to this step now, unless a rule holds them."""
    now = world.clock.now()
    if step == 0:
        return tuple(t for t in chunk.not_started if chunk.plan.starts[t] <= now)
    waiting = sorted(chunk.members(step - 1) - chunk.members(step))
    return tuple(t for t in waiting if chunk.verdict(message, t, step, now)[0] is Verdict.GO)


# -- repair


def _repair(world: World, message: Message, chunk: Chunk) -> None:
    """Send again the jobs of calls that no worker makes, and plan on where planning stopped."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    overdue = [call for call in _unmade(message, chunk) if now >= _expected(chunk, call, grace)]
    _resume_deferred(world, message, chunk, overdue)
    keys = {call.key for call in overdue if deferred_by_quota(chunk, call) is None}
    for step, number in sorted({(key.step, key.number) for key in keys}):
        world.queues.send(dispatch.jobs(message, chunk, step, number, keys))
    if chunk.plan.next is not None and now >= chunk.plan.time + grace:
        following = ChunkId(message.msgid, message.chunk_after(chunk.plan.id.number))
        if world.ledger.plan(following, message) is None:
            audience.plan(world, PlanJob(message.msgid, following.number, chunk.plan.next))


def _resume_deferred(
    world: World, message: Message, chunk: Chunk, overdue: Iterable[OpenCall]
) -> None:
    """Send the jobs of calls that were deferred until now."""
    deferrals = [deferred_by_quota(chunk, call) for call in overdue]
    for deferral in dict.fromkeys(deferral for deferral in deferrals if deferral):
        # Recorded before the job is sent, which may be deferred again at once. The job covers only
        # the deferred calls, whatever has a job of its own already.
        now = world.clock.now()
        ended = replace(deferral, until=now, for_quota=False, resumed=True)
        world.ledger.put_deferral(chunk.plan.id, ended, message)
        world.queues.send([dispatch.job_of(message, chunk.plan.id, deferral.key, deferral.end)])


def _unmade(message: Message, chunk: Chunk) -> list[OpenCall]:
    """Return the open calls with a delivery that has not ended."""
    return [call for call in open_calls_of_all_steps(message, chunk) if is_unmade(chunk, call)]


def _expected(chunk: Chunk, call: OpenCall, grace: int) -> int:
    """Return the time (ms) by which a worker should have made the call, or given it back."""
    deferred = deferred_by_quota(chunk, call)
    if deferred is not None:
        return deferred.until
    record, deferral = chunk.calls.get(call.key), chunk.deferral(call.key)
    handed_out = call.decided if record is None else record.lease
    return max(handed_out, deferral.until if deferral else 0) + grace


# -- the next check


def _set_next_check(world: World, message: Message, chunk: Chunk) -> None:
    now, grace = world.clock.now(), world.limits.check_after * 1000
    times = list(_condition_times(world, message, chunk, now))
    calls = [call for call in _unmade(message, chunk) if _needs_check(world, message, chunk, call)]
    times += [_next_check_of(world, chunk, call) for call in calls]
    if chunk.plan.next is not None and now < chunk.plan.time + grace:
        times.append(chunk.plan.time + grace)
    if times:
        due = max(min(times), now)
        world.timers.set([Timer(due, TimerKind.CHECK, chunk.plan.id, message.priority)])


def _needs_check(world: World, message: Message, chunk: Chunk, call: OpenCall) -> bool:
    """Tell if nothing but a check makes sure that a call is made, or expires.

    Queues keep most jobs. A stage that no longer serves a channel type has no queue for its jobs.
    """
    if message.has_clock or deferred_by_quota(chunk, call) is not None:
        return True
    code = call.key.channel
    return not world.limits.serves(message.channels[code], message.workers.get(code, ""))


def settle(world: World, message: Message) -> None:
    """Check a message that has no clock and is overdue, before somebody reads its report.

    Its job has died among the dead letters, or was never queued.
    """
    if not _may_be_overdue(world, message):
        return
    first = ChunkId(message.msgid, 0)
    chunk = single.chunk_of(world, first, message)
    if chunk is not None and is_overdue(world, message, chunk):
        check_chunk(world, first)


def _may_be_overdue(world: World, message: Message) -> bool:
    young = message.starts + 10 * world.limits.check_after * 1000
    return not message.has_clock and world.clock.now() >= young


def may_be_overdue(world: World, message: Message, chunk: Chunk | None) -> bool:
    """Tell if a message must be settled before it is shown, of which one chunk was read."""
    return _may_be_overdue(world, message) and (chunk is None or is_overdue(world, message, chunk))


def is_overdue(world: World, message: Message, chunk: Chunk) -> bool:
    """Tell if a message without a clock has a call that should have been made long ago."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    return not message.has_clock and any(
        now >= min(expires(world, chunk, call), _expected(chunk, call, grace) + 10 * grace)
        for call in _unmade(message, chunk)
    )


def _next_check_of(world: World, chunk: Chunk, call: OpenCall) -> int:
    """Return when to check if a call was made.

    A call that waits long (a full queue) is sent again ever more seldom.
    """
    now, grace = world.clock.now(), world.limits.check_after * 1000
    expected = _expected(chunk, call, grace)
    due = expected if expected > now else now + max(grace, now - call.decided)
    end = expires(world, chunk, call)
    return min(due, end) if end > now else now + grace


def _condition_times(world: World, message: Message, chunk: Chunk, now: int) -> Iterable[int]:
    """Yield the times (ms) at which a target may go on to the next step."""
    starts = (chunk.plan.starts[target] for target in chunk.not_started)
    yield from (start for start in starts if start > now)
    for step in range(0 if chunk.plan.starts else 1, len(message.strategy.steps)):
        for target in chunk.members(step - 1) - chunk.members(step):
            verdict, due = chunk.verdict(message, target, step, now)
            if verdict is Verdict.WAIT and due is not None:
                yield due
        going = _due(world, message, chunk, step)
        held = gate.for_members(world, message, chunk, step, going)
        yield from (held[target].until if target in held else now for target in going)
