"""The messages of jobs, which may come before their message is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import field, replace

from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.users import User
from chalicelib.domain.values import frozen
from chalicelib.flow.messages import read_together
from chalicelib.observability import log
from chalicelib.ports import World

GLANCE = 0.1  # seconds after which the message is looked for again
MAX_EARLY = 5  # returns of a job. They take half a minute, far longer than a request lives


@frozen
class Readings:
    """The messages of several jobs, and the users whom they plan. A job reads what is missing."""

    messages: Mapping[str, Message] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)
    userids: Collection[str] = ()  # that were read, whether or not they exist

    def users_of(self, world: World, message: Message) -> Mapping[str, User]:
        if set(message.userids) <= set(self.userids):
            return self.users
        return world.users.get(message.userids)


def read(world: World, jobs: Sequence[DeliverJob]) -> Readings:
    """Read the messages and users of several jobs with one request."""
    msgids = {job.msgid: None for job in jobs}
    userids = {job.userid for job in jobs if job.userid and not job.tries}
    if len(msgids) < 2 and not userids:
        return Readings()
    together = read_together(world, msgids, userids)
    return Readings(*together, userids) if together else Readings()


def message_of(world: World, job: DeliverJob) -> Message | None:
    """Return the message of a job. The message of a job that may be early gets a moment."""
    message = world.messages.get(job.msgid)
    if message is None and job.priority:
        world.clock.sleep(GLANCE)
        message = world.messages.get(job.msgid)
    return message


def come_back(
    world: World, job: DeliverJob, channel: Channel | None, message: Message | None = None
) -> None:
    """Send a job without message again, some times. One whose channel was deleted is dropped.

    The sender of a message that never comes was not told that it was accepted.
    """
    if channel is None or not job.priority or job.early >= MAX_EARLY:
        fields = {"msgid": job.msgid, "chunk": job.chunk, "channel": job.channel}
        log.warning("job_without_message", extra=fields)
        if message is not None and not message.has_clock:
            _check_when_expired(world, job, message)
        return
    later = replace(job, early=job.early + 1)
    delay = 2**job.early
    priority = Priority(job.priority)
    worker = world.providers.of(channel.platform).capabilities.worker
    world.queues.send([Envelope(later, priority, channel.type, job.msgid, delay, worker)])


def _check_when_expired(world: World, job: DeliverJob, message: Message) -> None:
    """Set the check that expires the deliveries of a dropped job, so that the strategy goes on."""
    seconds = world.limits.submit_within + world.limits.check_after
    due, at = world.clock.now() + seconds * 1000, ChunkId(job.msgid, job.chunk)
    world.timers.set([Timer(due, TimerKind.CHECK, at, message.priority)])
