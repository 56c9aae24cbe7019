"""Make one call: prepare it, record it, make it, record the answer. The answer is the facts.

The claim covers the call and nothing else. Files, tokens, connections and contents come before it.
A repeat that finds an answer takes it. One that finds a live lease comes back later. One that finds
a dead lease repeats the call with the same idempotency token while the token lives. Without a
token it does what the operator chose: send again, or the fact `unknown`.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from chalicelib import observability
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel, OnUncertain
from chalicelib.domain.errors import (
    Misconfigured,
    OpenUMSError,
    QuotaUsedUp,
    Rejected,
    Throttled,
    Unavailable,
    Uncertain,
)
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import DeliverJob
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallState
from chalicelib.domain.provider_io import (
    Answer,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
)
from chalicelib.domain.strategies import Verdict
from chalicelib.flow import costs, provider_ids, third_party
from chalicelib.flow.content import email, render
from chalicelib.flow.delivery import outcomes, refusals
from chalicelib.flow.delivery.answers import Answers, put_answer
from chalicelib.flow.delivery.budget import Budget
from chalicelib.flow.delivery.files import Files
from chalicelib.flow.delivery.postponed import Postponed, backoff
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.dispatch import OpenCall
from chalicelib.observability import log
from chalicelib.ports import Session, World

MAX_ATTEMPTS = 10  # at a delivery that answers put off
FRESH = 1000  # ms for which the facts that a job has read tell who was reached


class ClaimedBefore(OpenUMSError):
    """A call of a chunk that was not read has a record. The chunk must be read."""


class Caller:
    """The calls of one job over one connection, opened with the first. `opened` closes it.

    `files`: those of every call, or why all calls fail.
    """

    def __init__(
        self,
        world: World,
        job: DeliverJob,
        message: Message,
        channel: Channel,
        chunk: Chunk,
        opened: ExitStack,
        files: Files,
        budget: Budget,
        answers: Answers,
    ) -> None:
        self.world, self.job, self.message = world, job, message
        self.channel, self.chunk, self._read = channel, chunk, budget.began
        self.capabilities = world.providers.of(channel.platform).capabilities
        self._opened = opened
        self._session: Session | None = None
        self._files, self._budget, self._answers = files, budget, answers
        self._is_planned = chunk.is_read or not message.unplanned
        self._own: Call | None = None  # the record of a call that nobody had claimed before
        self._recipients: dict[DeliveryRef, Recipient] = {}

    def make(self, call: OpenCall) -> CallAnswer | None:
        """Prepare the call, claim it, make it, record its answer.

        Return None if the call was closed meanwhile. Raises Postponed.
        """
        self._read_again()
        skipped = tuple(n for n, ref in enumerate(call.refs) if self._is_reached(ref))
        token = ""
        if len(skipped) < len(call.refs):
            self._recipients = {ref: self._recipient(ref) for ref in call.refs}
            token = self._prepare(call)
        now = self.world.clock.now()
        lease = now + self.world.limits.lease * 1000
        record = Call(call.key, CallState.LEASED, lease, token, now, skipped)
        held = self._begin(record)
        self._own = record if held is None else None
        if held is None:
            return self._send(call, record)
        if not self.chunk.is_read:
            raise ClaimedBefore
        return self._take_over(call, record, held)

    def _begin(self, record: Call) -> Call | None:
        """Claim a call, or return the record of it that stands.

        The first claim of an unplanned message stores its plan.
        """
        if self._is_planned:
            is_first = record.key == self.chunk.first_call
            return self.chunk.calls[record.key] if is_first else self._claim(record, None)
        if not self.world.ledger.begin(self.chunk.plan, record, self.message):
            raise ClaimedBefore
        self._is_planned = True
        return None

    def _claim(self, record: Call, expected: Call | None) -> Call | None:
        return self.world.ledger.claim(self.chunk.plan.id, record, expected, self.message)

    def _prepare(self, call: OpenCall) -> str:
        """Get ready to send, and return the idempotency token, which the claim holds.

        Raises Postponed for the whole job if the account is not ready, or the time is too short.
        """
        if isinstance(self._files, Rejected):
            return ""
        self._need_time(self._budget.may_prepare)
        try:
            session = self._connect()
            session.prepare()
            token = session.token_for(self._recipients[call.refs[0]].content) or ""
        except Unavailable as error:
            raise self._postponed(error, of_job=True) from error
        except Misconfigured as error:
            self._misconfigured(error)
            raise
        self._need_time(self._budget.may_call)
        return token

    def _need_time(self, is_enough: bool) -> None:
        if not is_enough:
            observability.metric("jobs_out_of_time")
            raise Postponed(1, of_job=True)

    def _postponed(self, error: Unavailable, *, of_job: bool = False) -> Postponed:
        is_throttled = isinstance(error, Throttled)
        self._log("call_throttled" if is_throttled else "call_unavailable", error.code)
        if isinstance(error, QuotaUsedUp):
            return Postponed(0, for_quota=True)
        delay = error.retry_after or backoff(self.job.tries)
        return Postponed(delay, of_job=of_job, is_try=True)

    def _misconfigured(self, error: Misconfigured) -> None:
        self._log("channel_misconfigured", error.code)
        observability.metric("channel_misconfigured")

    def _connect(self) -> Session:
        if self._session is None:
            self._session = self._opened.enter_context(connect(self.world, self.channel))
        return self._session

    def _read_again(self) -> None:
        """Read the facts again before a call of a later step, unless they are fresh.

        A receipt that came while the job was under way still cancels its calls.
        """
        now = self.world.clock.now()
        if self.job.step and now - self._read > FRESH:
            chunk = self.world.ledger.chunk(self.chunk.plan.id, self.message)
            self.chunk, self._read = chunk or self.chunk, now

    def _is_reached(self, ref: DeliveryRef) -> bool:
        """Tell if another channel has reached the target since the entrants were frozen."""
        if self.job.step == 0:
            return False
        now = self.world.clock.now()
        verdict, _ = self.chunk.verdict(self.message, ref.target, self.job.step, now)
        return verdict is Verdict.STAY

    def _take_over(self, call: OpenCall, record: Call, held: Call) -> CallAnswer | None:
        """Return the answer to a call claimed before, or repeat the call. None: it is closed."""
        now = self.world.clock.now()
        if held.is_over:
            return None
        if held.is_live(now):
            raise Postponed((held.lease - now) / 1000)
        fresh = self.world.ledger.chunk(self.chunk.plan.id, self.message)
        if fresh and call.key in fresh.answers:
            return fresh.answers[call.key]
        repeat = self._repeat_of(record, held, now)
        if repeat is None:
            return self._record_all(call, held, Outcome(code="worker_died", uncertain=True))
        if self._claim(repeat, held) is not None:
            raise Postponed(1)
        return self._send(call, repeat, may_be_taken=held.state is not CallState.RELEASED)

    def _repeat_of(self, record: Call, held: Call, now: int) -> Call | None:
        """Return the claim under which a call may be repeated.

        None: it must not be repeated, since nobody knows if the provider took it. Only a call that
        was surely not taken may leave out people whom another channel has reached since.
        """
        if held.state is CallState.RELEASED and set(record.skipped) - set(held.skipped):
            return replace(record, skipped=tuple(sorted({*record.skipped, *held.skipped})))
        life = (self.capabilities.token_life or 0) * 1000
        if held.token and now - held.token_time < life:
            token, time = held.token, held.token_time
            return replace(record, token=token, token_time=time, skipped=held.skipped)
        resends = self.channel.on_uncertain is OnUncertain.RESEND
        is_safe = held.state is CallState.RELEASED or resends
        return replace(record, skipped=held.skipped) if is_safe else None

    def _send(self, call: OpenCall, record: Call, *, may_be_taken: bool = False) -> CallAnswer:
        """Call the provider. `may_be_taken`: it may have taken an earlier try of this call."""
        if len(record.skipped) == len(call.refs):
            return self._record(call, record, Answer([]))
        if isinstance(self._files, Rejected):
            return self._record_all(call, record, Outcome(Loss.SUBMIT_FAILED, self._files.code))
        unmade = CallState.UNCERTAIN if may_be_taken else CallState.RELEASED
        try:
            outgoing = self._outgoing(call, record)
            with provider_ids.of_error(recipient.contact for recipient in outgoing.recipients):
                answer = self._connect().send(outgoing)
        except Rejected as error:
            third_party.note(self.world, self.channel, outgoing.recipients[0].content, error)
            return self._record_all(call, record, Outcome(Loss.SUBMIT_FAILED, error.code))
        except Uncertain as error:
            return self._uncertain(call, record, error)
        except Unavailable as error:
            postponed = self._postponed(error)
            self._give_back(record, unmade, postponed.delay)
            raise postponed from error
        except Misconfigured as error:
            self._give_back(record, unmade, 0)
            self._misconfigured(error)
            raise
        concealed = provider_ids.of_answer(self.world.vault, outgoing, answer)
        return self._record(call, record, concealed)

    def _uncertain(self, call: OpenCall, record: Call, error: Uncertain) -> CallAnswer:
        """Repeat the call if a token or the operator allows it. Else it is `unknown`."""
        self._log("call_uncertain", error.code)
        if record.token or self.channel.on_uncertain is OnUncertain.RESEND:
            delay = backoff(self.job.tries)
            self._give_back(record, CallState.UNCERTAIN, delay)
            raise Postponed(delay) from error
        return self._record_all(call, record, Outcome(code=error.code, uncertain=True))

    def _give_back(self, record: Call, state: CallState, delay: float) -> None:
        """Give the call back until the job returns.

        A released call was surely not taken. An uncertain one may have been.
        """
        returns = self.world.clock.now() + round(delay * 1000)
        self._claim(replace(record, state=state, lease=returns), record)

    def _log(self, event: str, code: str) -> None:
        call = {"msgid": self.message.msgid, "chunk": self.job.chunk, "code": code}
        log.warning(event, extra={**call, "channel": self.channel.code})

    def _outgoing(self, call: OpenCall, record: Call) -> OutgoingCall:
        return OutgoingCall(
            self.message.msgid,
            [self._recipient(ref) for ref in _left(call, record)],
            record.token or None,
            self.message.app_para,
            () if isinstance(self._files, Rejected) else self._files,
            self._budget.for_call,
            self.job.tries,
        )

    def _recipient(self, ref: DeliveryRef) -> Recipient:
        if known := self._recipients.get(ref):
            return known
        plan, chunk = self.chunk.plan, self.chunk.plan.id
        content = render.personal(self.world, self.message, chunk, ref, plan.values_of(ref.target))
        plain, target = Recipient(plan.contact(ref), content), plan.targets[ref.target].id
        return email.with_extras(self.world, self.channel, self.message, chunk, ref, plain, target)

    def _record_all(self, call: OpenCall, record: Call, outcome: Outcome) -> CallAnswer:
        return self._record(call, record, Answer([outcome] * len(_left(call, record))))

    def _record(self, call: OpenCall, record: Call, answer: Answer) -> CallAnswer:
        """Put the answer once. If another worker's answer stands, add facts that it lacks."""
        now = self.world.clock.now()
        answered = list(zip(_left(call, record), answer.outcomes, strict=True))
        later = {ref: o.untried for ref, o in answered if self._is_later(o, call.tries)}
        facts = [Fact(call.refs[n], FactKind.SKIPPED, now, source="call") for n in record.skipped]
        for ref, outcome in answered:
            if ref not in later:
                cost = costs.of_recipient(self.channel, self._recipient(ref))
                facts += outcomes.facts_of(ref, outcome, now, self.capabilities, cost)
        made = CallAnswer(
            call.key,
            tuple(facts),
            now,
            answer.provider_id,
            tuple(sorted(later, key=lambda ref: not later[ref])),
            tuple(ref for ref, outcome in answered if outcome.undeliverable),
            sum(later.values()),
            refusals.goes_on_in_halves(answer.outcomes, call.tries),
        )
        if self._own is not None and self._answers.keep(made, self._own):
            return made
        return put_answer(self.world, self.chunk.plan.id, made, self.message)

    def _is_later(self, outcome: Outcome, tries: int) -> bool:
        resend = outcome.uncertain and self.channel.on_uncertain is OnUncertain.RESEND
        is_again = (outcome.later or resend) and tries + 1 < MAX_ATTEMPTS
        return outcome.untried or outcome.together or is_again


def _left(call: OpenCall, record: Call) -> list[DeliveryRef]:
    """Return the deliveries of a call that were not skipped."""
    skipped = set(record.skipped)
    return [ref for n, ref in enumerate(call.refs) if n not in skipped]
