"""Carry out stored requests whose time has come, each occurrence once.

An occurrence is an idempotency key of its message, so that a repeat finds what was sent. Its result
and the next occurrence are stored together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.errors import AccessChannelClosed, Stale
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import SCHEDULE
from chalicelib.domain.rules.reviews import Review
from chalicelib.domain.rules.schedules import (
    LATE,
    Occurrence,
    Outcome,
    Timing,
    is_too_late,
    occasion,
    occurrences,
)
from chalicelib.domain.stored_requests import Result, State, StoredRequest, origin_of
from chalicelib.flow import keep
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import reviews
from chalicelib.flow.submit import submit
from chalicelib.flow.timers import do_all
from chalicelib.observability import log
from chalicelib.ports import ONCE_SECONDS, IdempotencyKey, World

ROUNDS = 20  # of one wake-up: an occurrence each, or a change by somebody else meanwhile
COUNTED = 10_000  # missed occurrences in a row that are counted one by one
# Ms from the moment at which the first zone of the world shows a time to that of the last one.
AROUND = 26 * 3_600_000
SPARE = 3600  # seconds for which the key of an occurrence outlives its last chance
AGAIN = 10 * 60_000  # ms after which a request is looked at again that a timer had to wake


class Door(NamedTuple):
    """The wire format of the entrypoint that carries requests out."""

    read: Callable[[AccessChannel, StoredRequest], SendRequest]
    explain: Callable[[Exception], tuple[int, str]]  # the code and text of a refusal
    refusals: tuple[type[Exception], ...]


Advance = Callable[[World, StoredRequest, Door], object]


def carry_out(world: World, id: str, door: Door, advance: Advance | None = None) -> None:
    """Carry out what is due of a request. A repeat sends nothing twice.

    `advance` carries out what is due of an A/B test.
    """
    for _ in range(ROUNDS):
        stored = world.stored.get(id)
        if stored is None or not stored.is_due(world.clock.now()) or stored.is_put_elsewhere:
            return
        if stored.ab_test is not None:
            if advance is not None:
                advance(world, stored, door)
            return
        result, review = _run(world, stored, door)
        after = _after(world, stored, result, review)
        if after.waits:
            keep.wake(world, after)
        try:
            world.stored.update(stored, after, result)
        except Stale:
            _add_result(world, stored, result)
            continue
        fields = {"id": id, "channel_key": stored.channel_key, "msgid": result.msgid}
        log.info("request_carried_out", extra={**fields, "outcome": result.outcome.value})


def _run(world: World, stored: StoredRequest, door: Door) -> tuple[Result, Review | None]:
    """Return the result of the occurrence that is due, and a review that it turned out to need."""
    now = world.clock.now()
    if stored.state is not State.PENDING:
        is_rejected = stored.state is State.REJECTED
        return _result(world, stored, Outcome.REJECTED if is_rejected else Outcome.IN_REVIEW), None
    if stored.timing is not None and is_too_late(stored.timing, stored.occurrence, now):
        return _missed(world, stored), None
    try:
        access = world.settings.access_channel(stored.channel_key)
        if access is None or not access.enabled:
            raise AccessChannelClosed("channel_key")
        request = _request(stored, door.read(access, stored))
        review = reviews.needed(world, request)
        if review is not None:
            return _result(world, stored, Outcome.IN_REVIEW), review
        msgid = submit(world, replace(request, approved=True), _once(stored))
    except door.refusals as error:
        code, reason = door.explain(error)
        return _result(world, stored, Outcome.REFUSED, code=code, reason=reason), None
    return _result(world, stored, Outcome.SENT, msgid=msgid), None


def _request(stored: StoredRequest, read: SendRequest) -> SendRequest:
    timing = stored.timing
    return replace(
        read,
        written=stored.written,
        origin=SCHEDULE if timing else origin_of(stored.written),
        sender=stored.written.member,
        timing=None,
        approved=stored.review is not None and stored.review.approved,
        occasion=occasion(timing, stored.occurrence.local) if timing else None,
        msgid="" if timing else stored.id,
        split=stored.split,
    )


def _once(stored: StoredRequest) -> IdempotencyKey | None:
    """Return the key of an occurrence, kept for as long as the occurrence may still be sent.

    A message without a time is known by its own id.
    """
    if stored.timing is None:
        return None
    name = keys.join("once", stored.channel_key, "schedule", f"{stored.id}@{stored.next}")
    seconds = _longest(stored.timing) // 1000 + SPARE
    return IdempotencyKey(name, stored.id, seconds=max(ONCE_SECONDS, seconds))


def _longest(timing: Timing) -> int:
    """Return how long (ms) after its start an occurrence may still be sent."""
    around = AROUND if timing.zone_attribute else 0
    return max(LATE, timing.if_late * 60_000) + around


def _missed(world: World, stored: StoredRequest) -> Result:
    """Return one result for all occurrences in a row that were missed."""
    later = _first_in_time(world, stored)
    end = later.at if later else world.clock.now() + 1
    others = occurrences(stored.timing, stored.next) if stored.timing else ()
    missed = takewhile(lambda other: other.at < end, islice(others, COUNTED))
    return _result(world, stored, Outcome.MISSED, number=1 + sum(1 for _ in missed))


def _first_in_time(world: World, stored: StoredRequest) -> Occurrence | None:
    """Return the first occurrence that is not missed."""
    if stored.timing is None:
        return None
    since = world.clock.now() - _longest(stored.timing)
    later = occurrences(stored.timing, max(stored.next, since))
    now = world.clock.now()
    return next((other for other in later if not is_too_late(stored.timing, other, now)), None)


def _result(
    world: World,
    stored: StoredRequest,
    outcome: Outcome,
    *,
    msgid: str = "",
    code: int = 0,
    reason: str = "",
    number: int = 1,
) -> Result:
    now = world.clock.now()
    at, kept = stored.next if stored.timing else now, keep.kept_until(world, stored.channel_key)
    return Result(stored.id, at, now, outcome, msgid, code, reason, number, kept)


def _after(
    world: World, stored: StoredRequest, result: Result, review: Review | None
) -> StoredRequest:
    """Return the request with its next occurrence, or done."""
    after = stored.changed(last=result)
    if review is not None:
        after = replace(after, review=review, state=State.IN_REVIEW)
    is_missed = result.outcome is Outcome.MISSED
    following = _first_in_time(world, stored) if is_missed else stored.following(stored.next)
    if following is None:
        return replace(after, state=State.DONE, expires=result.expires)
    return after.at(following)


def _add_result(world: World, stored: StoredRequest, result: Result) -> None:
    """Keep the result of an occurrence that somebody changed while it was sent."""
    for _ in range(ROUNDS):
        fresh = world.stored.get(stored.id)
        if fresh is None or fresh.next == stored.next or result.outcome is not Outcome.SENT:
            return
        try:
            world.stored.update(fresh, fresh.changed(last=result), result)
        except Stale:
            continue
        return


def wake_again(world: World, timers: Sequence[Timer]) -> None:
    """Wake requests whose wake-up got lost, or failed. Its timer looks again ten minutes later."""
    do_all(lambda timer: _wake_again(world, timer), timers)


def _wake_again(world: World, timer: Timer) -> None:
    stored, now = world.stored.get(timer.chunk.msgid), world.clock.now()
    if stored is None or not stored.is_due(now) or stored.is_put_elsewhere:
        return
    world.wakeups.set(stored.id, now + keep.SOONEST)
    world.timers.set([Timer(now + AGAIN, TimerKind.WAKE, timer.chunk, timer.priority)])
