"""6a. Wait for a turn, where a delivery channel has a limit of calls per second. Nobody sleeps: a job goes back to its queue.

A job reserves a turn for as many calls as a second takes, with one update, and comes back when its turn is there; what is left of it
reserves again. Turns are in the order of asking, and a fifth of them is for priority 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from chalicelib import observability
from chalicelib.domain import channel_options
from chalicelib.domain.chunks import Wait
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey, ChunkId
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

SOON = 1000  # ms: a queue holds a message back for whole seconds
MISSED = 30_000  # ms after which a turn has gone to others


class Resume(NamedTuple):
    """Where the job begins when it is back, after how many seconds, and the turn (ms) that it has then; 0: none yet."""

    start: int
    delay: float
    slot: int


def take_turn(
    world: World, job: DeliverJob, message: Message, channel: Channel, calls: Sequence[OpenCall]
) -> tuple[Sequence[OpenCall], Resume | None]:
    """The calls whose turn it is, and when the job comes back for the others. Without a limit: all of them, and nothing is asked."""
    rate = limit_of(world, channel)
    if not rate.per_second or not calls:
        return calls, None
    ends = list(accumulate(len(call.refs) if rate.of_deliveries else 1 for call in calls))
    number = max(1, sum(end <= rate.per_second for end in ends))
    now, some = world.clock.now(), calls[:number]
    slot = job.slot if job.slot and now - job.slot < MISSED else 0
    slot = slot or world.pace.reserve(
        channel.code, ends[number - 1], rate.per_second, urgent=message.priority is Priority.HIGH
    )
    if slot - now >= SOON:
        observability.metric("jobs_paced")
        _note(world, job, message, calls, slot)
        return (), Resume(job.start, (slot - now) / 1000, slot)
    rest = calls[len(some) :]
    if rest:
        _note(world, job, message, rest, now + SOON)
    return some, Resume(rest[0].key.start, 1, 0) if rest else None


class Rate(NamedTuple):
    """What is done per second, calls or deliveries; 0: no limit."""

    per_second: float
    of_deliveries: bool = False


def limit_of(world: World, channel: Channel) -> Rate:
    own = (
        channel_options.of(channel.options).calls_per_second
        if channel.calls_per_second is None
        else channel.calls_per_second
    )
    if own is not None:
        return Rate(own)
    able = world.providers.of(channel.platform).capabilities
    if able.deliveries_per_minute:
        return Rate(able.deliveries_per_minute / 60, of_deliveries=True)
    return Rate(able.calls_per_second or 0)


def _note(
    world: World, job: DeliverJob, message: Message, calls: Sequence[OpenCall], until: int
) -> None:
    """A look would take a job that waits long for lost, and send it again."""
    if until >= min(call.decided for call in calls) + world.limits.check_after * 500:
        key = CallKey(job.step, job.number, job.channel, calls[0].key.start)
        world.ledger.put_wait(ChunkId(job.msgid, job.chunk), Wait(key, job.end, until), message)
