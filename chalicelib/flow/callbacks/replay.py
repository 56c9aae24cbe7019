"""Deliver stored batches again: those of a time range, or those that a pause has held."""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain import keys
from chalicelib.domain.callbacks import BatchState
from chalicelib.domain.jobs import CallbackReplay, CallbackRetry
from chalicelib.flow.callbacks.collect import envelope
from chalicelib.ports import World

PAGE = 100
# Seconds after which every container knows that a pause is over.
SETTLED = 60
FIRST = "0" * 16  # below every id
LAST = "v" * 16


def begin(
    world: World,
    channel_key: str,
    since: int,
    until: int,
    states: tuple[BatchState, ...],
    address: str = "",
) -> None:
    """Start to deliver the batches of a time range (ms) again, which goes on in the queue."""
    ends = (keys.message_id(since, bytes(4)), keys.message_id(until, bytes(4)))
    job = CallbackReplay(channel_key, *ends, ",".join(states), address)
    world.queues.send([envelope(job)])


def release(world: World, channel_key: str, address: str) -> None:
    """Start to deliver what was held while an address was paused.

    It waits until nobody takes the address for paused any more.
    """
    job = CallbackReplay(channel_key, FIRST, LAST, BatchState.HELD.value, address)
    world.queues.send([envelope(job, SETTLED)])


def replay(world: World, job: CallbackReplay) -> None:
    """Send a job for each batch of a page, then one for the next page. Safe to repeat."""
    batches = world.callbacks.list(job.channel_key, job.since, job.until, PAGE)
    states = job.states.split(",") if job.states else [*BatchState]
    chosen = [
        batch for batch in batches if batch.state in states and job.address in ("", batch.address)
    ]
    jobs = [CallbackRetry(job.channel_key, batch.id, again=True) for batch in chosen]
    world.queues.send([envelope(retry) for retry in jobs])
    if len(batches) == PAGE:
        world.queues.send([envelope(replace(job, since=batches[-1].id))])
