"""5. Put jobs on the queue of their channel type and priority."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import replace

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind, TimersJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey, ChunkId, Entrants
from chalicelib.domain.rules.personal import calls
from chalicelib.domain.values import frozen

JOB_DELIVERIES = 100  # where a provider takes few deliveries per call, a job has several calls
ALL_DELIVERIES = 1_000_000  # the end of a job that has all contacts of its person


@frozen
class OpenCall:
    """A call that has no answer yet, with its members."""

    key: CallKey
    refs: tuple[DeliveryRef, ...]
    decided: int  # ms: when its entrants were frozen
    tries: int = 0  # answers that put its deliveries off

    @property
    def end(self) -> int:
        """The position behind the call, for a job that makes this call alone."""
        return self.key.start + len(self.refs)


def jobs(
    message: Message, chunk: Chunk, step: int, number: int, only: Container[CallKey] | None = None
) -> list[Envelope]:
    """Build the jobs of frozen entrants that still have an open call, or one of `only`."""
    entrants = chunk.entrants_of(step)[number]
    starts: dict[str, set[int]] = {}
    for call in open_calls(message, chunk, entrants):
        if only is None or call.key in only:
            starts.setdefault(call.key.channel, set()).add(call.key.start)
    envelopes: list[Envelope] = []
    for code, open_starts in starts.items():
        envelopes += _jobs_of(message, chunk, entrants, code, open_starts)
    return envelopes


def _jobs_of(
    message: Message, chunk: Chunk, entrants: Entrants, code: str, open_starts: set[int]
) -> Iterator[Envelope]:
    for start, end in _job_ranges(message, chunk, entrants, code):
        if any(start <= open_start < end for open_start in open_starts):
            first = CallKey(entrants.step, entrants.number, code, start)
            yield job_of(message, chunk.plan.id, first, end)


def _job_ranges(
    message: Message, chunk: Chunk, entrants: Entrants, code: str
) -> Iterator[tuple[int, int]]:
    """Yield where the jobs of a list begin and end: whole calls, together no more than fit."""
    start = end = 0
    for refs in _calls(message, chunk, entrants, code):
        if end > start and end + len(refs) - start > JOB_DELIVERIES:
            yield start, end
            start = end
        end += len(refs)
    if end > start:
        yield start, end


def _calls(
    message: Message, chunk: Chunk, entrants: Entrants, code: str
) -> Iterator[Sequence[DeliveryRef]]:
    """Yield the deliveries of each call of a list, in the order of their ranges."""
    plan, size = chunk.plan, message.call_sizes[code]
    refs = plan.deliveries(code, entrants)
    return calls(refs, size, plan.values, message.personal.get(code))


def job_of(message: Message, at: ChunkId, first: CallKey, end: int) -> Envelope:
    """Build the job of the calls from `first` up to a position in their list."""
    code = first.channel
    job = DeliverJob(at.msgid, at.number, first.step, first.number, code, first.start, end)
    return Envelope(
        job,
        message.priority,
        message.channels[code],
        message.channel_key,
        worker=message.workers.get(code, ""),
    )


def first_job(message: Message) -> Envelope:
    """Build the job of an unplanned message. It plans its person, and makes the first calls."""
    (code,), (userid,) = message.codes_of(0), message.userids
    at, first = ChunkId(message.msgid, 0), CallKey(0, 0, code, 0)
    envelope = job_of(message, at, first, ALL_DELIVERIES)
    job = DeliverJob(at.msgid, 0, 0, 0, code, 0, ALL_DELIVERIES, userid=userid)
    return replace(envelope, job=job)


def check_now(message: Message, at: ChunkId, now: int) -> Envelope:
    """Build a job that checks a chunk now: a target goes on without waiting for the timer."""
    timer = Timer(now, TimerKind.CHECK, at, message.priority)
    return Envelope(TimersJob((timer,)), message.priority, None, message.channel_key)


def open_calls(message: Message, chunk: Chunk, entrants: Entrants) -> Iterator[OpenCall]:
    """Yield the calls that were not answered, in the order of their ranges.

    Deliveries that an answer put off are the next attempt, in one call or several.
    """
    for code in message.codes_of(entrants.step):
        start = 0
        for refs in _calls(message, chunk, entrants, code):
            key = CallKey(entrants.step, entrants.number, code, start)
            yield from _unanswered(chunk, OpenCall(key, tuple(refs), entrants.time))
            start += len(refs)


def is_unmade(chunk: Chunk, call: OpenCall) -> bool:
    """Tell if a call has a delivery that has not ended."""
    return not all(chunk.state_of(ref).ended for ref in call.refs)


def open_calls_of_all_steps(message: Message, chunk: Chunk) -> Iterator[OpenCall]:
    for step in range(len(message.strategy.steps)):
        for entrants in chunk.entrants_of(step):
            yield from open_calls(message, chunk, entrants)


def _unanswered(chunk: Chunk, call: OpenCall) -> Iterator[OpenCall]:
    """Yield the call, or the calls that its deliveries went on in, down to those without answer."""
    answer = chunk.answers.get(call.key)
    if answer is None:
        yield call
        return
    for key, refs, is_tried in answer.next_calls:
        yield from _unanswered(chunk, OpenCall(key, refs, call.decided, call.tries + is_tried))
