"""Receipts of channels whose provider is asked for them, instead of posting them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from chalicelib import observability
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel, Priority, ReceiptMode
from chalicelib.domain.errors import Misconfigured, ProviderError
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import Envelope, PollJob, Timer, TimerKind
from chalicelib.domain.provider_io import Capabilities, ProviderIds, Receipt, Reply
from chalicelib.flow import receipts, validity
from chalicelib.flow.delivery.sessions import connect
from chalicelib.ports import World

log = logging.getLogger("openums")

SHORTEST = 30
EVERY = 60  # seconds between two starts
NEARLY_FULL = 400  # reports in one answer after which there is surely more to ask for
STORE_AGAIN = (1.0, 2.0, 4.0)  # seconds between tries to store what was told
POLL_AGAIN = 6  # seconds: a provider may allow one such question in five


def start(world: World) -> None:
    """Every minute: one job per channel whose provider hands out all receipts of an account at once, while some may be open.

    A channel on which nothing is sent any more is asked ever more seldom, and then no more.
    """
    polled = [
        c
        for c in world.settings.channels()
        if is_polled_as_a_whole(world, c) and not validity.not_served(world, _able(world, c))
    ]
    since = world.lookups.expected([c.code for c in polled]) if polled else {}
    now = world.clock.now()
    due = [
        c for c in polled if c.code in since and _is_due(world, c, (now - since[c.code]) // 1000)
    ]
    world.queues.send([Envelope(PollJob(c.code), Priority.HIGH, c.type, c.code) for c in due])


def is_polled_as_a_whole(world: World, channel: Channel) -> bool:
    return (
        channel.receipts is ReceiptMode.POLL
        and _able(world, channel).provider_ids is ProviderIds.PER_RECIPIENT
    )


def _is_due(world: World, channel: Channel, age: int) -> bool:
    """In every minute for ten minutes after the last submission, then in every second one, third one …, until the window ends."""
    able = _able(world, channel)
    minute = max(age, 0) // 60
    return (
        able.poll_first <= age + EVERY
        and age < able.poll_window
        and minute % (minute // 10 + 1) == 0
    )


def _able(world: World, channel: Channel) -> Capabilities:
    return world.providers.of(channel.platform).capabilities


def poll_channel(world: World, job: PollJob) -> None:
    channel = world.settings.channel(job.channel)
    if channel is None or channel.receipts is not ReceiptMode.POLL:
        return
    with connect(world, channel) as session:
        found = session.poll({})
        _record(world, channel, found)
    if len(found) >= NEARLY_FULL:
        world.queues.send([Envelope(job, Priority.HIGH, channel.type, channel.code, POLL_AGAIN)])


def _record(world: World, channel: Channel, found: Sequence[Receipt | Reply]) -> None:
    """What fails is done again after a while, since most accounts tell everything only once. Repeating it changes nothing."""
    for pause in (*STORE_AGAIN, None):
        try:
            receipts.record(
                world, channel.code, [each for each in found if isinstance(each, Receipt)]
            )
            receipts.record_replies(
                world, channel.code, [each for each in found if isinstance(each, Reply)]
            )
            return
        except Exception as error:
            if pause is None:
                raise
            log.warning(
                "reports_not_stored",
                exc_info=error,
                extra={"channel": channel.code, "reports": len(found)},
            )
            world.clock.sleep(pause)


def poll_chunk(world: World, timer: Timer) -> None:
    """Ask for a chunk's open deliveries, and again later while there are any: ever more seldom, until nobody would answer."""
    channel, message = world.settings.channel(timer.channel), world.messages.get(timer.chunk.msgid)
    chunk = world.ledger.chunk(timer.chunk) if message else None
    if channel is None or message is None or chunk is None:
        return
    answers = [
        a for a in chunk.answers.values() if a.key.channel == channel.code and _awaited(chunk, a)
    ]
    asked = {a.provider_id: _awaited(chunk, a) for a in answers}
    if not asked:
        return
    now = world.clock.now()
    age = (
        now - max(a.time for a in answers)
    ) // 1000  # a step may be sent days after its message was accepted
    is_last = age >= _able(world, channel).poll_window
    if not is_last:  # before the provider is asked: one that fails now is asked again
        again = now + max(SHORTEST, age // 2) * 1000
        world.timers.set([Timer(again, TimerKind.POLL, timer.chunk, timer.priority, timer.channel)])
    try:
        with connect(world, channel) as session:
            _record(world, channel, session.poll(asked))
    except ProviderError as error:
        if is_last:
            raise
        # Not raised: the job would come again by itself, and set another timer each time.
        log.warning("poll_failed", extra={"channel": channel.code, "code": error.code})
        if isinstance(error, Misconfigured):
            observability.metric("channel_misconfigured")


def _awaited(chunk: Chunk, answer: CallAnswer) -> list[str]:
    """The contacts of a call that nothing is known of since their submission."""
    submitted = [f.ref for f in answer.facts if f.kind is FactKind.SUBMITTED]
    return [
        chunk.plan.contact(p)
        for p in submitted
        if not chunk.of(p).delivered and not chunk.of(p).has(FactKind.DELIVERY_FAILED)
    ]
