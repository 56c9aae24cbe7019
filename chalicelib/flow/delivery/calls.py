"""6b. One call: record it, make it, record the answer. The answer is the facts.

A repeat that finds an answer takes it; one that finds a live lease comes back later; one that finds a dead lease repeats the call with
the same idempotency token while that lives, and where there is none does what the operator chose: send again, or the fact `unknown`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
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
    Attachment,
    DeliveryReport,
    Loss,
    Outcome,
    OutgoingCall,
    Recipient,
)
from chalicelib.domain.strategies import Verdict
from chalicelib.flow.content import attachments, email, render
from chalicelib.flow.delivery.sessions import connect
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import Session, World

log = logging.getLogger("openums")

MAX_ATTEMPTS = 10  # how often what an answer put off is tried again
MAX_DELAY = 900  # seconds: the longest that a queue holds a message back


class Postponed(OpenUMSError):
    """The job comes back after `delay` seconds. Not a failure: it uses up no receive. `for_quota`: a queue cannot hold it so long."""

    def __init__(self, delay: float, *, for_quota: bool = False) -> None:
        super().__init__()
        self.delay, self.for_quota = delay, for_quota


class Caller:
    """Makes the calls of one job over one connection, which is opened with the first. `opened` closes it."""

    def __init__(
        self,
        world: World,
        job: DeliverJob,
        message: Message,
        channel: Channel,
        chunk: Chunk,
        opened: ExitStack,
    ) -> None:
        self.world, self.job, self.message, self.channel, self.chunk = (
            world,
            job,
            message,
            channel,
            chunk,
        )
        self.provider = world.providers.of(channel.platform)
        self.able = self.provider.capabilities
        self._opened = opened
        self._session: Session | None = None
        self._files: tuple[Attachment, ...] | None = None

    def settle(self, call: OpenCall) -> CallAnswer | None:
        """Claim the call, make it, record its answer. None when it was closed meanwhile."""
        skipped = tuple(n for n, ref in enumerate(call.refs) if self._is_reached(ref))
        token = self._token(call) if len(skipped) < len(call.refs) else ""
        now = self.world.clock.now()
        mine = Call(
            call.key, CallState.LEASED, now + self.world.limits.lease * 1000, token, now, skipped
        )
        held = self.world.ledger.claim(self.chunk.plan.id, mine, None, self.message)
        if held is None:
            return self._call(call, mine)
        return self._take_over(call, mine, held)

    def _token(self, call: OpenCall) -> str:
        """Fetched before the claim, so that the claim holds it."""
        try:
            return self._connect().token_for(self._recipient(call.refs[0]).content) or ""
        except Unavailable as error:
            raise self._postponed(error) from error

    def _postponed(self, error: Unavailable) -> Postponed:
        self._log(
            "call_throttled" if isinstance(error, Throttled) else "call_unavailable", error.code
        )
        if isinstance(error, QuotaUsedUp):
            return Postponed(0, for_quota=True)
        return Postponed(error.retry_after or _backoff(self.job.tries))

    def _connect(self) -> Session:
        if self._session is None:
            self._session = self._opened.enter_context(connect(self.world, self.channel))
        return self._session

    def _is_reached(self, ref: DeliveryRef) -> bool:
        """Whether, since the go list was frozen, another channel has reached the target."""
        if self.job.step == 0:
            return False
        verdict, _ = self.chunk.verdict(
            self.message, ref.target, self.job.step, self.world.clock.now()
        )
        return verdict is Verdict.STAY

    def _take_over(self, call: OpenCall, mine: Call, held: Call) -> CallAnswer | None:
        """Somebody claimed the call before: a worker that lives, one that died, or one that gave it back."""
        now = self.world.clock.now()
        if held.is_over:
            return None
        if held.is_live(now):
            raise Postponed((held.lease - now) / 1000)
        fresh = self.world.ledger.chunk(self.chunk.plan.id)
        if fresh and call.key in fresh.answers:
            return fresh.answers[call.key]
        again = self._repeat_of(mine, held, now)
        if again is None:
            return self._record(
                call,
                self._all(call, held, Outcome(code="worker_died", uncertain=True)),
                held.skipped,
            )
        if self.world.ledger.claim(self.chunk.plan.id, again, held, self.message) is not None:
            raise Postponed(1)
        return self._call(call, again, may_be_taken=held.state is not CallState.RELEASED)

    def _repeat_of(self, mine: Call, held: Call, now: int) -> Call | None:
        """The claim under which a call may be repeated; None when it must not be, since nobody knows what became of it."""
        life = (self.able.token_life or 0) * 1000
        if held.token and now - held.token_time < life:
            return replace(mine, token=held.token, token_time=held.token_time, skipped=held.skipped)
        may_repeat = (
            held.state is CallState.RELEASED or self.channel.on_uncertain is OnUncertain.RESEND
        )
        return replace(mine, skipped=held.skipped) if may_repeat else None

    def _call(self, call: OpenCall, mine: Call, *, may_be_taken: bool = False) -> CallAnswer:
        """`may_be_taken`: by an earlier try of the same call, whatever becomes of this one."""
        if len(mine.skipped) == len(call.refs):
            return self._record(call, [], mine.skipped)
        try:
            answer = self._connect().send(self._outgoing(call, mine))
        except Rejected as error:
            return self._record(
                call, self._all(call, mine, Outcome(Loss.SUBMIT_FAILED, error.code)), mine.skipped
            )
        except Uncertain as error:
            return self._uncertain(call, mine, error)
        except Unavailable as error:
            postponed = self._postponed(error)
            self._give_back(
                mine, CallState.UNCERTAIN if may_be_taken else CallState.RELEASED, postponed.delay
            )
            raise postponed from error
        except Misconfigured as error:
            self._give_back(mine, CallState.UNCERTAIN if may_be_taken else CallState.RELEASED, 0)
            self._log("channel_misconfigured", error.code)
            observability.metric("channel_misconfigured")
            raise
        return self._record(call, answer.outcomes, mine.skipped, answer)

    def _uncertain(self, call: OpenCall, mine: Call, error: Uncertain) -> CallAnswer:
        """The provider may have it. With a token or the operator's leave the call is repeated; else it is `unknown`."""
        self._log("call_uncertain", error.code)
        if mine.token or self.channel.on_uncertain is OnUncertain.RESEND:
            self._give_back(mine, CallState.UNCERTAIN, _backoff(self.job.tries))
            raise Postponed(_backoff(self.job.tries)) from error
        return self._record(
            call, self._all(call, mine, Outcome(code=error.code, uncertain=True)), mine.skipped
        )

    def _give_back(self, mine: Call, state: CallState, delay: float) -> None:
        """Until the job is back. A released call was surely not taken, an uncertain one may have been."""
        back = self.world.clock.now() + round(delay * 1000)
        self.world.ledger.claim(
            self.chunk.plan.id, replace(mine, state=state, lease=back), mine, self.message
        )

    def _log(self, event: str, code: str) -> None:
        log.warning(
            event,
            extra={
                "msgid": self.message.msgid,
                "chunk": self.job.chunk,
                "channel": self.channel.code,
                "code": code,
            },
        )

    @staticmethod
    def _all(call: OpenCall, mine: Call, outcome: Outcome) -> list[Outcome]:
        return [outcome] * (len(call.refs) - len(mine.skipped))

    def _outgoing(self, call: OpenCall, mine: Call) -> OutgoingCall:
        left = [ref for n, ref in enumerate(call.refs) if n not in set(mine.skipped)]
        recipients = [self._recipient(ref) for ref in left]
        return OutgoingCall(
            self.message.msgid,
            recipients,
            mine.token or None,
            self.message.app_para,
            self._attachments(),
        )

    def _attachments(self) -> tuple[Attachment, ...]:
        """Fetched once per job; raises Rejected or Unavailable, as the provider's answer would be taken."""
        if self._files is None:
            urls = render.files(self.message, self.channel.code)
            self._files = (
                attachments.fetch(self.world, self.message.channel_key, urls) if urls else ()
            )
        return self._files

    def _recipient(self, ref: DeliveryRef) -> Recipient:
        chunk = self.chunk.plan.id
        reference = f"{chunk.msgid}.{chunk.chunk}.{ref.target}.{ref.channel}.{ref.contact}"
        plain = Recipient(
            self.chunk.plan.contact(ref),
            render.personal(self.world, self.message, chunk, ref),
            reference,
        )
        return email.dress(self.world, self.channel, self.message, chunk, ref, plain)

    def _record(
        self,
        call: OpenCall,
        outcomes: Sequence[Outcome],
        skipped: Sequence[int],
        answer: Answer | None = None,
    ) -> CallAnswer:
        """Put the answer once. If another worker's answer stands there, what ours says besides is added as facts."""
        now = self.world.clock.now()
        facts = [Fact(call.refs[n], FactKind.SKIPPED, now, source="call") for n in skipped]
        left = [ref for n, ref in enumerate(call.refs) if n not in set(skipped)]
        later: list[DeliveryRef] = []
        for ref, outcome in zip(left, outcomes, strict=True):
            if self._is_later(outcome, call.key.attempt):
                later.append(ref)
            else:
                facts += self._facts(ref, outcome, now)
        undeliverable = tuple(
            ref for ref, outcome in zip(left, outcomes, strict=True) if outcome.undeliverable
        )
        mine = CallAnswer(
            call.key,
            tuple(facts),
            now,
            answer.provider_id if answer else "",
            tuple(later),
            undeliverable,
        )
        stored = self.world.ledger.put_answer(self.chunk.plan.id, mine, self.message)
        if stored == mine:
            return mine
        known = {(f.ref, f.kind, f.provider_id) for f in stored.facts}
        besides = [f for f in mine.facts if (f.ref, f.kind, f.provider_id) not in known]
        if besides:
            self.world.ledger.add(self.chunk.plan.id, besides, self.message)
        return replace(mine, later=stored.later)

    def _is_later(self, outcome: Outcome, attempt: int) -> bool:
        resend = outcome.uncertain and self.channel.on_uncertain is OnUncertain.RESEND
        return (outcome.later or resend) and attempt + 1 < MAX_ATTEMPTS

    def _facts(self, ref: DeliveryRef, outcome: Outcome, now: int) -> list[Fact]:
        if outcome.uncertain:
            return [Fact(ref, FactKind.UNKNOWN, now, outcome.code, "call")]
        if outcome.loss is Loss.INVALID_TARGET:
            return [Fact(ref, FactKind.INVALID_TARGET, now, outcome.code, "call")]
        if outcome.loss or outcome.later:
            return [Fact(ref, FactKind.SUBMIT_FAILED, now, outcome.code, "call")]
        facts = [Fact(ref, FactKind.SUBMITTED, now, "", "call", outcome.provider_id)]
        if self.able.delivery_report is DeliveryReport.ACCEPTED:
            facts.append(Fact(ref, FactKind.DELIVERED, now, "", "call"))
        return facts


def _backoff(tries: int) -> float:
    """Seconds: 1, 1, 2, 4 … up to a quarter of an hour."""
    return min(2.0 ** min(tries - 1, 10), MAX_DELAY)
