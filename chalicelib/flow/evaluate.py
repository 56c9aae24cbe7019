"""8. Look at a chunk when its timer is due: who goes on to the next step, what a crash left, what has expired."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import replace

from chalicelib.domain.chunks import Chunk, Wait
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.jobs import PlanJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Entrants
from chalicelib.domain.strategies import Verdict
from chalicelib.flow import audience, dispatch, withdraw
from chalicelib.flow import timers as due
from chalicelib.flow.delivery import quota
from chalicelib.flow.delivery.cancel import CancelResult, close
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

log = logging.getLogger("openums")

ROUNDS = 8  # how often a look starts again when somebody else changed the chunk meanwhile


def look(world: World, timers: Sequence[Timer]) -> None:
    due.each(lambda chunk: settle(world, chunk), dict.fromkeys(timer.chunk for timer in timers))


def settle(world: World, at: ChunkId) -> None:
    """Do all that is due for a chunk now, and set the timer for what is due later. Safe to run twice at once."""
    message = world.messages.get(at.msgid)
    if message is None:
        return
    chunk = world.ledger.chunk(at)
    if chunk is None:
        if (
            at.chunk == 0 and world.messages.withdrawn(at.msgid) is None
        ):  # stored, but its first jobs were never sent
            _start_walkers(world, message)
            again = world.clock.now() + world.limits.check_after * 1000
            world.timers.set([Timer(again, TimerKind.CHECK, at, message.priority)])
        return
    if chunk.withdrawn is not None:
        withdraw.settle(world, message, chunk)
        return
    if at.chunk == 0 and message.audience.is_scanned:
        _start_walkers(world, message)
    for _ in range(ROUNDS):
        changed = _expire(world, message, chunk) or _send_on(world, message, chunk)
        if not changed:
            break
        chunk = world.ledger.chunk(at) or chunk
    _find_what_a_crash_left(world, message, chunk)
    _set_next_look(world, message, chunk)


def _start_walkers(world: World, message: Message) -> None:
    """Send the first jobs again of walkers that have planned nothing yet. The first chunk's looks stand for all of them."""
    if world.clock.now() < message.accepted + world.limits.check_after * 1000:
        return
    missing = [
        chunk
        for chunk in message.first_chunks
        if world.ledger.plan(ChunkId(message.msgid, chunk)) is None
    ]
    world.queues.send(
        [
            job
            for job in audience.first_jobs(message)
            if isinstance(job.job, PlanJob) and job.job.chunk in missing
        ]
    )


def _send_on(world: World, message: Message, chunk: Chunk) -> bool:
    """Freeze who goes on to each step, and send the jobs from that list only. Whether there was a new list."""
    for step in range(1, len(message.strategy.steps)):
        members = _who_goes_on(world, message, chunk, step)
        if members:
            number = len(chunk.lists(step))
            mine = Entrants(step, number, members, world.clock.now())
            stored = world.ledger.freeze(chunk.plan.id, mine, message)
            if stored == mine:
                world.queues.send(
                    dispatch.jobs(message, replace(chunk, go=(*chunk.go, mine)), step, number)
                )
                where = {"msgid": message.msgid, "chunk": chunk.plan.id.chunk, "step": step + 1}
                log.info("step_decided", extra={**where, "targets": len(members)})
            return True
    return False


def _who_goes_on(world: World, message: Message, chunk: Chunk, step: int) -> tuple[int, ...]:
    now, undeliverable = world.clock.now(), chunk.members(step)
    waiting = sorted(chunk.members(step - 1) - undeliverable)
    return tuple(t for t in waiting if chunk.verdict(message, t, step, now)[0] is Verdict.GO)


def _expire(world: World, message: Message, chunk: Chunk) -> bool:
    """Close the calls that were not made in time, so that no worker can claim them any more. Whether there were any."""
    changed = False
    for call in _open(message, chunk):
        expires = _expires(world, chunk, call)
        if world.clock.now() >= expires:
            changed = _close(world, message, chunk, call, expires) or changed
    return changed


def _expires(world: World, chunk: Chunk, call: OpenCall) -> int:
    return quota.expires(world, call, waits=_wait_for_quota(chunk, call) is not None)


def _close(world: World, message: Message, chunk: Chunk, call: OpenCall, time: int) -> bool:
    fact = Fact(
        call.refs[0],
        FactKind.EXPIRED,
        time,
        "quota_used_up" if _wait_for_quota(chunk, call) else "not_in_time",
        "timer",
    )
    return close(world, message, chunk, call, fact) in (CancelResult.CLOSED, CancelResult.CHANGED)


def _open(message: Message, chunk: Chunk) -> Iterable[OpenCall]:
    for step in range(len(message.strategy.steps)):
        for go in chunk.lists(step):
            yield from dispatch.open_calls(message, chunk, go)


def _find_what_a_crash_left(world: World, message: Message, chunk: Chunk) -> None:
    """Send the jobs again of calls that nobody makes, and plan on where planning stopped."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    waiting = [c for c in _open(message, chunk) if not all(chunk.of(ref).ended for ref in c.refs)]
    forgotten = [c for c in waiting if now >= _expected(chunk, c, grace)]
    for wait in dict.fromkeys(wait for call in forgotten if (wait := _wait_for_quota(chunk, call))):
        # Said first: the job may be made to wait again before we are. It has only what waited, whatever has a job of its own already.
        world.ledger.put_wait(chunk.plan.id, replace(wait, until=now, for_quota=False), message)
        world.queues.send([dispatch.job_of(message, chunk.plan.id, wait.key, wait.end)])
    keys = {call.key for call in forgotten if _wait_for_quota(chunk, call) is None}
    for step, number in sorted({(key.step, key.number) for key in keys}):
        world.queues.send(dispatch.jobs(message, chunk, step, number, keys))
    if chunk.plan.next is not None and now >= chunk.plan.time + grace:
        following = ChunkId(message.msgid, message.chunk_after(chunk.plan.id.chunk))
        if world.ledger.plan(following) is None:
            audience.plan(world, PlanJob(message.msgid, following.chunk, chunk.plan.next))


def _expected(chunk: Chunk, call: OpenCall, grace: int) -> int:
    """The time (ms) by which somebody should have made the call, or given it back again."""
    parked, record, wait = (
        _wait_for_quota(chunk, call),
        chunk.calls.get(call.key),
        chunk.wait(call.key),
    )
    if parked is not None:
        return parked.until
    return max(call.decided if record is None else record.lease, wait.until if wait else 0) + grace


def _wait_for_quota(chunk: Chunk, call: OpenCall) -> Wait | None:
    """Since when nobody has tried to make the call."""
    record, wait = chunk.calls.get(call.key), chunk.wait(call.key)
    return (
        wait
        if wait is not None and wait.for_quota and (record is None or record.lease <= wait.until)
        else None
    )


def _set_next_look(world: World, message: Message, chunk: Chunk) -> None:
    now, grace = world.clock.now(), world.limits.check_after * 1000
    times = [
        at
        for step in range(1, len(message.strategy.steps))
        for at in _waits(message, chunk, step, now)
    ]
    times += [
        _next_look_at(world, chunk, call)
        for call in _open(message, chunk)
        if not all(chunk.of(p).ended for p in call.refs)
    ]
    if chunk.plan.next is not None and now < chunk.plan.time + grace:
        times.append(chunk.plan.time + grace)
    if times:
        world.timers.set(
            [Timer(max(min(times), now), TimerKind.CHECK, chunk.plan.id, message.priority)]
        )


def _next_look_at(world: World, chunk: Chunk, call: OpenCall) -> int:
    """When to look whether a call was made. A call that waits long (a full queue) is sent again ever more seldom."""
    now, grace = world.clock.now(), world.limits.check_after * 1000
    expected = _expected(chunk, call, grace)
    at = expected if expected > now else now + max(grace, now - call.decided)
    expires = _expires(world, chunk, call)
    return min(at, expires) if expires > now else now + grace


def _waits(message: Message, chunk: Chunk, step: int, now: int) -> Iterable[int]:
    for target in chunk.members(step - 1) - chunk.members(step):
        verdict, at = chunk.verdict(message, target, step, now)
        if verdict is Verdict.WAIT and at is not None:
            yield at
