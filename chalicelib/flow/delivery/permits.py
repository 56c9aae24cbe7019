"""Limit the workers that one tenant may hold up, so that others are not kept waiting.

Two things are slow by one tenant's will or bad luck: files on servers that its messages name, and a
delivery channel whose provider answers late or takes many calls. A job of such a tenant takes a
permit first. Permits of one name are a quarter of the workers. A job that gets none returns to its
queue. All other jobs take no permit, and cost nothing here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from chalicelib import observability
from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Channel, Priority
from chalicelib.domain.messages import Message
from chalicelib.domain.slowness import LONG
from chalicelib.flow.delivery import budget
from chalicelib.ports import World

SHARE = 4  # one name holds this part of the workers at most
WAITS = 6  # this part of a lease passes until a job asks again


@contextmanager
def of_files(world: World, message: Message) -> Iterator[bool]:
    """Take a permit to fetch files of a tenant's choice. Yield False if none is free."""
    with _taken(world, keys.join("files", message.channel_key), message.priority) as is_taken:
        yield is_taken


@contextmanager
def of_channel(world: World, message: Message, channel: Channel) -> Iterator[float]:
    """Yield the seconds in which parts of a job may begin. 0: it needs a permit, and none is free.

    Only the workers of priority 1 are kept free. The other priorities are there for long work. A
    job that takes no permit is cut short. After a long job, the tenant's next one on the channel
    needs a permit.
    """
    usual = world.limits.lease / budget.SHARE
    if message.priority is not Priority.HIGH:
        yield usual
        return
    name, begun = _name(message, channel), world.clock.now()
    if not world.slowness.has(name, begun):
        yield min(usual, LONG / 1000)
        world.slowness.note(name, begun, world.clock.now())
        return
    with _taken(world, keys.join("slow", name), message.priority) as is_taken:
        yield usual if is_taken else 0
        if is_taken:
            world.slowness.note(name, begun, world.clock.now())
        else:
            world.slowness.keep(name, begun)


def is_slow(world: World, message: Message, channel: Channel) -> bool:
    """Tell if the tenant's last job on the channel took long."""
    return world.slowness.has(_name(message, channel), world.clock.now())


def _name(message: Message, channel: Channel) -> str:
    return keys.join(channel.code, message.channel_key)


def delay(world: World) -> float:
    """Return the seconds until a job without a permit asks again."""
    observability.metric("jobs_without_permit")
    return max(1, world.limits.lease / WAITS)


@contextmanager
def _taken(world: World, name: str, priority: Priority) -> Iterator[bool]:
    """Take a permit for the length of the block.

    Permits are counted in windows of a lease, so a worker that dies keeps its permit no longer.
    Work that goes on from one window into the next is not counted in the second.
    """
    window = world.clock.now() // (world.limits.lease * 1000)
    counter = keys.join("permits", name, priority.value, window)
    most = max(1, world.limits.concurrency[priority.value - 1] // SHARE)
    expires = (window + 2) * world.limits.lease
    if not world.counters.take(counter, 1, most, expires).granted:
        yield False
        return
    try:
        yield True
    except Exception:
        world.counters.give_back(counter, 1)
        raise
    world.counters.give_back(counter, 1)
