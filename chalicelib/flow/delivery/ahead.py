"""Turns of the rate limit that jobs take before anything is read or claimed for them.

Only the first job of a message that was queued before it was stored knows enough for that. One
whose turn is later goes back to its queue until then, with its turn. It returns as a fresh one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import channel_options, keys
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.provider_io import Capabilities
from chalicelib.flow.delivery import rate
from chalicelib.flow.delivery.postponed import MAX_DELAY
from chalicelib.flow.delivery.rate import Turns
from chalicelib.observability import log
from chalicelib.ports import World


def take_turns(
    world: World, jobs: Sequence[DeliverJob], turns: Turns
) -> dict[DeliverJob, DeliverJob]:
    """Return each job with its turn, or as it is if it needs none or reserves it later."""
    try:
        return {job: _with_turn(world, job, turns) for job in jobs}
    except Exception as error:  # a job that took none reserves as every other job does
        log.warning("turns_not_taken", exc_info=error, extra={"jobs": len(jobs)})
        return {}


def waits(world: World, job: DeliverJob) -> bool:
    """Tell if a job may go back to its queue unread, since its turn is later.

    A job that is not made in time is read, so that it expires before its turn.
    """
    now, accepted = world.clock.now(), keys.message_time(job.msgid)
    is_in_time = now < accepted + world.limits.submit_within * 1000
    return bool(job.group) and job.slot - now >= rate.SOON and is_in_time


def put_back(world: World, job: DeliverJob, channel: Channel) -> None:
    """Send a job to its queue until its turn, or for as long as a queue holds it."""
    observability.metric("jobs_paced")
    seconds = round((job.slot - world.clock.now()) / 1000)
    delay, worker = min(max(1, seconds), MAX_DELAY), _capabilities(world, channel).worker
    priority = Priority(job.priority)
    world.queues.send([Envelope(job, priority, channel.type, job.group, delay, worker)])


def _with_turn(world: World, job: DeliverJob, turns: Turns) -> DeliverJob:
    """Reserve the turn of a job, if this container has met the limit of its channel before.

    Where there is none, settings that have ended are read together with the messages.
    """
    code = rate.channel_of(job)
    if not job.group or not rate.needs_turn(job) or not world.rate_limiter.knows(code):
        return job
    channel = world.settings.channel(code)
    if channel is None or channel.paused or channel_options.of(channel.options).domain_rates:
        return job
    per_second = rate.limit_of(channel, _capabilities(world, channel)).per_second
    if not per_second:
        return job
    turns.begin(job)
    is_urgent = job.priority == Priority.HIGH.value
    at = turns.reserve(world, channel.code, 1, per_second, urgent=is_urgent)
    return replace(job, slot=at, turns=1)


def _capabilities(world: World, channel: Channel) -> Capabilities:
    return world.providers.of(channel.platform).capabilities
