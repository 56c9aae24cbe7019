"""Scheduled messages as operators change them, while they wait."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.domain.errors import BeingSent, NotFound, NotWaiting, StillTesting
from chalicelib.domain.rules.reviews import Review
from chalicelib.domain.stored_requests import Result, State, StoredRequest
from chalicelib.flow import keep
from chalicelib.flow import withdraw as withdrawal
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import reviews
from chalicelib.manage import access_channels
from chalicelib.manage.records import at_version
from chalicelib.ports import IdempotencyKey, World

MARGIN = 1000  # ms before its time from which a message is no longer changed


def add(
    world: World, request: SendRequest, name: str, key: IdempotencyKey | None = None
) -> StoredRequest:
    """Store a message with a schedule. Return the stored one if its idempotency key is known."""
    stored = keep.make(world, request, reviews.needed(world, request), name)
    id = keep.add(world, stored, key)
    return stored if id == stored.id else get(world, id)


def get(world: World, id: str) -> StoredRequest:
    """Return a stored message, or raise NotFound."""
    stored = world.stored.get(id)
    if stored is None or not stored.is_send:
        raise NotFound("scheduled message")
    return stored


def change(
    world: World, id: str, version: int | None, request: SendRequest, name: str
) -> StoredRequest:
    """Replace message and schedule. What needs a review is reviewed from the first level on."""
    before = _changeable(world, id, version)
    if before.split is not None:
        raise StillTesting("id")
    if request.written is not None:
        # What came by API is reviewed as such, also when a member changes it.
        written = request.written._replace(origin=before.written.origin)
        request = replace(request, written=written)
    review = reviews.needed(world, request)
    if review is not None and before.review is not None:
        askers = tuple(dict.fromkeys((*before.review.askers, *review.askers)))
        fresh = reviews.begin(world, review.levels, askers)
        review = replace(fresh, earlier=before.review.all_decisions)
    made = keep.make(world, request, review, name)
    if review is None and before.review is not None:
        # The settings changed: nobody has to approve any more, and what was said stays in sight.
        said = Review((), before.review.askers, (), before.review.all_decisions)
        made = replace(made, review=said)
    if review is None and made.timing is None:
        made = replace(made, next=world.clock.now())
    after = replace(made, id=id, created=before.created, last=before.last, version=before.version)
    after = after.changed()
    keep.wake(world, after)
    world.stored.update(before, after)
    _cancel(world, before, after)
    return after


def copy(world: World, id: str, read: Callable[[StoredRequest], SendRequest]) -> StoredRequest:
    """Store the same message again, with the schedule that `read` gives its copy."""
    original = get(world, id)
    return add(world, read(original), original.name)


def cancel(world: World, id: str, version: int | None) -> None:
    """Cancel a message that waits. Nothing of it leaves any more."""
    before = _changeable(world, id, version)
    expires = keep.kept_until(world, before.channel_key)
    after = before.changed(state=State.CANCELLED, expires=expires)
    world.stored.update(before, after)
    _cancel(world, before, after)


def withdraw(world: World, channel_key: str, msgid: str) -> str:
    """Withdraw a message of an access channel, or cancel the stored request of this id.

    Return the id of the message, empty for a request that has not become one.
    """
    try:
        withdrawal.withdraw(world, channel_key, msgid)
        return msgid
    except NotFound:
        stored = world.stored.get(msgid)
        if stored is None or stored.channel_key != channel_key or not stored.is_send:
            raise
        if stored.became:
            withdrawal.withdraw(world, channel_key, stored.became)
        else:
            cancel(world, msgid, None)
        return stored.became


def page(
    world: World,
    channel_key: str,
    after: str,
    until: int | None,
    limit: int,
    wanted: Callable[[StoredRequest], bool],
) -> Sequence[StoredRequest]:
    """Return the scheduled messages of an access channel, by their next times."""
    access_channels.get(world, channel_key)
    end = "" if until is None else f"{until:013d}"
    return world.stored.scheduled(channel_key, after, end, limit, wanted)


def results(world: World, of: str, before: str, limit: int) -> Sequence[Result]:
    """Return what became of occurrences, newest first. `of`: an id, or a channel key."""
    return world.stored.results(of, before, limit)


def _changeable(world: World, id: str, version: int | None) -> StoredRequest:
    stored = at_version(get(world, id), version)
    if not stored.waits or (stored.timing is None and stored.state is State.PENDING):
        raise NotWaiting("id", state=stored.state.value)
    if stored.timing is not None and stored.next <= world.clock.now() + MARGIN:
        raise BeingSent("schedule")
    return stored


def _cancel(world: World, before: StoredRequest, after: StoredRequest) -> None:
    """Take a wake-up back that has nothing to wake. One that comes all the same does nothing."""
    if before.timing is not None and (before.next != after.next or not after.waits):
        world.wakeups.cancel(before.id, before.next)
