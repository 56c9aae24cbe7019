"""Limit the calls per second of a delivery channel. Nobody sleeps: a job goes back to its queue.

A job reserves a time for as many calls as a second takes, with one update. The job comes back at
that time, and reserves again for the calls that are left. The jobs of a batch reserve together.
Reservations follow each other in the order of asking, and a fifth of the rate is for priority 1.

Mails to a domain may have a rate of their own. A job with such mails waits for the latest of its
reservations.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate
from typing import NamedTuple

from chalicelib import observability
from chalicelib.domain import channel_options, elements
from chalicelib.domain.chunks import Chunk, Deferral
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey
from chalicelib.domain.provider_io import Capabilities
from chalicelib.domain.values import frozen
from chalicelib.flow.delivery.postponed import put_off
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

SOON = 1000  # ms: a queue holds a message back for whole seconds
MISSED = 30_000  # ms after which a reservation has gone to others


class Resume(NamedTuple):
    """The return of a job: at which delivery, and in how many seconds.

    `not_before` (ms) is the reservation that the job has then. 0: none yet. `tries` and `fetches`
    are those of the job then.
    """

    start: int
    delay: float
    not_before: int = 0
    tries: int = 0
    fetches: int = 0


class Turns:
    """Reservations that the jobs of a batch share, with one update for as many as a second takes.

    A turn is one reserved call. A job of one delivery needs one turn. A turn that its job does not
    take stays unused.
    """

    def __init__(self, jobs: Iterable[DeliverJob] = ()) -> None:
        self._coming = Counter(channel_of(job) for job in jobs if needs_turn(job))
        # channel and urgency -> the time of a reservation, and how much of it is left
        self._reserved: dict[tuple[str, bool], tuple[int, int]] = {}

    def begin(self, job: DeliverJob) -> None:
        """Count a job of the batch as one that has come."""
        if needs_turn(job):
            self._coming[channel_of(job)] -= 1

    def reserve(
        self,
        world: World,
        channel: str,
        number: int,
        rate: float,
        *,
        urgent: bool,
        shared: bool = True,
    ) -> int:
        """Return the time (ms) from which `number` calls or deliveries may be made.

        They are taken from the channel's last reservation, if enough of it is left. A new
        reservation that is shared has turns for later jobs of the batch, too.
        """
        not_before, left = self._reserved.get((channel, urgent), (0, 0))
        if left < number or world.clock.now() - not_before >= MISSED:
            coming = max(0, self._coming[channel]) if shared else 0
            left = max(number, min(number + coming, int(rate)))
            not_before = world.rate_limiter.reserve(channel, left, rate, urgent=urgent)
        self._reserved[channel, urgent] = not_before, left - number
        return not_before

    def leave(self, world: World, job: DeliverJob) -> DeliverJob:
        """Return a job that this batch does not begin, with a turn that was reserved for it.

        It has none if none is left, or if others will have the turn when the job comes back.
        """
        for key in ((channel_of(job), True), (channel_of(job), False)):
            not_before, left = self._reserved.get(key, (0, 0))
            is_good = left >= 1 and world.clock.now() - not_before < MISSED
            if is_good and needs_turn(job):
                self._reserved[key] = not_before, left - 1
                return replace(job, slot=not_before, turns=1)
        return job

    def reserve_all(
        self, world: World, numbers: Iterable[tuple[Meter, int]], *, urgent: bool, shared: bool
    ) -> int:
        """Return the latest of the times from which so much of each meter may be used."""
        times = (
            self.reserve(world, m.name, n, m.per_second, urgent=urgent, shared=shared)
            for m, n in numbers
        )
        return max(times, default=0)


def needs_turn(job: DeliverJob) -> bool:
    return not job.slot and (bool(job.userid) or job.end - job.start == 1)


def channel_of(job: DeliverJob) -> str:
    return elements.channel_of(job.channel)


def limit(
    world: World,
    job: DeliverJob,
    message: Message,
    channel: Channel,
    chunk: Chunk,
    calls: Sequence[OpenCall],
    turns: Turns,
) -> tuple[Sequence[OpenCall], Resume | None]:
    """Return the calls that may be made now, and when the job comes back for the others.

    Without a rate limit these are all calls, and no reservation is made.
    """
    taken = [(meter, units) for meter, units in _used(world, channel, chunk, calls) if any(units)]
    if not taken:
        return calls, None
    number = max(1, min(meter.calls_of_a_second(units) for meter, units in taken))
    now, is_urgent = world.clock.now(), message.priority is Priority.HIGH
    has_turn = now - job.slot < MISSED
    covered = job.turns or math.inf if has_turn else 0
    lacking = ((meter, sum(units[:number]) - covered) for meter, units in taken)
    numbers = [(meter, int(units)) for meter, units in lacking if units > 0]
    shared = not channel_options.of(channel.options).domain_rates  # a turn left is of no domain
    reserved = turns.reserve_all(world, numbers, urgent=is_urgent, shared=shared)
    not_before = max(job.slot if has_turn else 0, reserved)
    if not_before - now >= SOON:
        observability.metric("jobs_paced")
        note_long_wait(world, job, message, chunk, calls, not_before)
        return (), Resume(job.start, (not_before - now) / 1000, not_before, job.tries, job.fetches)
    rest = calls[number:]
    if not rest:
        return calls, None
    note_long_wait(world, job, message, chunk, rest, now + SOON)
    return calls[:number], Resume(rest[0].key.start, 1, tries=job.tries)


@frozen
class Meter:
    """A rate limit of a delivery channel: of all its calls, or of mails to one domain."""

    name: str
    per_second: float
    of_deliveries: bool = True
    domain: str = ""

    def units(self, chunk: Chunk, call: OpenCall) -> int:
        """Count what a call takes of the rate."""
        if self.domain:
            end = f"@{self.domain}"
            return sum(chunk.plan.contact(ref).lower().endswith(end) for ref in call.refs)
        return len(call.refs) if self.of_deliveries else 1

    def calls_of_a_second(self, units: Sequence[int]) -> int:
        """Count the first calls that a second takes."""
        return sum(end <= self.per_second for end in accumulate(units))


def _used(
    world: World, channel: Channel, chunk: Chunk, calls: Sequence[OpenCall]
) -> Iterator[tuple[Meter, list[int]]]:
    """Yield each meter of a delivery channel, with what each call takes of it."""
    rate = limit_of(channel, world.providers.of(channel.platform).capabilities)
    meters = [Meter(channel.code, *rate)] if rate.per_second else []
    for domain, per_second in channel_options.of(channel.options).domain_rates.items():
        meters.append(Meter(f"{channel.code}@{domain}", per_second, domain=domain))
    for meter in meters:
        yield meter, [meter.units(chunk, call) for call in calls]


class Rate(NamedTuple):
    """Calls or deliveries per second. 0: unlimited."""

    per_second: float
    of_deliveries: bool = False


def limit_of(channel: Channel, capabilities: Capabilities) -> Rate:
    """Return the channel's rate, else its options', else its platform's."""
    configured = channel_options.rate_of(channel)
    if configured is not None:
        return Rate(configured, of_deliveries=capabilities.rate_of_deliveries)
    if capabilities.deliveries_per_minute:
        return Rate(capabilities.deliveries_per_minute / 60, of_deliveries=True)
    return Rate(capabilities.calls_per_second or 0)


def call_size(channel: Channel, capabilities: Capabilities, size: int) -> int:
    """Return the deliveries of a call: at most those of a second, where the rate counts them.

    A call takes its worker's time, while others wait for the same rate.
    """
    rate = limit_of(channel, capabilities)
    counts = capabilities.rate_of_deliveries and rate.of_deliveries and rate.per_second
    return min(size, max(1, int(rate.per_second))) if counts else size


def note_long_wait(
    world: World,
    job: DeliverJob,
    message: Message,
    chunk: Chunk,
    calls: Sequence[OpenCall],
    until: int,
) -> None:
    """Record a long wait: a chunk's check would take the job for lost, and send it again.

    A chunk in which nothing is recorded yet has no check.
    """
    is_untouched = not chunk.is_read and calls[0].key.start == job.start
    if is_untouched and len(message.codes_of(job.step)) == 1:
        return
    if until >= min(call.decided for call in calls) + world.limits.check_after * 500:
        key = CallKey(job.step, job.number, job.channel, calls[0].key.start)
        put_off(world, message, chunk, Deferral(key, job.end, until))
