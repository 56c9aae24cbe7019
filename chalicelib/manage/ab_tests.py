"""A/B tests as operators start, decide and cancel them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from chalicelib.domain.access_channels import AccessChannel
from chalicelib.domain.audiences import AudienceKind
from chalicelib.domain.errors import (
    BeingSent,
    BroadcastsUsedUp,
    Invalid,
    NotFound,
    NotWaiting,
    StillTesting,
)
from chalicelib.domain.rules.ab_tests import AbTest, Phase, Rest, Split
from chalicelib.domain.rules.reviews import Kind
from chalicelib.domain.stored_requests import About, State, StoredRequest, Written
from chalicelib.flow import ab_tests, keep
from chalicelib.flow.ab_tests import Part, ab_test_of
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.rules import broadcast_quota, retention, reviews
from chalicelib.flow.schedules import Door
from chalicelib.manage.records import at_version
from chalicelib.observability import log
from chalicelib.ports import IdempotencyKey, World

MINUTES = 24 * 60  # of a day

Read = Callable[[StoredRequest], SendRequest]


def draft(
    world: World, access: AccessChannel, name: str, test: AbTest, written: Written
) -> StoredRequest:
    """Return a test that is not stored. Raise Invalid if it would outlast its messages."""
    days = retention.days(world, access)
    if test.minutes > days * MINUTES:
        raise Invalid("minutes", "more than the {days} days for which messages are kept", days=days)
    now = world.clock.now()
    return StoredRequest(
        id=keep.new_id(now),
        channel_key=access.key,
        created=now,
        state=State.PENDING,
        written=written,
        about=About(Kind.ORDINARY, AudienceKind.USERS, ()),  # until a variant is checked
        name=name,
        next=now,
        ab_test=test,
    )


def check(world: World, stored: StoredRequest, variant: str, read: Read) -> StoredRequest:
    """Check the send of a variant as if it were sent, and return it. Nothing is stored.

    Raise what sending it would raise.
    """
    request = request_of(stored, variant, read)
    return keep.make(world, request, reviews.needed(world, request))


def request_of(stored: StoredRequest, variant: str, read: Read) -> SendRequest:
    """Return the send of a variant, for its part of the audience."""
    part = _part(stored, ab_test_of(stored).split, variant)
    request = ab_tests.request_of(stored, part, read)
    timing = request.timing
    if timing is not None and (timing.cron or timing.zone_attribute):
        raise Invalid("option.schedule", "only a single time (at) is possible in an A/B test")
    return request


def request_of_rest(stored: StoredRequest, read: Read) -> SendRequest | None:
    """Return the send to the rest with the content of the baseline, or None without a rest."""
    test = ab_test_of(stored)
    if not test.rest_share:
        return None
    part = _part(stored, test.split_of_rest, test.baseline.name)
    return replace(ab_tests.request_of(stored, part, read), timing=None)


def _part(stored: StoredRequest, split: Callable[[str, str], Split], variant: str) -> Part:
    return Part(variant, split(stored.id, variant), "", stored.created)


def add(
    world: World,
    access: AccessChannel,
    stored: StoredRequest,
    checked: Sequence[StoredRequest],
    key: IdempotencyKey | None,
    door: Door,
) -> StoredRequest:
    """Store a test and start it. A repeat under an idempotency key returns the first.

    `checked`: the sends of the variants. Raise BroadcastsUsedUp if not all of them may be sent.
    """
    _check_quota(world, access, checked)
    first = checked[0]
    stored = replace(stored, about=first.about, owner=first.owner)
    id = keep.add(world, stored, key)
    if id != stored.id:
        return get(world, id)
    return _advance(world, stored, door)


def _check_quota(world: World, access: AccessChannel, checked: Sequence[StoredRequest]) -> None:
    settings = access.rules.get(broadcast_quota.RULE)
    if settings is None or checked[0].about.audience is not AudienceKind.EVERYONE:
        return
    now = sum(request.timing is None for request in checked)
    if broadcast_quota.used(world, access) + now > settings["per_day"]:
        raise BroadcastsUsedUp(limit=settings["per_day"])


def _advance(world: World, stored: StoredRequest, door: Door) -> StoredRequest:
    """Do what is due at once. The timer of the test sees to it, should this fail."""
    try:
        return ab_tests.advance(world, stored, door)
    except Exception as error:
        log.error("ab_test_not_advanced", exc_info=error, extra={"id": stored.id})
        return get(world, stored.id)


def get(world: World, id: str) -> StoredRequest:
    """Return an A/B test, or raise NotFound."""
    stored = world.stored.get(id)
    if stored is None or stored.ab_test is None:
        raise NotFound("A/B test")
    return stored


def page(world: World, channel_key: str, before: str, limit: int) -> Sequence[StoredRequest]:
    """Return the A/B tests of an access channel, newest first."""
    return world.stored.ab_tests(channel_key, before, limit)


def choose(
    world: World, id: str, version: int | None, variant: str, member: str, door: Door
) -> StoredRequest:
    """Send a variant to the rest of the audience, once the test is over."""
    stored = at_version(get(world, id), version)
    test, now = ab_test_of(stored), world.clock.now()
    if test.phase in (Phase.STARTING, Phase.RUNNING):
        raise StillTesting("variant")
    if not test.may_choose or not stored.waits:
        raise NotWaiting("variant", state=test.phase.value)
    chosen = test.variant(variant)
    if chosen is None:
        names = [of.name for of in test.variants]
        raise Invalid("variant", "must be one of {allowed}", allowed=names)
    sending = replace(test, rest=Rest(variant, member, now), phase=Phase.SENDING)
    return _go_on(world, stored, sending, door)


def cancel(
    world: World, id: str, version: int | None, door: Door, *, withdraws: bool
) -> StoredRequest:
    """End a test without a decision. What waits is not sent, and nothing goes to the rest."""
    stored = at_version(get(world, id), version)
    test = ab_test_of(stored)
    if test.phase in (Phase.STARTING, Phase.SENDING):
        raise BeingSent("id")
    if test.phase is not Phase.RUNNING:
        raise NotWaiting("id", state=test.phase.value)
    cancelling = replace(test, withdraws=withdraws, phase=Phase.CANCELLING)
    return _go_on(world, stored, cancelling, door)


def _go_on(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    """Store what a member wants of a test, with its wake-up, and do it."""
    after = stored.changed(ab_test=test, next=world.clock.now())
    keep.wake(world, after)
    world.stored.update(stored, after)
    return _advance(world, after, door)
