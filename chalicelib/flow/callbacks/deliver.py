"""Deliver callbacks in batches, at least once, and try again as their address says.

A job is done when its records are delivered, or stored with a job for the next try.
So an end anywhere repeats records, and loses none. A receiver that is down costs each container one
timeout in a while (domain/outages.py). Its other batches count as tried, and wait for their turn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain import callbacks
from chalicelib.domain.callbacks import MAX_DELAY, Attempt, Batch, BatchState, Record
from chalicelib.domain.jobs import CallbackJob, CallbackRetry
from chalicelib.domain.rules.callbacks import Address, Auth, CallbackSettings, read
from chalicelib.flow.callbacks import secrets
from chalicelib.flow.callbacks.collect import envelope
from chalicelib.flow.callbacks.render import records
from chalicelib.observability import log
from chalicelib.ports import Reply, World

KEPT_ATTEMPTS = 20  # the latest of a batch
FOR_A_CALL = 6_000  # ms that must be left for another request
EARLY = 500  # ms by which a retry may come too early
_SWITCHED_OFF = "switched_off"


class Round:
    """The jobs of one batch from the queue. Those of one access channel go out together."""

    def __init__(self, jobs: Sequence[CallbackJob]) -> None:
        self._jobs: dict[str, list[CallbackJob]] = {}
        for job in jobs:
            self._jobs.setdefault(job.channel_key, []).append(job)
        self._errors: dict[str, Exception | None] = {}

    def report(self, world: World, channel_key: str) -> None:
        """Deliver the records of all jobs of an access channel, when the first of them comes.

        The other jobs deliver nothing. An error is raised for each job.
        """
        if channel_key not in self._errors:
            self._errors[channel_key] = None
            try:
                report(world, channel_key, self._jobs[channel_key])
            except Exception as error:  # noqa: BLE001 raised for every job
                self._errors[channel_key] = error
        failure = self._errors[channel_key]
        if failure is not None:
            raise failure

    def has_begun(self, channel_key: str) -> bool:
        """Tell if the records of an access channel were delivered, or failed."""
        return channel_key in self._errors

    def end(self) -> Mapping[str, Exception]:
        return {}


def report(world: World, channel_key: str, jobs: Sequence[CallbackJob]) -> None:
    """Make batches of the records of jobs, and deliver each or store it for later."""
    settings = _settings(world, channel_key)
    if settings is None:
        return
    events = [events for job in jobs for events in job.events]
    by_address: dict[str, list[Record]] = {}
    addresses: dict[str, Address] = {}
    for id, record in records(world, events, settings.states):
        address = settings.address(id)
        if address is not None:
            addresses[address.id] = address
            by_address.setdefault(address.id, []).append(record)
    time = max(job.time for job in jobs)
    for id, of_address in by_address.items():
        for start in range(0, len(of_address), callbacks.BATCH):
            part = of_address[start : start + callbacks.BATCH]
            _deliver(world, addresses[id], _batch(world, channel_key, id, time, part))


def retry(world: World, job: CallbackRetry) -> None:
    """Deliver a stored batch again, unless another job has tried it as often meanwhile."""
    now = world.clock.now()
    if now < job.at - EARLY:
        world.queues.send([envelope(job, _seconds(job.at - now))])
        return
    batch = world.callbacks.get(job.channel_key, job.batch)
    if batch is None or (not job.again and _is_superseded(batch, job)):
        return
    if job.again:
        batch = replace(batch, state=BatchState.WAITING, tries=0)
    settings = _settings(world, job.channel_key)
    address = settings.address(batch.address) if settings else None
    if address is None:
        attempt = Attempt(now, 0, _SWITCHED_OFF)
        world.callbacks.put(_after(batch, BatchState.FAILED, attempt))
        return
    # The address may be the default in place of a deleted one: its pause holds the batch from now.
    _try_again(world, address, replace(batch, address=address.id))


def _settings(world: World, channel_key: str) -> CallbackSettings | None:
    access = world.settings.access_channel(channel_key)
    settings = read(access.rules) if access else None
    return settings if settings and settings.enabled else None


def _is_superseded(batch: Batch, job: CallbackRetry) -> bool:
    return batch.state is not BatchState.WAITING or job.tries < batch.tries


def _batch(
    world: World, channel_key: str, address: str, time: int, part: Sequence[Record]
) -> Batch:
    body = world.receivers.body(part)
    expires = world.clock.now() // 1000 + world.limits.history_days * 86400
    id = callbacks.batch_id(time, address, body)
    return Batch(id, channel_key, address, len(part), body, expires)


def _deliver(world: World, address: Address, batch: Batch) -> None:
    """Deliver a new batch. Store it before the job of its next try is sent."""
    if address.paused:
        return world.callbacks.put(replace(batch, state=BatchState.HELD))
    if world.ends is not None and world.clock.now() > world.ends - FOR_A_CALL:
        world.callbacks.put(batch)
        return world.queues.send([envelope(CallbackRetry(batch.channel_key, batch.id))])
    tried = _attempt(world, address, batch)
    world.callbacks.put(tried)
    return _send_next(world, address, tried)


def _try_again(world: World, address: Address, batch: Batch) -> None:
    """Deliver a stored batch. Send the job of its next try before the batch says so.

    A worker that ends in between leaves two jobs, of which the later one changes nothing.
    """
    if address.paused:
        return world.callbacks.put(replace(batch, state=BatchState.HELD))
    tried = _attempt(world, address, batch)
    _send_next(world, address, tried)
    return world.callbacks.put(tried)


def _attempt(world: World, address: Address, batch: Batch) -> Batch:
    """Make a request, and return the batch with what became of it."""
    now, name = world.clock.now(), f"{batch.channel_key}#{address.id}#{address.url}"
    outage = world.outages.code(name, now)
    if outage:
        reply = Reply(0, f"not_tried:{outage}")
    else:
        proofs = secrets.headers(world, batch.channel_key, address, batch.id, batch.body)
        reply = world.receivers.post(address.url, proofs, batch.body)
        world.outages.note(name, reply.code, world.clock.now())
    attempt = Attempt(now, reply.status, reply.code)
    if _is_success(address, reply):
        return _after(batch, BatchState.DELIVERED, attempt)
    seconds = callbacks.delay(address.retries, batch.tries + 1, batch.id)
    state = BatchState.FAILED if seconds is None else BatchState.WAITING
    _log_failure(address, batch, reply, state)
    return replace(_after(batch, state, attempt), tries=batch.tries + 1)


def _is_success(address: Address, reply: Reply) -> bool:
    """Tell if a receiver took a batch: by 200 alone, as UMS has it, or any 2xx of the standard."""
    if address.auth is Auth.SIGNATURE:
        return reply.status // 100 == 2
    return reply.status == 200


def _after(batch: Batch, state: BatchState, attempt: Attempt) -> Batch:
    attempts = (*batch.attempts, attempt)[-KEPT_ATTEMPTS:]
    return replace(batch, state=state, attempts=attempts)


def _log_failure(address: Address, batch: Batch, reply: Reply, state: BatchState) -> None:
    fields = {
        "channel_key": batch.channel_key,
        "address": address.id,
        "batch": batch.id,
        "status": reply.status,
        "code": reply.code,
    }
    log.warning("callback_failed", extra=fields)
    if state is BatchState.FAILED:
        observability.metric("callbacks_given_up")


def _send_next(world: World, address: Address, batch: Batch) -> None:
    """Send the job of the next try, if there is one."""
    if batch.state is not BatchState.WAITING:
        return
    seconds = callbacks.delay(address.retries, batch.tries, batch.id) or 0
    at = world.clock.now() + round(seconds * 1000)
    job = CallbackRetry(batch.channel_key, batch.id, batch.tries, at)
    world.queues.send([envelope(job, _seconds(seconds * 1000))])


def _seconds(milliseconds: float) -> int:
    return min(MAX_DELAY, max(0, math.ceil(milliseconds / 1000)))
