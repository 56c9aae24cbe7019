"""5. Put jobs on the queue of their channel type and priority."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind, TimersJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey, ChunkId, Entrants

JOB_DELIVERIES = 100  # where a provider takes few deliveries per call, a job has several calls


class OpenCall(NamedTuple):
    """A call that has no answer yet, with its members."""

    key: CallKey
    refs: tuple[DeliveryRef, ...]
    decided: int  # ms: when its list was frozen


def jobs(
    message: Message, chunk: Chunk, step: int, number: int, only: Container[CallKey] | None = None
) -> list[Envelope]:
    """The jobs of a frozen list that still have an open call, or one of these."""
    go = chunk.lists(step)[number]
    starts: dict[str, set[int]] = {}
    for call in open_calls(message, chunk, go):
        if only is None or call.key in only:
            starts.setdefault(call.key.channel, set()).add(call.key.start)
    return [
        job for code, wanted in starts.items() for job in _jobs_of(message, chunk, go, code, wanted)
    ]


def _jobs_of(
    message: Message, chunk: Chunk, go: Entrants, code: str, wanted: set[int]
) -> Iterator[Envelope]:
    length = len(chunk.plan.deliveries(code, go.members))
    width = job_size(message.call_sizes[code])
    for start in range(0, length, width):
        end = min(start + width, length)
        if any(start <= at < end for at in wanted):
            yield job_of(message, chunk.plan.id, CallKey(go.step, go.number, code, start), end)


def job_of(message: Message, at: ChunkId, first: CallKey, end: int) -> Envelope:
    """The job of the calls from this one up to a position in their list."""
    code = first.channel
    job = DeliverJob(at.msgid, at.chunk, first.step, first.number, code, first.start, end)
    return Envelope(
        job,
        message.priority,
        message.channels[code],
        message.channel_key,
        worker=message.workers.get(code, ""),
    )


def check_now(message: Message, at: ChunkId, now: int) -> Envelope:
    """Have a chunk looked at without waiting for its timer: somebody goes on at once."""
    look = Timer(now, TimerKind.CHECK, at, message.priority)
    return Envelope(TimersJob((look,)), message.priority, None, message.channel_key)


def job_size(call_size: int) -> int:
    """Deliveries of a job: whole calls."""
    return call_size * max(1, JOB_DELIVERIES // call_size)


def open_calls(message: Message, chunk: Chunk, go: Entrants) -> Iterator[OpenCall]:
    """The calls of a list that were not answered. Each range has one at a time: what an answer put off is the next attempt."""
    for code in message.codes_of(go.step):
        refs = chunk.plan.deliveries(code, go.members)
        size = message.call_sizes[code]
        for start in range(0, len(refs), size):
            found = open_call(
                chunk,
                CallKey(go.step, go.number, code, start),
                refs[start : start + size],
                go.time,
            )
            if found is not None:
                yield found


def open_call(
    chunk: Chunk, key: CallKey, refs: tuple[DeliveryRef, ...], decided: int
) -> OpenCall | None:
    while (answer := chunk.answers.get(key)) is not None:
        key, refs = key._replace(attempt=key.attempt + 1), answer.later
    return OpenCall(key, refs, decided) if refs else None
