"""6. Call the provider, record what it answered.

Crash-safe: record the call, call, record the answer, which is the facts. A repeat that finds an answer replays what follows from it;
one that finds a live lease comes back later; one that finds a dead lease repeats the call with the same idempotency token while that
lives, and where there is none does what the operator chose: send again, or the fact `unknown`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace

from chalicelib.domain.channels import Channel, OnUncertain, ReceiptMode
from chalicelib.domain.errors import Misconfigured, OpenUMSError, Rejected, Throttled, Unavailable, Uncertain
from chalicelib.domain.facts import ENDS_SUBMISSION, Fact, FactKind, Place
from chalicelib.domain.jobs import DeliverJob, Envelope, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.pages import CallAnswer, Page
from chalicelib.domain.plans import Call, CallState, PageId
from chalicelib.domain.sending import Account, Answer, DeliveryReport, Loss, Outcome, OutgoingCall, ProviderIds, Recipient
from chalicelib.domain.strategy import Verdict
from chalicelib.flow import content, receipts
from chalicelib.flow.dispatch import OpenCall, look_now, open_calls
from chalicelib.flow.ports import Lookup, Provider, Session, World

log = logging.getLogger("openums")

MAX_ATTEMPTS = 10  # how often what an answer put off is tried again
MAX_DELAY = 900  # seconds: the longest that a queue holds a message back
FIRST_POLL = 30  # seconds


class Postponed(OpenUMSError):
    """The job comes back after `delay` seconds. Not a failure: it uses up no receive."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        self.delay = delay


def deliver(world: World, job: DeliverJob) -> None:
    """Make the calls of a job that are not answered yet. Safe to repeat at any point."""
    at = PageId(job.msgid, job.page)
    message, channel = world.messages.get(job.msgid), world.settings.channel(job.channel)
    page = world.ledger.page(at) if message else None
    if message is None or page is None or channel is None:
        log.warning("job_without_message", extra={"msgid": job.msgid, "page": job.page, "channel": job.channel})
        return
    go = page.lists(job.step)[job.number] if job.number < len(page.lists(job.step)) else None
    if go is None:
        raise LookupError("the job's list is not there yet")
    work = _Work(world, job, message, channel, page)
    calls = [c for c in open_calls(message, page, go) if c.key.channel == job.channel and job.start <= c.key.start < job.end]
    work.run(calls)


class _Work:
    """One job: its calls in order over one connection, then what follows from their answers."""

    def __init__(self, world: World, job: DeliverJob, message: Message, channel: Channel, page: Page) -> None:
        self.world, self.job, self.message, self.channel, self.page = world, job, message, channel, page
        self.provider: Provider = world.providers.of(channel.platform)
        self.able = self.provider.capabilities
        self._stack = ExitStack()
        self._session: Session | None = None

    def run(self, calls: Sequence[OpenCall]) -> None:
        answered = [a for a in self.page.answers.values() if self._is_of_job(a)]  # left by a worker that may have died right after
        again: Envelope | None = None
        with self._stack:
            for call in calls:
                try:
                    answer = self._settle(call)
                except Postponed as wait:
                    again = self._again(wait.delay, call.key.start, self.job.tries + 1)
                    break
                answered += [answer] if answer else []
        self._follow_up(answered)
        if again is not None:
            self.world.queues.send([again])

    def _is_of_job(self, answer: CallAnswer) -> bool:
        key, job = answer.key, self.job
        return (key.step, key.number, key.channel) == (job.step, job.number, job.channel) and job.start <= key.start < job.end

    def _again(self, delay: float, start: int, tries: int) -> Envelope:
        job = replace(self.job, start=start, tries=tries)
        seconds = min(max(1, round(delay)), MAX_DELAY)
        return Envelope(job, self.message.priority, self.channel.type, self.message.channel_key, seconds)

    # -- one call

    def _settle(self, call: OpenCall) -> CallAnswer | None:
        """Claim the call, make it, record its answer. None when it was closed meanwhile."""
        skipped = tuple(n for n, place in enumerate(call.places) if self._is_reached(place))
        token = self._token() if len(skipped) < len(call.places) else ""
        now = self.world.clock.now()
        mine = Call(call.key, CallState.LEASED, now + self.world.limits.lease * 1000, token, now, skipped)
        held = self.world.ledger.claim(self.page.plan.id, mine, None, self.message)
        if held is None:
            return self._call(call, mine)
        return self._take_over(call, mine, held)

    def _token(self) -> str:
        """Fetched before the claim, so that the claim holds it."""
        try:
            return self._connect().token() or ""
        except Unavailable as error:
            raise self._postponed(error) from error

    def _postponed(self, error: Unavailable) -> Postponed:
        self._log("call_throttled" if isinstance(error, Throttled) else "call_unavailable", error.code)
        return Postponed(error.retry_after or _backoff(self.job.tries))

    def _connect(self) -> Session:
        if self._session is None:
            plain = self.world.credentials.open_credentials(self.channel.sealed_credentials)
            account = Account(self.channel.code, plain, self.channel.options)
            self._session = self._stack.enter_context(self.provider.connect(account))
        return self._session

    def _is_reached(self, place: Place) -> bool:
        """Whether, since the go list was frozen, another channel has reached the target."""
        if self.job.step == 0:
            return False
        verdict, _ = self.page.verdict(self.message, place.target, self.job.step, self.world.clock.now())
        return verdict is Verdict.STAY

    def _take_over(self, call: OpenCall, mine: Call, held: Call) -> CallAnswer | None:
        """Somebody claimed the call before: a worker that lives, one that died, or one that gave it back."""
        now = self.world.clock.now()
        if held.is_over:
            return None
        if held.is_live(now):
            raise Postponed((held.lease - now) / 1000)
        fresh = self.world.ledger.page(self.page.plan.id)
        if fresh and call.key in fresh.answers:
            return fresh.answers[call.key]
        again = self._repeat_of(mine, held, now)
        if again is None:
            return self._record(call, self._all(call, held, Outcome(code="worker_died", uncertain=True)), held.skipped)
        if self.world.ledger.claim(self.page.plan.id, again, held, self.message) is not None:
            raise Postponed(1)
        return self._call(call, again)

    def _repeat_of(self, mine: Call, held: Call, now: int) -> Call | None:
        """The claim under which a call may be repeated; None when it must not be, since nobody knows what became of it."""
        if held.state is CallState.RELEASED:
            return replace(mine, token=held.token or mine.token, token_time=held.token_time, skipped=held.skipped)
        life = (self.able.token_life or 0) * 1000
        if held.token and now - held.token_time < life:
            return replace(mine, token=held.token, token_time=held.token_time, skipped=held.skipped)
        return replace(mine, skipped=held.skipped) if self.channel.on_uncertain is OnUncertain.RESEND else None

    def _call(self, call: OpenCall, mine: Call) -> CallAnswer:
        if len(mine.skipped) == len(call.places):
            return self._record(call, [], mine.skipped)
        try:
            answer = self._connect().send(self._outgoing(call, mine))
        except Rejected as error:
            return self._record(call, self._all(call, mine, Outcome(Loss.SUBMIT_FAILED, error.code)), mine.skipped)
        except Uncertain as error:
            return self._uncertain(call, mine, error)
        except Unavailable as error:
            postponed = self._postponed(error)
            self._give_back(mine, CallState.RELEASED, postponed.delay)
            raise postponed from error
        except Misconfigured as error:
            self._give_back(mine, CallState.RELEASED, 0)
            self._log("channel_misconfigured", error.code)
            raise
        return self._record(call, answer.outcomes, mine.skipped, answer)

    def _uncertain(self, call: OpenCall, mine: Call, error: Uncertain) -> CallAnswer:
        """The provider may have it. With a token or the operator's leave the call is repeated; else it is `unknown`."""
        self._log("call_uncertain", error.code)
        if mine.token or self.channel.on_uncertain is OnUncertain.RESEND:
            self._give_back(mine, CallState.UNCERTAIN, _backoff(self.job.tries))
            raise Postponed(_backoff(self.job.tries)) from error
        return self._record(call, self._all(call, mine, Outcome(code=error.code, uncertain=True)), mine.skipped)

    def _give_back(self, mine: Call, state: CallState, delay: float) -> None:
        """Until the job is back. A released call was surely not taken, an uncertain one may have been."""
        back = self.world.clock.now() + round(delay * 1000)
        self.world.ledger.claim(self.page.plan.id, replace(mine, state=state, lease=back), mine, self.message)

    def _log(self, event: str, code: str) -> None:
        log.warning(event, extra={"msgid": self.message.msgid, "page": self.job.page, "channel": self.channel.code, "code": code})

    @staticmethod
    def _all(call: OpenCall, mine: Call, outcome: Outcome) -> list[Outcome]:
        return [outcome] * (len(call.places) - len(mine.skipped))

    def _outgoing(self, call: OpenCall, mine: Call) -> OutgoingCall:
        left = [place for n, place in enumerate(call.places) if n not in set(mine.skipped)]
        recipients = [self._recipient(place) for place in left]
        return OutgoingCall(self.message.msgid, recipients, mine.token or None, self.message.app_para)

    def _recipient(self, place: Place) -> Recipient:
        page = self.page.plan.id
        reference = f"{page.msgid}.{page.page}.{place.target}.{place.channel}.{place.contact}"
        return Recipient(self.page.plan.contact(place), content.personal(self.world, self.message, page, place), reference)

    # -- what the answer says

    def _record(self, call: OpenCall, outcomes: Sequence[Outcome], skipped: Sequence[int], answer: Answer | None = None) -> CallAnswer:
        """Put the answer once. If another worker's answer stands there, what ours says besides is added as facts."""
        now = self.world.clock.now()
        facts = [Fact(call.places[n], FactKind.SKIPPED, now, source="call") for n in skipped]
        left = [place for n, place in enumerate(call.places) if n not in set(skipped)]
        later: list[Place] = []
        for place, outcome in zip(left, outcomes, strict=True):
            if self._is_later(outcome, call.key.attempt):
                later.append(place)
            else:
                facts += self._facts(place, outcome, now)
        mine = CallAnswer(call.key, tuple(facts), now, answer.provider_id if answer else "", tuple(later))
        stored = self.world.ledger.put_answer(self.page.plan.id, mine, self.message)
        if stored == mine:
            return mine
        known = {(f.place, f.kind, f.provider_id) for f in stored.facts}
        besides = [f for f in mine.facts if (f.place, f.kind, f.provider_id) not in known]
        if besides:
            self.world.ledger.add(self.page.plan.id, besides, self.message)
        return replace(mine, later=stored.later)

    def _is_later(self, outcome: Outcome, attempt: int) -> bool:
        resend = outcome.uncertain and self.channel.on_uncertain is OnUncertain.RESEND
        return (outcome.later or resend) and attempt + 1 < MAX_ATTEMPTS

    def _facts(self, place: Place, outcome: Outcome, now: int) -> list[Fact]:
        if outcome.uncertain:
            return [Fact(place, FactKind.UNKNOWN, now, outcome.code, "call")]
        if outcome.loss is Loss.INVALID_TARGET:
            return [Fact(place, FactKind.INVALID_TARGET, now, outcome.code, "call")]
        if outcome.loss or outcome.later:
            return [Fact(place, FactKind.SUBMIT_FAILED, now, outcome.code, "call")]
        facts = [Fact(place, FactKind.SUBMITTED, now, "", "call", outcome.provider_id)]
        if self.able.delivery_report is DeliveryReport.ACCEPTED:
            facts.append(Fact(place, FactKind.DELIVERED, now, "", "call"))
        return facts

    # -- what follows from it

    def _follow_up(self, answers: Sequence[CallAnswer]) -> None:
        """Lookups for receipts, timers for the strategy, and a further attempt for what was put off. Repeating it changes nothing."""
        if not answers:
            return
        self._put_lookups(answers)
        self._set_timers(answers)
        put_off = [a for a in answers if a.later and a.key._replace(attempt=a.key.attempt + 1) not in {b.key for b in answers}]
        self.world.queues.send([self._next_attempt(answer) for answer in put_off])

    def _next_attempt(self, answer: CallAnswer) -> Envelope:
        start = answer.key.start
        again = self._again(2.0 ** (answer.key.attempt + 1), start, 0)
        return replace(again, job=replace(self.job, start=start, end=start + self.message.call_sizes[self.job.channel], tries=0))

    def _put_lookups(self, answers: Sequence[CallAnswer]) -> None:
        at, found = self.page.plan.id, dict[str, Lookup]()
        for answer in answers:
            if self.able.provider_ids is ProviderIds.PER_CALL and answer.provider_id:
                found[answer.provider_id] = Lookup(at)
            elif self.able.provider_ids is ProviderIds.PER_RECIPIENT:
                found.update({f.provider_id: Lookup(at, (f.place.target, f.place.contact)) for f in answer.facts if f.provider_id})
        if found:
            self.world.lookups.put(self.channel.code, found, self.message.expires)
            receipts.record(self.world, self.channel.code, self.world.lookups.parked(self.channel.code, tuple(found)))

    def _set_timers(self, answers: Sequence[CallAnswer]) -> None:
        at, priority = self.page.plan.id, self.message.priority
        facts = [f for a in answers for f in a.facts]
        submitted = [f.time for f in facts if f.kind is FactKind.SUBMITTED]
        timers: list[Timer] = []
        if submitted and (within := self._within()):
            timers.append(Timer(max(submitted) + within * 1000, TimerKind.LOOK, at, priority))
        if submitted and self.channel.receipts is ReceiptMode.POLL and self.able.provider_ids is ProviderIds.PER_CALL:
            timers.append(Timer(max(submitted) + FIRST_POLL * 1000, TimerKind.POLL, at, priority, self.channel.code))
        if timers:
            self.world.timers.set(timers)
        if self._has_next() and _ended_without_submission(facts):
            self.world.queues.send([look_now(self.message, at, self.world.clock.now())])

    def _has_next(self) -> bool:
        return self.job.step + 1 < len(self.message.strategy.steps)

    def _within(self) -> int:
        """Seconds until the next step's first condition on this channel is due; 0: there is none."""
        terms = self.message.strategy.steps[self.job.step + 1].terms if self._has_next() else ()
        return min((t.within for t in terms if t.channel is self.channel.type), default=0)


def _backoff(tries: int) -> float:
    """Seconds: 1, 1, 2, 4 … up to a quarter of an hour."""
    return min(2.0 ** (tries - 1), MAX_DELAY)


def _ended_without_submission(facts: Iterable[Fact]) -> bool:
    return any(f.kind in ENDS_SUBMISSION and f.kind is not FactKind.SUBMITTED for f in facts)
