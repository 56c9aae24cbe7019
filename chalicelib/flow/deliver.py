"""6. Call the provider for the deliveries of a job, and do what follows from its answers.

Everything here is safe to repeat at any point. Calls that were answered are not made again
(delivery/calls.py), and what follows from an answer is the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial

from chalicelib.domain import elements
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel
from chalicelib.domain.errors import Rejected, TooEarly
from chalicelib.domain.facts import FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import CallKey
from chalicelib.domain.provider_io import Capabilities
from chalicelib.domain.values import frozen
from chalicelib.flow import first, third_party, withdraw
from chalicelib.flow.delivery import ahead, early, expiry, files, permits, quota, rate
from chalicelib.flow.delivery.budget import Budget
from chalicelib.flow.delivery.calls import Caller, ClaimedBefore
from chalicelib.flow.delivery.postponed import MAX_DELAY, PAUSE, Postponed
from chalicelib.flow.delivery.rate import Resume, Turns
from chalicelib.flow.dispatch import OpenCall, check_now, is_unmade, open_calls
from chalicelib.flow.follow_up import FollowUp
from chalicelib.flow.outbox import Outbox
from chalicelib.flow.recording import Part, Recorder
from chalicelib.flow.rules import counted
from chalicelib.observability import measure
from chalicelib.ports import World


def deliver(world: World, job: DeliverJob) -> None:
    """Make the calls of a job that are not answered yet. Safe to repeat at any point."""
    batch, failures = Batch(world, [job]), list[Exception]()
    try:
        batch.deliver(world, job)
    except Exception as error:  # noqa: BLE001 raised when the answers are recorded
        failures.append(error)
    for failure in [*failures, *batch.end().values()]:
        raise failure


class Batch:
    """The jobs that a worker got at once. They read messages and write records together."""

    def __init__(self, world: World, jobs: Sequence[DeliverJob] = ()) -> None:
        self._recorder, self._turns, self._outbox = Recorder(world), Turns(jobs), Outbox(world)
        self._with_turns = ahead.take_turns(world, jobs, self._turns)
        taken = (self._with_turns.get(job, job) for job in jobs)
        self._readings = early.read(world, [job for job in taken if not ahead.waits(world, job)])

    def deliver(self, world: World, job: DeliverJob, name: str = "") -> None:
        """Make the calls of a job. Its name tells it from the others."""
        self._recorder.write_in_time(world)
        self._outbox.flush_in_time(world.clock.now())
        world, job = self._outbox.of(world, name), self._with_turns.get(job, job)
        self._turns.begin(job)
        channel = world.settings.channel(elements.channel_of(job.channel))
        if channel is not None and ahead.waits(world, job):
            ahead.put_back(world, job, channel)
            return
        message = self._readings.messages.get(job.msgid) or early.message_of(world, job)
        if message is None or channel is None:
            early.come_back(world, job, channel, message)
            return
        if permits.is_slow(world, message, channel):
            self._recorder.write()
        part = partial(self._recorder.part, name)
        unread = first.unread_chunk(world, job, message, self._readings)
        if unread is not None:
            with suppress(ClaimedBefore):
                if not first.has_nobody(world, message, unread):
                    _deliver(world, job, message, channel, unread, part, self._turns)
                return
            self._recorder.write()  # a job of this batch may have claimed it
        chunk = first.read_chunk(world, job, message)
        if chunk is None:
            early.come_back(world, job, channel)
        else:
            _deliver(world, job, message, channel, chunk, part, self._turns)

    def unbegun(self, world: World, job: DeliverJob) -> DeliverJob:
        """Return a job that another worker begins, with a turn that this batch has for it."""
        return self._turns.leave(world, self._with_turns.get(job, job))

    def end(self) -> Mapping[str, Exception]:
        """Record the rest. Return the errors of jobs that must come back, by name."""
        failed = self._recorder.end()
        return {**failed, **self._outbox.flush()}


NewPart = Callable[[FollowUp, int], Part]


def _deliver(
    world: World,
    job: DeliverJob,
    message: Message,
    channel: Channel,
    chunk: Chunk,
    part: NewPart,
    turns: Turns,
) -> None:
    at, lists = chunk.plan.id, chunk.entrants_of(job.step)
    if job.number >= len(lists):
        raise TooEarly("the job's list is not there yet")
    calls = [
        call for call in open_calls(message, chunk, lists[job.number]) if _covers(job, call.key)
    ]
    if chunk.withdrawn is not None:
        withdraw.stop(world, message, chunk, calls)
        counted.settle(world, message, at, (ref.target for call in calls for ref in call.refs))
        calls = []
    elif not message.has_clock and expiry.expire(world, message, chunk, calls):
        world.queues.send([check_now(message, at, world.clock.now())])
        calls = expiry.in_time(world, chunk, calls)
    with permits.of_channel(world, message, channel) as seconds:
        work = _Work(world, job, message, channel, chunk, seconds, part, turns)
        is_paused = channel.paused and any(is_unmade(chunk, call) for call in calls)
        if not calls or (seconds and not is_paused):
            _run(work, calls)
        else:
            delay = PAUSE if is_paused else permits.delay(world)
            work.requeue((), work.wait(calls, Postponed(delay, fetches=job.fetches)))


def _covers(job: DeliverJob, key: CallKey) -> bool:
    is_of_list = (key.step, key.number, key.channel) == (job.step, job.number, job.channel)
    return is_of_list and job.start <= key.start < job.end


def _run(work: _Work, calls: Sequence[OpenCall]) -> None:
    """Reserve quota, limit the rate, make the calls, follow up, and requeue the rest."""
    world, job, message, channel = work.world, work.job, work.message, work.channel
    # An earlier worker may have died right after it recorded an answer.
    recorded = [answer for answer in work.chunk.answers.values() if _covers(job, answer.key)]
    with quota.QuotaReservation(world, job, message, channel, work.chunk, calls) as reservation:
        work = replace(work, job=reservation.job)
        allowed, resume = rate.limit(
            world, work.job, message, channel, work.chunk, reservation.calls, work.turns
        )
        part = work.part(FollowUp(world, work.job, message, channel, work.chunk), len(allowed))
        made = work.make(allowed, resume, part)
        reservation.consume(made.consumed)
        _measure(job, message, made.answers)
        part.follow([*recorded, *made.answers])
        if made.failure is not None:
            raise made.failure
        work.requeue(made.resend, made.resume)
        reservation.consume(made.resumed_of(reservation.calls))


def _measure(job: DeliverJob, message: Message, answers: Iterable[CallAnswer]) -> None:
    """Note how long the calls of a first step took to get to their provider, in seconds."""
    for answer in answers if job.step == 0 else ():
        seconds = (answer.time - message.starts) / 1000
        measure("submitted_after", seconds, priority=str(message.priority.value))


@frozen
class Round:
    """One pass over the calls of a job.

    `resend` are jobs of single calls, and `resume` is the return of the job for the rest.
    `consumed` counts the deliveries that use up the reserved quota. A `failure` ended the pass.
    """

    answers: tuple[CallAnswer, ...]
    resend: tuple[Envelope, ...]
    resume: Resume | None
    consumed: int
    failure: Exception | None

    def resumed_of(self, calls: Iterable[OpenCall]) -> int:
        """Count the deliveries of these calls that the job comes back for."""
        if self.resume is None:
            return 0
        return sum(len(call.refs) for call in calls if call.key.start >= self.resume.start)


@frozen
class _Work:
    """One job: its calls in order over one connection, then what follows from their answers.

    `seconds`: those in which parts of it may begin.
    """

    world: World
    job: DeliverJob
    message: Message
    channel: Channel
    chunk: Chunk
    seconds: float
    part: NewPart
    turns: Turns

    @property
    def _capabilities(self) -> Capabilities:
        return self.world.providers.of(self.channel.platform).capabilities

    # -- make

    def make(self, calls: Sequence[OpenCall], resume: Resume | None, part: Part) -> Round:
        """Make the calls one by one, until one fails, time runs short or the quota is used up."""
        answers, resend, consumed, failure = list[CallAnswer](), list[Envelope](), 0, None
        try:
            with ExitStack() as opened:
                for call, result in self._results(opened, calls, part):
                    if isinstance(result, CallAnswer):
                        answers.append(result)
                        part.add(result)
                        resend += self._next_attempts(call, result)
                        consumed += len(call.refs) - _skipped(result)
                    elif isinstance(result, Resume) or result is None:
                        resume = result
                        break
                    else:
                        resend.append(result)
                        consumed += len(call.refs)
        except Exception as error:  # noqa: BLE001 raised by `_run`, which follows up first
            failure = error
        return Round(tuple(answers), tuple(resend), resume, consumed, failure)

    def _results(
        self, opened: ExitStack, calls: Sequence[OpenCall], part: Part
    ) -> Iterator[tuple[OpenCall, CallAnswer | Envelope | Resume | None]]:
        """Yield what became of each call: its answer, or a job of its own.

        The return of the job for this call and those behind it comes last. None: the chunk keeps
        them. The files are fetched before any call is claimed.
        """
        budget, caller = Budget(self.world, self._capabilities, self.seconds), None
        for n, call in enumerate(calls):
            try:
                if n and not budget.may_go_on:
                    raise Postponed(1, of_job=True)
                if caller is None:
                    of_job = (self.world, self.job, self.message, self.channel, self.chunk)
                    parts = self._refused() or files.fetch(*of_job[:3], budget)
                    budget.begin_calls()
                    caller = Caller(*of_job, opened, parts, budget, part.kept)
                answer = caller.make(call)
                if answer is not None:
                    yield call, answer
            except Postponed as wait:
                yield call, self._put_off(calls[n:], wait)

    def _refused(self) -> Rejected | None:
        """Return why the provider need not be asked, because it surely refuses every call."""
        content = self.message.contents[self.job.channel]
        return third_party.refused(self.world, self.channel, content)

    def _put_off(self, calls: Sequence[OpenCall], wait: Postponed) -> Envelope | Resume | None:
        """Return a job of the first call alone, so that the calls behind it need not wait for it.

        Where they all wait for the same, the job returns for all.
        """
        if wait.for_quota:
            quota.defer(self.world, self.job, self.message, self.channel, self.chunk, calls[0])
            return None
        if wait.of_job:
            return self.wait(calls, wait)
        job = replace(self._part(calls[0].key.start, calls[0].end), tries=self.job.tries + 1)
        return self._envelope(job, wait.delay)

    def wait(self, calls: Sequence[OpenCall], wait: Postponed) -> Resume:
        """Return the return of a job that has claimed none of these calls.

        A long wait is recorded, since no call's record tells of it.
        """
        until = self.world.clock.now() + round(wait.delay * 1000)
        rate.note_long_wait(self.world, self.job, self.message, self.chunk, calls, until)
        tries = self.job.tries + wait.is_try
        return Resume(calls[0].key.start, wait.delay, tries=tries, fetches=wait.fetches)

    def _next_attempts(self, call: OpenCall, answer: CallAnswer) -> list[Envelope]:
        """Build the jobs of what an answer put off. What was not tried yet need not wait."""
        return [
            self._envelope(
                self._part(key.start, key.start + len(refs)),
                2.0 ** (call.tries + 1) if is_tried else 1,
            )
            for key, refs, is_tried in answer.next_calls
        ]

    def _part(self, start: int, end: int) -> DeliverJob:
        part = replace(self.job, start=start, end=end, tries=0, slot=0, turns=0, fetches=0)
        return replace(part, priority=0, group="", userid="")

    def _envelope(self, job: DeliverJob, delay: float) -> Envelope:
        seconds = min(max(1, round(delay)), MAX_DELAY)
        message, worker = self.message, self.message.workers.get(self.job.channel, "")
        return Envelope(
            job, message.priority, self.channel.type, message.channel_key, seconds, worker
        )

    # -- requeue

    def requeue(self, resend: Sequence[Envelope], resume: Resume | None) -> None:
        """Send jobs for all that was not made or that an answer put off.

        Deliveries that an earlier answer put off are among the calls already. A job for these
        each time would multiply.
        """
        if resume is not None:
            start, delay, slot, tries, fetches = resume
            job = replace(self.job, start=start, slot=slot, turns=0, tries=tries, fetches=fetches)
            resend = [*resend, self._envelope(job, delay)]
        self.world.queues.send(resend)


def _skipped(answer: CallAnswer) -> int:
    return sum(fact.kind is FactKind.SKIPPED for fact in answer.facts)
