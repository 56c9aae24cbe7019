"""Carry out A/B tests: start their messages, measure them at their ends, decide, send to the rest.

A test is a stored request. Each step returns its next version, with the time of the next step. So
a step that is done twice, or by two at once, counts once. The messages of a test have idempotency
keys, so that a repeat finds them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.errors import (
    AccessChannelClosed,
    NotFound,
    Stale,
    TooLateToWithdraw,
    WithdrawnAlready,
)
from chalicelib.domain.messages import AB_TEST, Message
from chalicelib.domain.rules.ab_tests import (
    OPTION,
    AbTest,
    Failure,
    Figures,
    Phase,
    Split,
    Variant,
    figures,
    overlaid,
    same_time,
)
from chalicelib.domain.rules.reviews import Review
from chalicelib.domain.stored_requests import Form, State, StoredRequest, Written
from chalicelib.flow import keep, tally, withdraw
from chalicelib.flow.requests import SendRequest
from chalicelib.flow.schedules import Door
from chalicelib.flow.submit import submit
from chalicelib.observability import log
from chalicelib.ports import IdempotencyKey, World

ROUNDS = 20  # of one wake-up: a step each, or a change by somebody else meanwhile
DAY = 86_400_000
RESULT_DAYS = 400  # for which the result of a test is kept
# Ms after which a message of a test is not sent any more. Its idempotency key is known for a day.
LATE = 23 * 3_600_000
SLOTS = 5  # of the clock, in which chunks are surely counted once more
REST = "rest"
SOON = 60_000  # ms after which a message that is being sent is looked at again


def advance(world: World, stored: StoredRequest, door: Door) -> StoredRequest:
    """Carry out what is due of a test, and return it. A repeat sends nothing twice."""
    for _ in range(ROUNDS):
        test = stored.ab_test
        if test is None or not stored.is_due(world.clock.now()):
            break
        after = _STEPS[test.phase](world, stored, test, door)
        if after.waits:
            keep.wake(world, after)
        try:
            world.stored.update(stored, after)
        except Stale:
            stored = world.stored.get(stored.id) or replace(stored, ab_test=None)
            continue
        phase = after.ab_test.phase.value if after.ab_test else ""
        log.info("ab_test_advanced", extra={"id": stored.id, "phase": phase})
        stored = after
    return stored


def ab_test_of(stored: StoredRequest) -> AbTest:
    """Return the A/B test that a stored request is."""
    if stored.ab_test is None:
        raise TypeError("this request is not an A/B test")
    return stored.ab_test


# -- messages of a test


class Part(NamedTuple):
    """A message of a test that is to be accepted.

    `once` names it within the test. `since` is the time (ms) from which it was due.
    """

    variant: str
    split: Split
    once: str
    since: int


def body_of(stored: StoredRequest, variant: str) -> dict[str, Any]:
    """Return the body of a variant's send."""
    body = stored.written.body
    return overlaid(body["message"], body["variants"].get(variant, {}))


def request_of(
    stored: StoredRequest, part: Part, read: Callable[[StoredRequest], SendRequest]
) -> SendRequest:
    """Return the send of a part of the audience, as it is stored if it must wait."""
    form = Form.BROADCAST if stored.written.body["broadcast"] else Form.SEND
    body = body_of(stored, part.variant)
    request = read(replace(stored, written=stored.written._replace(form=form, body=body)))
    option = {name: of for name, of in body.get(OPTION, {}).items() if name != "schedule"}
    written = Written(form, {**body, OPTION: option}, *stored.written[2:])
    name = request.name or f"{stored.name} ({part.variant})"
    request = replace(request, written=written, split=part.split, name=name)
    return replace(request, origin=AB_TEST, sender=written.member)


def _accept(
    world: World, stored: StoredRequest, part: Part, door: Door, review: Review | None = None
) -> tuple[str, Failure | None]:
    """Accept a message once, and return its id, or why there is none.

    `review`: the one that has approved its content.
    """
    if world.clock.now() > part.since + LATE:
        return "", Failure("missed")
    name = keys.join("once", stored.channel_key, "ab-test", f"{stored.id}@{part.once}")
    key = IdempotencyKey(name, stored.id)
    try:
        access = world.settings.access_channel(stored.channel_key)
        if access is None or not access.enabled:
            raise AccessChannelClosed("channel_key")
        request = request_of(stored, part, lambda of: door.read(access, of))
        if part.once != REST:
            return submit(world, request, key), None
        return _accept_rest(world, request, key, review), None
    except door.refusals as error:
        return "", Failure("refused", *door.explain(error))


def _accept_rest(
    world: World, request: SendRequest, key: IdempotencyKey, review: Review | None
) -> str:
    """Accept the message to the rest: now, or at the time of the day of its variant."""
    if request.timing is None:
        return submit(world, replace(request, approved=review is not None), key)
    request = replace(request, timing=same_time(request.timing, world.clock.now()))
    if review is None:
        return submit(world, request, key)
    return keep.add(world, replace(keep.make(world, request, None), review=review), key)


def message_of(world: World, msgid: str) -> Message | StoredRequest | None:
    """Return the message of a variant, or the stored request that has not become one."""
    message = world.messages.get(msgid) if msgid else None
    request = world.stored.get(msgid) if msgid and message is None else None
    if request is None or not request.became:
        return message or request
    return world.messages.get(request.became)


# -- steps


def _start(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    started: list[Variant] = []
    for variant in test.variants:
        split = test.split(stored.id, variant.name)
        part = Part(variant.name, split, f"variant@{variant.name}", stored.created)
        msgid, failure = _accept(world, stored, part, door)
        started.append(replace(variant, msgid=msgid, failure=failure))
    running = replace(test, variants=tuple(started), phase=Phase.RUNNING)
    return _measure(world, stored, running, door)


def _measure(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    """Measure the variants whose end has come. Decide when all of them have been measured."""
    looks = [_look(world, test, variant) for variant in test.variants]
    test = replace(test, variants=tuple(variant for variant, _ in looks))
    times = [at for variant, at in looks if not variant.is_over]
    if times:
        return stored.changed(ab_test=test, next=min(times))
    return _settled(world, stored, test.decided(world.clock.now()))


def _look(world: World, test: AbTest, variant: Variant) -> tuple[Variant, int]:
    """Return a variant, measured if its end has come, or when (ms) to look again."""
    now, length = world.clock.now(), test.minutes * 60_000
    if variant.is_over:
        return variant, now
    message = message_of(world, variant.msgid)
    if isinstance(message, StoredRequest) and message.waits:
        # What is not sent yet cannot end before.
        is_set = message.timing is not None and message.state is State.PENDING
        return variant, (max(now, message.next) if is_set else now) + length
    if not isinstance(message, Message):
        return replace(variant, failure=_failure(message)), now
    if now < message.starts + length:
        return variant, message.starts + length
    if world.messages.withdrawn(message.msgid) is not None:
        return replace(variant, failure=Failure("withdrawn")), now
    if not tally.is_counted_on_request(message):
        wait = SLOTS * world.limits.clock_width * 1000
        if not variant.recounted:
            tally.recount_soon(world, message)
            return replace(variant, recounted=now), now + wait
        if now < variant.recounted + wait:
            return variant, variant.recounted + wait
    return replace(variant, figures=figures_of(world, message), measured=now), now


def figures_of(world: World, message: Message) -> Figures:
    """Return the figures of a variant by its message, as they are now."""
    counts = tally.counts_of(world, message)
    return figures(counts.users, counts.user_losses)


def _failure(request: StoredRequest | None) -> Failure:
    if request is None:
        return Failure("deleted")
    last = request.last
    return Failure(last.outcome, last.code, last.reason) if last else Failure(request.state)


def _send_rest(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    rest = test.rest
    variant = test.variant(rest.variant) if rest else None
    if rest is None or variant is None:
        raise TypeError("a test that sends to the rest knows a variant")
    split = test.split_of_rest(stored.id, rest.variant)
    part = Part(rest.variant, split, REST, rest.time)
    msgid, failure = _accept(world, stored, part, door, _approval(world, stored, variant))
    after = replace(
        test,
        rest=rest._replace(msgid=msgid, failure=failure),
        phase=Phase.DECIDED if failure else Phase.SENT,
    )
    return _settled(world, stored, after)


def _approval(world: World, stored: StoredRequest, variant: Variant) -> Review | None:
    """Return the review that has approved a variant. It counts for the rest, too."""
    access = world.settings.access_channel(stored.channel_key)
    if access is None or "reviews" not in access.rules:
        return None
    request = world.stored.get(variant.msgid)
    review = request.review if request else None
    return review if review is not None and review.approved else None


def _cancel(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    """Cancel the messages that wait, and take the others back if that was asked for."""
    messages = [message_of(world, variant.msgid) for variant in test.variants]
    for message in messages:
        if isinstance(message, StoredRequest) and message.waits:
            if message.is_due(world.clock.now()) or not _is_cancelled(world, message):
                return stored.changed(next=world.clock.now() + SOON)
        elif isinstance(message, Message) and (test.withdraws or _is_held(world, message)):
            try:
                withdraw.withdraw(world, stored.channel_key, message.msgid)
            except (NotFound, TooLateToWithdraw, WithdrawnAlready) as error:
                log.info("variant_not_withdrawn", exc_info=error, extra={"id": stored.id})
    return _settled(world, stored, replace(test, phase=Phase.CANCELLED))


def _is_held(world: World, message: Message) -> bool:
    """Tell if nothing of a message has left, since a rule holds it."""
    return message.hold is not None and world.clock.now() < message.starts


def _is_cancelled(world: World, request: StoredRequest) -> bool:
    """Cancel a request that waits. Return False if somebody else changed it meanwhile."""
    expires = keep.kept_until(world, request.channel_key)
    try:
        world.stored.update(request, request.changed(state=State.CANCELLED, expires=expires))
    except Stale:
        return False
    return True


def _settled(world: World, stored: StoredRequest, test: AbTest) -> StoredRequest:
    """Return a test that goes on at once, or has its bodies until its messages expire."""
    now = world.clock.now()
    if test.phase is Phase.SENDING:
        return stored.changed(ab_test=test, next=now)
    return stored.changed(ab_test=test, next=keep.kept_until(world, stored.channel_key) * 1000)


def _end(world: World, stored: StoredRequest, test: AbTest, door: Door) -> StoredRequest:
    """Delete the bodies. The result stays."""
    expires = (world.clock.now() + RESULT_DAYS * DAY) // 1000
    written = stored.written._replace(body={})
    return stored.changed(state=State.DONE, written=written, expires=expires)


_Step = Callable[[World, StoredRequest, AbTest, Door], StoredRequest]
_STEPS: Mapping[Phase, _Step] = {
    Phase.STARTING: _start,
    Phase.RUNNING: _measure,
    Phase.SENDING: _send_rest,
    Phase.CANCELLING: _cancel,
    **dict.fromkeys((Phase.DECIDED, Phase.SENT, Phase.CANCELLED), _end),
}
