"""12. Write the raw facts of messages as files, for other programs. It is off by default.

A file is written anew from the facts whenever these have grown, some hours or days later. Its tag
is read before the facts, and it is put only if it has this tag still. So whatever ends, repeats or
comes late, a file has each fact once and never loses one.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack

from chalicelib.domain import fact_files, keys, notes
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import Unavailable
from chalicelib.domain.fact_files import CHUNKS, FactRow
from chalicelib.domain.figures import QUARTER
from chalicelib.domain.jobs import FactsJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.flow import days
from chalicelib.ports import World
from chalicelib.ports.fact_files import FactDraft

ROUNDS = 20  # in which others may be faster
EARLY = 1200_000  # ms before the end of a unit's facts, in which a sweep and a job have time


def changing(world: World, units: Mapping[ChunkId, int]) -> None:
    """Set the timers that write the files of units, before it is stored that facts were counted.

    The older the unit, the longer its facts wait: an hour, or a day, as the sums of days do.
    `units` has the times (ms) at which their facts end. A file is written shortly before.
    """
    if not world.fact_files.is_on:
        return
    now = world.clock.now()
    soonest = now + 2 * world.limits.clock_width * 1000
    short, long = (delay * 1000 for delay in world.limits.recount_delays[-2:])
    timers = []
    for unit, ends in sorted(units.items()):
        delay = short if now - _begin(unit) < 3 * short else long
        at = min((soonest // delay + 1) * delay, max(soonest, ends - EARLY))
        timers.append(Timer(at, TimerKind.FACTS, unit, Priority.LOW))
    world.timers.set(timers, punctual=False)


def write(world: World, job: FactsJob) -> None:
    """Write the files of a unit anew. Raises Unavailable if others were faster in every round."""
    unit = ChunkId(job.msgid, job.number)
    seen = {_day(world, _begin(unit))}  # days of which the unit may have a file
    for _ in range(ROUNDS):
        etags = {day: world.fact_files.etag(fact_files.name_of(unit, day)) for day in sorted(seen)}
        with ExitStack() as stack:
            drafts = _drafts(world, unit, stack)
            if drafts is None:
                return
            late = [
                day
                for day, draft in sorted(drafts.items())
                if not draft.put(fact_files.name_of(unit, day), etags.get(day, ""))
            ]
        if not late:
            return
        seen.update(late)
    raise Unavailable("fact_files_busy")


def _begin(unit: ChunkId) -> int:
    return keys.message_time(unit.msgid) if unit.msgid else unit.number * QUARTER


def _day(world: World, time: int) -> str:
    """Return the day of a time, in the deployment's zone."""
    number = days.day_of(world.limits, time)
    return (dt.date(1970, 1, 1) + dt.timedelta(days=number)).isoformat()


def _drafts(world: World, unit: ChunkId, stack: ExitStack) -> dict[str, FactDraft] | None:
    """Gather the rows of a unit by day. Return None where the facts are no longer complete."""
    drafts: dict[str, FactDraft] = {}
    message = world.messages.get(unit.msgid) if unit.msgid else None
    if unit.msgid and message is None:
        return None
    rows = _of_part(world, message, unit.number) if message else _of_quarter(world, unit.number)
    for day, some in rows:
        if day not in drafts:
            drafts[day] = stack.enter_context(world.fact_files.draft())
        drafts[day].add(some)
    # Facts expire after this time, so all that were read before are there.
    ends = message.expires * 1000 if message else _begin(unit) + notes.COUNTED * 1000
    return drafts if world.clock.now() < ends else None


def _of_quarter(world: World, quarter: int) -> Iterator[tuple[str, Iterable[FactRow]]]:
    """Yield the rows of messages that were accepted in a quarter of an hour, block by block."""
    for block in fact_files.blocks_of(quarter):
        for known in notes.gathered(world.notes.of_block(block)).messages:
            message = known.message
            yield _day(world, message.accepted), [fact_files.of_message(message)]
            for chunk in known.chunks:
                yield _day(world, message.starts), fact_files.of_chunk(message, chunk)


def _of_part(world: World, message: Message, part: int) -> Iterator[tuple[str, Iterable[FactRow]]]:
    """Yield the rows of some chunks of a large message, partition by partition."""
    day = _day(world, message.starts)
    for first in message.first_chunks:
        begin, apart = part * CHUNKS, message.audience.partitions
        at = begin + (first - begin) % apart
        while at < begin + CHUNKS:
            chunk = world.ledger.chunk(ChunkId(message.msgid, at), message)
            if chunk is None:
                break
            yield day, fact_files.of_chunk(message, chunk)
            at = message.chunk_after(at)
