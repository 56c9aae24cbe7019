"""Keep a request that waits for its time or for approval, checked as if it were sent then."""

from __future__ import annotations

import secrets
from dataclasses import replace

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import KeyReused, UsersNeeded
from chalicelib.domain.rules import schedules
from chalicelib.domain.rules.reviews import Kind, Review
from chalicelib.domain.rules.schedules import Timing
from chalicelib.domain.stored_requests import About, State, StoredRequest
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.resolve import resolve
from chalicelib.flow.rules import dry, gate, retention, reviews
from chalicelib.observability import log
from chalicelib.ports import IdempotencyKey, World

DAY = 86_400_000
SOONEST = 5000  # ms from now that a wake-up is set at the earliest, for its request is stored first


def keep(world: World, request: SendRequest, key: IdempotencyKey | None) -> str | None:
    """Store a request that must wait, and return its id. Return None if it may leave now.

    Raises Refusal or Invalid as sending would, and then nothing is stored.
    """
    review = reviews.needed(world, request)
    if request.timing is None and review is None:
        return None
    stored = make(world, request, review)
    return add(world, stored, key)


def make(
    world: World, request: SendRequest, review: Review | None, name: str = ""
) -> StoredRequest:
    """Check a request and make of it what is stored."""
    if request.written is None:
        raise TypeError("a request that waits must be known as it was written")
    now = world.clock.now()
    stored = StoredRequest(
        id=new_id(now),
        channel_key=request.channel.key,
        created=now,
        state=State.IN_REVIEW if review else State.PENDING,
        written=request.written,
        about=_about(request),
        owner=request.owner,
        name=name,
        timing=request.timing,
        split=request.split,
        # without a time of its own: how long it may wait for approval
        next=now + retention.days(world, request.channel) * DAY,
        review=review,
    )
    if request.timing is not None:
        _check_audience(request, request.timing)
        stored = stored.at(schedules.check(request.timing, now))
    channels = _checked(world, request, stored.next if request.timing else now)
    return replace(stored, about=stored.about._replace(channels=channels))


def _about(request: SendRequest) -> About:
    return About(
        Kind.ORDINARY if request.template is None else Kind.TEMPLATE,
        request.audience_kind,
        (),
        request.sendno,
        request.priority.value,
        request.template or 0,
        request.rule_id,
    )


def kept_until(world: World, channel_key: str) -> int:
    """Return until when (epoch seconds) what has ended now is kept: as long as messages."""
    access, now = world.settings.access_channel(channel_key), world.clock.now() // 1000
    days = retention.days(world, access) if access else world.limits.history_days
    return now + days * 86400


def new_id(now: int) -> str:
    return keys.message_id(now, secrets.token_bytes(4))


def _check_audience(request: SendRequest, timing: Timing) -> None:
    """Refuse contacts where the schedule asks for what users have."""
    if request.contacts and (timing.date_rule or timing.zone_attribute):
        raise UsersNeeded("schedule")


def _checked(world: World, request: SendRequest, at: int) -> tuple[ChannelType, ...]:
    """Check a request as of a time (ms). Return its channel types."""
    then = dry.at(world, at)
    resolved = resolve(then, request)
    gate.for_message(then, request, resolved)
    return resolved.strategy.channels


def add(world: World, stored: StoredRequest, key: IdempotencyKey | None = None) -> str:
    """Store a request with its wake-up. A repeat under an idempotency key returns the first id."""
    earlier = world.messages.once(key.name) if key else None
    if earlier is None:
        wake(world, stored)
        earlier = world.stored.create(stored, key)
    if key is not None and earlier is not None:
        if key.digest != earlier.digest:
            raise KeyReused("Idempotency-Key")
        return earlier.msgid
    fields = {"id": stored.id, "channel_key": stored.channel_key, "state": stored.state.value}
    log.info("request_stored", extra=fields)
    return stored.id


def wake(world: World, stored: StoredRequest) -> None:
    """Set the wake-up of a request's next occurrence, unless it only waits for a review."""
    if stored.timing is not None or stored.ab_test is not None:
        world.wakeups.set(stored.id, max(stored.next, world.clock.now() + SOONEST))
