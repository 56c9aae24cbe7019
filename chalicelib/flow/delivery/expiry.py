"""Calls that were not made in time, and are given up."""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain import elements
from chalicelib.domain.chunks import Chunk, Deferral
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.flow.delivery import quota
from chalicelib.flow.delivery.cancel import CancelResult, cancel
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World


def expire(world: World, message: Message, chunk: Chunk, calls: Iterable[OpenCall]) -> bool:
    """Cancel the calls that were not made in time. Return True if there were any."""
    changed = False
    for call in calls:
        time = expires(world, chunk, call)
        if world.clock.now() >= time:
            changed = _cancel(world, message, chunk, call, time) or changed
    return changed


def in_time(world: World, chunk: Chunk, calls: Iterable[OpenCall]) -> list[OpenCall]:
    """Return the calls that may still be made."""
    return [call for call in calls if world.clock.now() < expires(world, chunk, call)]


def expires(world: World, chunk: Chunk, call: OpenCall) -> int:
    """Return the time (ms) at which a call is given up.

    A call that has waited for quota keeps its longer time until its job has tried to make it.
    """
    deferral = _untried_since(chunk, call)
    waits = deferral is not None and (deferral.for_quota or deferral.resumed)
    return quota.expires(world, call, waits=waits)


def deferred_by_quota(chunk: Chunk, call: OpenCall) -> Deferral | None:
    """Return the deferral for quota since which no worker has tried to make the call."""
    deferral = _untried_since(chunk, call)
    return deferral if deferral is not None and deferral.for_quota else None


def _untried_since(chunk: Chunk, call: OpenCall) -> Deferral | None:
    """Return the deferral since which no worker has tried to make the call."""
    record, deferral = chunk.calls.get(call.key), chunk.deferral(call.key)
    if deferral is None or (record is not None and record.lease > deferral.until):
        return None
    return deferral


def _cancel(world: World, message: Message, chunk: Chunk, call: OpenCall, time: int) -> bool:
    fact = Fact(call.refs[0], FactKind.EXPIRED, time, _reason(world, chunk, call), "timer")
    result = cancel(world, message, chunk, call, fact)
    return result in (CancelResult.CLOSED, CancelResult.CHANGED)


def _reason(world: World, chunk: Chunk, call: OpenCall) -> str:
    if deferred_by_quota(chunk, call):
        return "quota_used_up"
    channel = world.settings.channel(elements.channel_of(call.key.channel))
    return "channel_paused" if channel is not None and channel.paused else "not_in_time"
