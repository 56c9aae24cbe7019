"""9. Recount the chunks that changed.

Counts are replaced, never incremented, so nothing is counted twice or missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.funnel import Counts, count, total
from chalicelib.domain.jobs import Timer, TimerKind
from chalicelib.domain.messages import CHUNK_TARGETS, Message
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import figures
from chalicelib.flow.figures import Counted
from chalicelib.flow.messages import read_together
from chalicelib.flow.timers import do_in_time
from chalicelib.ports import Limits, World

LIVE_TARGETS = CHUNK_TARGETS  # a message of so many targets is counted on request


def changed(world: World, starts: Mapping[ChunkId, int]) -> None:
    """Set a recount timer for each of these chunks, which have new facts.

    A chunk has one recount per slot. The older its message, the longer the slot, so the later the
    recount. `starts`: when (ms) the hold or review of a chunk's message ended, 0 without one.
    """
    now = world.clock.now()
    world.timers.set([_timer(chunk, starts[chunk], now, world.limits) for chunk in sorted(starts)])


def _timer(chunk: ChunkId, start: int, now: int, limits: Limits) -> Timer:
    age = now - (start or keys.message_time(chunk.msgid))
    # A chunk is counted about three times within the time that a delay serves.
    serving = (delay for delay in limits.recount_delays if age < 3 * delay * 1000)
    delay = next(serving, limits.recount_delays[-1]) * 1000
    # Sooner, the clock would move the last changes of a slot to slots of their own.
    soonest = now + 2 * limits.clock_width * 1000
    return Timer((soonest // delay + 1) * delay, TimerKind.RECOUNT, chunk, Priority.LOW)


def recount(world: World, timers: Sequence[Timer]) -> None:
    """Count chunks anew, and add the changes of all counts to the figures together.

    Chunks for which no time is left are counted by a job of their own.
    """
    counted: list[Counted] = []
    messages, _ = read_together(world, [timer.chunk.msgid for timer in timers]) or ({}, {})

    def count_one(timer: Timer) -> None:
        at = timer.chunk
        message = messages.get(at.msgid) or world.messages.get(at.msgid)
        _recount(world, message, at, counted)

    do_in_time(world, count_one, timers, lambda: figures.count_chunks(world, counted))


def recount_chunk(world: World, at: ChunkId) -> Counts | None:
    """Count a chunk anew. Return None when its history has expired."""
    counted: list[Counted] = []
    counts = _recount(world, world.messages.get(at.msgid), at, counted)
    figures.count_chunks(world, counted)
    return counts


def _recount(
    world: World, message: Message | None, at: ChunkId, counted: list[Counted]
) -> Counts | None:
    """Count a chunk from one consistent reading, and replace its counts. Add it to the list."""
    chunk = world.ledger.chunk(at, message) if message else None
    if message is None or chunk is None:
        return None
    counts = count(message, chunk)
    world.messages.put_counts(at, counts, message.expires)
    counted.append(Counted(message, chunk, counts))
    return counts


def counts_of(world: World, message: Message) -> Counts:
    """Return the counts of a message: counted now where it is small, otherwise as stored."""
    if is_counted_on_request(message):
        return live(world, message)
    return total(world.messages.counts(message.msgid).values())


def is_counted_on_request(message: Message) -> bool:
    return not message.audience.is_scanned and len(message.userids) <= LIVE_TARGETS


def recount_soon(world: World, message: Message) -> None:
    """Have each chunk of a message counted once more, in its next slots. A repeat is harmless."""
    soonest = world.clock.now() + 2 * world.limits.clock_width * 1000
    chunks = [ChunkId(message.msgid, number) for number in world.messages.counts(message.msgid)]
    world.timers.set([Timer(soonest, TimerKind.RECOUNT, chunk, Priority.LOW) for chunk in chunks])


def live(world: World, message: Message) -> Counts:
    """Count a message now, from its ledger. Every chunk is read."""
    counts: list[Counts] = []
    for first in message.first_chunks:
        number: int | None = first
        while number is not None:
            chunk = world.ledger.chunk(ChunkId(message.msgid, number), message)
            if chunk is None:
                break
            counts.append(count(message, chunk))
            number = message.chunk_after(number) if chunk.plan.next is not None else None
    return total(counts)
