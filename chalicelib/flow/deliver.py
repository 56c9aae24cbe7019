"""6. Call the provider for the deliveries of a job, and do what follows from its answers.

Everything here is safe to repeat at any point: calls that were answered are not made again (calls.py), and what follows from an answer
(lookups, timers, further attempts) is the same each time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace

from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel, ReceiptMode
from chalicelib.domain.errors import TooEarly
from chalicelib.domain.facts import ENDS_SUBMISSION, Fact, FactKind
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.provider_io import ProviderIds, names_of, parts_of
from chalicelib.domain.users import Suppression
from chalicelib.flow import poll, receipts, suppressions, withdraw
from chalicelib.flow.delivery.calls import MAX_DELAY, Caller, Postponed
from chalicelib.flow.delivery.quota import QuotaReservation, park
from chalicelib.flow.delivery.rate import Resume, take_turn
from chalicelib.flow.dispatch import OpenCall, check_now, open_calls
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.ports import Lookup, World

log = logging.getLogger("openums")

SHARE = 4  # of the function's time may pass before another call of the job is begun: a call may take most of the rest


def deliver(world: World, job: DeliverJob) -> None:
    """Make the calls of a job that are not answered yet. Safe to repeat at any point."""
    at = ChunkId(job.msgid, job.chunk)
    message, channel = world.messages.get(job.msgid), world.settings.channel(job.channel)
    chunk = world.ledger.chunk(at) if message else None
    if message is None or chunk is None or channel is None:
        log.warning(
            "job_without_message",
            extra={"msgid": job.msgid, "chunk": job.chunk, "channel": job.channel},
        )
        return
    go = chunk.lists(job.step)[job.number] if job.number < len(chunk.lists(job.step)) else None
    if go is None:
        raise TooEarly("the job's list is not there yet")
    work = _Work(world, job, message, channel, chunk)
    calls = [
        c
        for c in open_calls(message, chunk, go)
        if c.key.channel == job.channel and job.start <= c.key.start < job.end
    ]
    if chunk.withdrawn is not None:
        withdraw.stop(world, message, chunk, calls)
        calls = []
    work.run(calls)


class _Work:
    """One job: its calls in order over one connection, then what follows from their answers."""

    def __init__(
        self, world: World, job: DeliverJob, message: Message, channel: Channel, chunk: Chunk
    ) -> None:
        self.world, self.job, self.message, self.channel, self.chunk = (
            world,
            job,
            message,
            channel,
            chunk,
        )
        self.able = world.providers.of(channel.platform).capabilities

    def run(self, calls: Sequence[OpenCall]) -> None:
        answered = [
            a for a in self.chunk.answers.values() if self._is_of_job(a)
        ]  # left by a worker that may have died right after
        with QuotaReservation(self.world, self.job, self.message, self.channel, calls) as room:
            self.job = room.job
            calls, back = take_turn(self.world, self.job, self.message, self.channel, room.calls)
            made, again = list[CallAnswer](), list[Envelope]()
            with ExitStack() as opened:
                caller = Caller(
                    self.world, self.job, self.message, self.channel, self.chunk, opened
                )
                try:
                    back = self._make(caller, room, calls, back, made, again)
                except Exception:  # of one call: what follows from the others' answers must not wait until it is mended
                    self._follow_up([*answered, *made])
                    raise
            if back:
                again.append(
                    self._again(back.delay, back.start, self.job.end, self.job.tries, back.slot)
                )
            self._follow_up([*answered, *made])
            # What an earlier answer put off is among the calls already: a job for it each time would breed.
            self.world.queues.send(
                [*again, *(self._next_attempt(answer) for answer in made if answer.later)]
            )
            room.uses(
                sum(len(call.refs) for call in room.calls if back and call.key.start >= back.start)
            )

    def _make(
        self,
        caller: Caller,
        room: QuotaReservation,
        calls: Sequence[OpenCall],
        back: Resume | None,
        made: list[CallAnswer],
        again: list[Envelope],
    ) -> Resume | None:
        """Make the calls one by one, and say where the job begins when it comes `back`; calls that are postponed come `again`."""
        begun = self.world.clock.now()
        for n, call in enumerate(calls):
            if n and self.world.clock.now() - begun > self.world.limits.lease * 1000 // SHARE:
                return Resume(call.key.start, 1, 0)
            try:
                answer = caller.settle(call)
                if answer is not None:
                    made.append(answer)
                    room.uses(
                        len(call.refs) - sum(fact.kind is FactKind.SKIPPED for fact in answer.facts)
                    )
            except Postponed as wait:
                if wait.for_quota:
                    park(self.world, self.job, self.message, self.channel, call)
                    return None
                # alone, so that the calls behind it need not wait for it
                again.append(
                    self._again(
                        wait.delay, call.key.start, self._end_of(call.key.start), self.job.tries + 1
                    )
                )
                room.uses(len(call.refs))
        return back

    def _is_of_job(self, answer: CallAnswer) -> bool:
        key, job = answer.key, self.job
        return (key.step, key.number, key.channel) == (
            job.step,
            job.number,
            job.channel,
        ) and job.start <= key.start < job.end

    def _end_of(self, start: int) -> int:
        return min(start + self.message.call_sizes[self.job.channel], self.job.end)

    def _again(self, delay: float, start: int, end: int, tries: int, slot: int = 0) -> Envelope:
        job = replace(self.job, start=start, end=end, tries=tries, slot=slot)
        seconds = min(max(1, round(delay)), MAX_DELAY)
        worker = self.message.workers.get(self.job.channel, "")
        return Envelope(
            job, self.message.priority, self.channel.type, self.message.channel_key, seconds, worker
        )

    def _follow_up(self, answers: Sequence[CallAnswer]) -> None:
        """Lookups for receipts, marks, timers for the strategy. Repeating it changes nothing."""
        if not answers:
            return
        self._put_lookups(answers)
        self._mark_contacts(answers)
        self._set_timers(answers)

    def _next_attempt(self, answer: CallAnswer) -> Envelope:
        start = answer.key.start
        return self._again(2.0 ** (answer.key.attempt + 1), start, self._end_of(start), 0)

    def _put_lookups(self, answers: Sequence[CallAnswer]) -> None:
        at, found = self.chunk.plan.id, dict[str, Lookup]()
        for answer in answers:
            if self.able.provider_ids is ProviderIds.PER_CALL and answer.provider_id:
                found.update({name: Lookup(at) for name in answer.provider_id.split(" ")})
            elif self.able.provider_ids is ProviderIds.PER_RECIPIENT:
                found.update(
                    pair for fact in answer.facts if fact.provider_id for pair in _lookups(at, fact)
                )
        if found:
            self.world.lookups.put(self.channel.code, found, self.message.expires)
            receipts.record_parked(self.world, self.channel.code, tuple(found))

    def _mark_contacts(self, answers: Sequence[CallAnswer]) -> None:
        """What the answers say of the contacts themselves: dead, or alive though they were marked."""
        plan, heard = self.chunk.plan, list[ContactFeedback]()
        for answer in answers:
            codes = {fact.ref: fact.code for fact in answer.facts} if answer.undeliverable else {}
            heard += [
                ContactFeedback(
                    self.message, plan, p, True, Suppression(codes.get(p, ""), answer.time)
                )
                for p in answer.undeliverable
            ]
            arrived = [
                fact.ref
                for fact in answer.facts
                if fact.kind is FactKind.DELIVERED and suppressions.is_undeliverable(plan, fact.ref)
            ]
            heard += [
                ContactFeedback(self.message, plan, ref, False, Suppression("", answer.time))
                for ref in arrived
            ]
        suppressions.apply_feedback(self.world, heard)

    def _set_timers(self, answers: Sequence[CallAnswer]) -> None:
        at, priority = self.chunk.plan.id, self.message.priority
        facts = [f for a in answers for f in a.facts]
        submitted = [f.time for f in facts if f.kind is FactKind.SUBMITTED]
        timers: list[Timer] = []
        if submitted and (within := self._within()):
            timers.append(Timer(max(submitted) + within * 1000, TimerKind.CHECK, at, priority))
        if (
            submitted
            and self.channel.receipts is ReceiptMode.POLL
            and self.able.provider_ids is ProviderIds.PER_CALL
        ):
            timers.append(
                Timer(
                    max(submitted) + self.able.poll_first * 1000,
                    TimerKind.POLL,
                    at,
                    priority,
                    self.channel.code,
                )
            )
        if submitted and poll.is_polled_as_a_whole(self.world, self.channel):
            self.world.lookups.expect(
                self.channel.code,
                max(submitted),
                max(submitted) // 1000 + 2 * self.able.poll_window,
            )
        if timers:
            self.world.timers.set(timers)
        if self._has_next() and _ended_without_submission(facts):
            self.world.queues.send([check_now(self.message, at, self.world.clock.now())])

    def _has_next(self) -> bool:
        return self.job.step + 1 < len(self.message.strategy.steps)

    def _within(self) -> int:
        """Seconds until the next step's first condition on this channel is due; 0: there is none."""
        terms = self.message.strategy.steps[self.job.step + 1].terms if self._has_next() else ()
        return min((t.within for t in terms if t.channel is self.channel.type), default=0)


def _lookups(at: ChunkId, fact: Fact) -> Iterator[tuple[str, Lookup]]:
    """One for each name of each part under which the provider may report."""
    parts = parts_of(fact.provider_id)
    lookup = Lookup(at, (fact.ref.target, fact.ref.contact), parts if len(parts) > 1 else ())
    yield from ((name, lookup) for part in parts for name in names_of(part))


def _ended_without_submission(facts: Iterable[Fact]) -> bool:
    return any(f.kind in ENDS_SUBMISSION and f.kind is not FactKind.SUBMITTED for f in facts)
