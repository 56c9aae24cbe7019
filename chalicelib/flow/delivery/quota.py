"""Enforce a delivery channel's daily quota. A channel without a quota costs nothing here.

Calls above the quota are deferred: the chunk keeps them, and no job, worker or retry waits for
them. A job reserves the quota of all its deliveries with one conditional update. The job carries
the reserved day through retries, so nothing is reserved twice. It returns what it did not use. If
it crashes, that part of the quota stays unused, as does what a copy of a job carries. A fifth of
the day is left to priority 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from types import TracebackType
from typing import NamedTuple

from chalicelib import observability
from chalicelib.domain import keys
from chalicelib.domain.chunks import Chunk, Deferral
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey
from chalicelib.domain.provider_io import Capabilities
from chalicelib.domain.values import frozen
from chalicelib.flow.delivery.postponed import put_off
from chalicelib.flow.dispatch import OpenCall
from chalicelib.observability import log
from chalicelib.ports import World

SHARE = 0.2  # of a day's quota is for priority 1 alone
PARTS = 20  # a call takes at most this part of a day's quota
BEHIND = 60  # seconds that the vendor's clock may be behind ours when the day turns
KEPT = 2 * 86400  # seconds for which a day's counter stays after its end
# A call that waits for quota gets this part of its time besides. With a day for the call, it sees
# the next day begin.
LONGER = 12


@frozen
class Day:
    """A day on the vendor's clock: `2026-11-21`, and when it ends (ms)."""

    date: str
    ends: int


class Usage(NamedTuple):
    """The deliveries of a day: how many are reserved, and how many may be."""

    day: Day
    reserved: int
    limit: int


def limit_of(channel: Channel, capabilities: Capabilities) -> int:
    """Return the deliveries a day of a channel. 0: unlimited."""
    if channel.deliveries_per_day is not None:
        return channel.deliveries_per_day
    return capabilities.deliveries_per_day or 0


def call_size(channel: Channel, capabilities: Capabilities, size: int) -> int:
    """Return the deliveries of a call: fewer with a small quota.

    A call is made whole or not at all.
    """
    limit = limit_of(channel, capabilities)
    return min(size, max(1, limit // PARTS)) if limit else size


def today(world: World, channel: Channel) -> Day:
    offset = _capabilities(world, channel).utc_offset
    return day_at(world.clock.now(), world.limits.utc_offset if offset is None else offset)


def day_at(now: int, hours: float) -> Day:
    """Return the day of a time (ms) on a clock that is `hours` ahead of UTC."""
    begins = datetime.fromtimestamp(now / 1000, timezone(timedelta(hours=hours)))
    begins = begins.replace(hour=0, minute=0, second=0, microsecond=0)
    return Day(begins.date().isoformat(), round((begins + timedelta(days=1)).timestamp() * 1000))


def usage(world: World, channel: Channel) -> Usage | None:
    """Return today's usage, None without a quota."""
    limit = limit_of(channel, _capabilities(world, channel))
    day = today(world, channel)
    return Usage(day, world.counters.used(_name(channel, day.date)), limit) if limit else None


def _capabilities(world: World, channel: Channel) -> Capabilities:
    return world.providers.of(channel.platform).capabilities


def _name(channel: Channel, date: str) -> str:
    return keys.join("quota", channel.code, date)


def expires(world: World, call: OpenCall, *, waits: bool) -> int:
    """Return when (ms) a call that was not made is given up. `waits`: for quota."""
    late = world.limits.submit_within * 1000
    return call.decided + late + (late // LONGER if waits else 0)


class QuotaReservation:
    """The part of a job that may be made today. The other calls are deferred already.

    `calls` may be made, and `job` is what they belong to from here on.
    As a context, it returns at its end what was reserved here and not consumed.
    """

    def __init__(
        self,
        world: World,
        job: DeliverJob,
        message: Message,
        channel: Channel,
        chunk: Chunk,
        calls: Sequence[OpenCall],
    ) -> None:
        self.job, self.calls = job, calls
        self._world, self._message, self._channel, self._chunk = world, message, channel, chunk
        self._is_fresh = False
        limit, day = limit_of(channel, _capabilities(world, channel)), today(world, channel)
        if limit and calls and job.day != day.date:
            self._is_fresh, self.calls = True, self._reserve(day, limit)
            self.job = replace(job, day=day.date)
        self._unused = sum(len(call.refs) for call in self.calls)
        if len(self.calls) < len(calls):
            self._defer_from(calls[len(self.calls)], job)

    def _reserve(self, day: Day, limit: int) -> Sequence[OpenCall]:
        """Reserve quota for as many of the first calls as it allows, and return these calls."""
        calls, most = self.calls, limit
        if self._message.priority is not Priority.HIGH:
            most = max(limit - int(limit * SHARE), min(limit, len(calls[0].refs)))
        name, expire = _name(self._channel, day.date), day.ends // 1000 + KEPT
        while calls:
            sizes = list(accumulate(len(call.refs) for call in calls))
            taken = self._world.counters.take(name, sizes[-1], most, expire)
            if taken.granted:
                break
            calls = calls[: sum(size <= taken.left for size in sizes)]
        return calls

    def _defer_from(self, call: OpenCall, job: DeliverJob) -> None:
        self.job = replace(self.job, end=call.key.start)
        try:
            defer(self._world, job, self._message, self._channel, self._chunk, call)
        except Exception:
            self.give_back()
            raise

    def consume(self, number: int) -> None:
        """Count deliveries that were made, or that return to their queue with their quota."""
        self._unused -= number

    def give_back(self) -> None:
        """Return the rest of what was reserved here.

        Quota that a job brought along stays: a copy of the job may have made use of it.
        """
        if self._is_fresh and self._unused > 0:
            self._world.counters.give_back(_name(self._channel, self.job.day), self._unused)
            self._unused = 0

    def __enter__(self) -> QuotaReservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if error is None or isinstance(error, Exception):
            self.give_back()


def defer(
    world: World,
    job: DeliverJob,
    message: Message,
    channel: Channel,
    chunk: Chunk,
    first: OpenCall,
) -> None:
    """Leave the job's calls from `first` on to the chunk, and set a check for when quota is due."""
    now, at = world.clock.now(), chunk.plan.id
    tomorrow = today(world, channel).ends + BEHIND * 1000
    until = min(tomorrow, now + world.limits.quota_pause * 1000)
    key = CallKey(job.step, job.number, job.channel, first.key.start)
    put_off(world, message, chunk, Deferral(key, job.end, until, for_quota=True))
    due = max(min(until, expires(world, first, waits=True)), now)
    world.timers.set([Timer(due, TimerKind.CHECK, at, message.priority)])
    observability.metric("jobs_over_quota")
    log.warning(
        "quota_used_up",
        extra={"msgid": job.msgid, "chunk": job.chunk, "channel": channel.code, "until": until},
    )
