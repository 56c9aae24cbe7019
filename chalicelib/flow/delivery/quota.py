"""6a. Keep to what a delivery channel may send in a day. What there is no room for waits in its chunk: no job, no worker, no retry.

A job reserves all its deliveries with one conditional update, and takes the day with it wherever it goes from there, so that nothing is
reserved twice. What it did not use the job that reserved it gives back, unless it dies: then a little of the quota stays unused, as does
what a copy of a job carries. A fifth of the day is left to priority 1. Without a quota nothing is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from types import TracebackType
from typing import NamedTuple

from chalicelib import observability
from chalicelib.domain import keys
from chalicelib.domain.chunks import Wait
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey, ChunkId
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

log = logging.getLogger("openums")

SHARE = 0.2  # of a day's quota is for priority 1 alone
PARTS = 20  # of a day's quota: so much a call takes at most
BEHIND = 60  # seconds that the vendor's clock may be behind ours when the day turns
KEPT = 2 * 86400  # seconds for which a day's counter stays after its end
LONGER = 12  # part of its time that a call gets besides when it waits for quota: with a day for it, it sees the next day begin


class Day(NamedTuple):
    """A day on the vendor's clock: `2026-11-21`, and when it ends (ms)."""

    date: str
    ends: int


class Usage(NamedTuple):
    """How many deliveries of a day are reserved, and how many may be."""

    day: Day
    reserved: int
    limit: int


def limit_of(world: World, channel: Channel) -> int:
    """Deliveries a day; 0: no limit."""
    own = channel.deliveries_per_day
    return (
        own
        if own is not None
        else world.providers.of(channel.platform).capabilities.deliveries_per_day or 0
    )


def call_size(world: World, channel: Channel, size: int) -> int:
    """Deliveries of a call: with a small quota fewer, since a call is made whole or not at all."""
    limit = limit_of(world, channel)
    return min(size, max(1, limit // PARTS)) if limit else size


def today(world: World, channel: Channel) -> Day:
    vendors = world.providers.of(channel.platform).capabilities.utc_offset
    clock = timezone(timedelta(hours=world.limits.utc_offset if vendors is None else vendors))
    begins = datetime.fromtimestamp(world.clock.now() / 1000, clock).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    return Day(begins.date().isoformat(), round((begins + timedelta(days=1)).timestamp() * 1000))


def usage(world: World, channel: Channel) -> Usage | None:
    """Of today; None without a quota."""
    limit, day = limit_of(world, channel), today(world, channel)
    return Usage(day, world.counters.used(_name(channel, day.date)), limit) if limit else None


def _name(channel: Channel, date: str) -> str:
    return keys.join("quota", channel.code, date)


def expires(world: World, call: OpenCall, *, waits: bool) -> int:
    """When (ms) a call that was not made is given up. `waits`: for quota."""
    late = world.limits.submit_within * 1000
    return call.decided + late + (late // LONGER if waits else 0)


class QuotaReservation:
    """What of a job's calls may be made today; `job` is what they belong to from here on. The rest waits in the chunk already.

    As a context: what was reserved here and not used is given back at its end.
    """

    def __init__(
        self,
        world: World,
        job: DeliverJob,
        message: Message,
        channel: Channel,
        calls: Sequence[OpenCall],
    ) -> None:
        self.job, self.calls = job, calls
        self._world, self._message, self._channel = world, message, channel
        self._fresh, self._unused = False, sum(len(call.refs) for call in calls)
        limit, day = limit_of(world, channel), today(world, channel)
        if not limit or not calls or job.day == day.date:
            return
        self._fresh, self.calls = True, self._reserve(day, limit)
        self._unused = sum(len(call.refs) for call in self.calls)
        end = calls[len(self.calls)].key.start if len(self.calls) < len(calls) else job.end
        self.job = replace(job, end=end, day=day.date)
        if end < job.end:
            try:
                park(world, job, message, channel, calls[len(self.calls)])
            except Exception:
                self.give_back()
                raise

    def _reserve(self, day: Day, limit: int) -> Sequence[OpenCall]:
        """The first calls, as many as there is room for."""
        calls = self.calls
        most = (
            limit
            if self._message.priority is Priority.HIGH
            else max(limit - int(limit * SHARE), min(limit, len(calls[0].refs)))
        )
        while calls:
            sizes = list(accumulate(len(call.refs) for call in calls))
            taken = self._world.counters.take(
                _name(self._channel, day.date), sizes[-1], most, day.ends // 1000 + KEPT
            )
            if taken.granted:
                break
            calls = calls[: sum(size <= taken.left for size in sizes)]
        return calls

    def uses(self, number: int) -> None:
        """So many deliveries were made, or go back to their queue with what is reserved for them."""
        self._unused -= number

    def give_back(self) -> None:
        """What is reserved for the others, if it was reserved here: of what a job brought along, a copy of it may have made use."""
        if self._fresh and self._unused > 0:
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


def park(
    world: World, job: DeliverJob, message: Message, channel: Channel, first: OpenCall
) -> None:
    """Let the job's calls from this one on wait in the chunk, and have it looked at when there may be room for them again."""
    now, at = world.clock.now(), ChunkId(job.msgid, job.chunk)
    until = min(
        today(world, channel).ends + BEHIND * 1000,
        now + world.limits.sizes.quota_ticks * world.limits.clock_width * 1000,
    )
    wait = Wait(
        CallKey(job.step, job.number, job.channel, first.key.start), job.end, until, for_quota=True
    )
    world.ledger.put_wait(at, wait, message)
    world.timers.set(
        [
            Timer(
                max(min(until, expires(world, first, waits=True)), now),
                TimerKind.CHECK,
                at,
                message.priority,
            )
        ]
    )
    observability.metric("jobs_over_quota")
    log.warning(
        "quota_used_up",
        extra={"msgid": job.msgid, "chunk": job.chunk, "channel": channel.code, "until": until},
    )
