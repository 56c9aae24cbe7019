"""Follow up the answers of calls: lookups, suppressions, timers, the next step."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from chalicelib.domain import elements
from chalicelib.domain.chunks import CallAnswer, Chunk
from chalicelib.domain.delivery_channels import Channel, ReceiptMode
from chalicelib.domain.facts import ENDS_SUBMISSION, DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import DeliverJob, Timer, TimerKind
from chalicelib.domain.messages import Message
from chalicelib.domain.provider_io import Capabilities, ProviderIds, names_of, parts_of
from chalicelib.domain.users import Suppression
from chalicelib.domain.values import frozen
from chalicelib.flow import poll, suppressions
from chalicelib.flow.dispatch import check_now
from chalicelib.flow.rules import counted
from chalicelib.flow.suppressions import ContactFeedback
from chalicelib.ports import Lookup, World


@frozen
class FollowUp:
    """The consequences of one job's answers. Repeating them changes nothing."""

    world: World
    job: DeliverJob
    message: Message
    channel: Channel
    chunk: Chunk

    @property
    def capabilities(self) -> Capabilities:
        return self.world.providers.of(self.channel.platform).capabilities

    def finish(self, answers: Sequence[CallAnswer]) -> None:
        """Do what follows besides lookups and timers."""
        self._suppress_contacts(answers)
        facts = [fact for answer in answers for fact in answer.facts]
        submitted = _submitted(answers)
        if submitted and poll.is_polled_as_a_whole(self.world, self.channel):
            expires = max(submitted) // 1000 + 2 * self.capabilities.poll_window
            self.world.lookups.expect(self.channel.code, max(submitted), expires)
        lost = {fact.ref.target for fact in facts if _ends_without_submission(fact)}
        if lost:
            counted.settle(self.world, self.message, self.chunk.plan.id, lost)
        if lost and self._has_next():
            now = self.world.clock.now()
            self.world.queues.send([check_now(self.message, self.chunk.plan.id, now)])

    def lookups(self, answers: Sequence[CallAnswer]) -> Mapping[str, Lookup]:
        """Return the lookups of the ids under which the provider may report, by id."""
        ids = self.capabilities.provider_ids
        lookups: dict[str, Lookup] = {}
        for answer in answers:
            if ids is ProviderIds.PER_CALL and answer.provider_id:
                lookups |= self._lookups_of_call(answer)
            elif ids is ProviderIds.PER_RECIPIENT:
                for fact in answer.facts:
                    lookups |= self._lookups(fact) if fact.provider_id else {}
        return lookups

    def _lookups_of_call(self, answer: CallAnswer) -> dict[str, Lookup]:
        """Return the lookups of a call: of its chunk, or of the only delivery that it has."""
        names, refs = answer.provider_id.split(" "), {fact.ref for fact in answer.facts}
        refs |= set(answer.later)
        if len(refs) == 1:
            return dict.fromkeys(names, self._lookup(refs.pop()))
        element = elements.number_of(self.job.channel)
        lookup = Lookup(self.chunk.plan.id, element=element, retention=self.message.retention)
        return dict.fromkeys(names, lookup)

    def _lookups(self, fact: Fact) -> dict[str, Lookup]:
        """Return the lookups of a fact's delivery, by each id under which the provider may report.

        A long SMS has several parts, each with an id of its own. An id may have several names.
        """
        parts = parts_of(fact.provider_id)
        lookup = self._lookup(fact.ref, parts if len(parts) > 1 else ())
        return {name: lookup for part in parts for name in names_of(part)}

    def _lookup(self, ref: DeliveryRef, parts: tuple[str, ...] = ()) -> Lookup:
        """Return the lookup of a delivery.

        A receipt for a suppressed contact needs the plan, since the contact may be alive again.
        """
        plan = self.chunk.plan
        is_suppressed = suppressions.is_undeliverable(plan, ref)
        retention = None if is_suppressed else self.message.retention
        element = elements.number_of(self.job.channel)
        return Lookup(plan.id, (ref.target, ref.contact), parts, element, retention)

    def _suppress_contacts(self, answers: Sequence[CallAnswer]) -> None:
        """Suppress dead contacts, and lift the suppression of live ones."""
        feedback = [
            notice for answer in answers for notice in _feedback(self.message, self.chunk, answer)
        ]
        suppressions.apply_feedback(self.world, feedback)

    def timers(self, answers: Sequence[CallAnswer]) -> list[Timer]:
        """Return the timers that wait for the receipts of calls that were submitted."""
        submitted = _submitted(answers)
        if not submitted:
            return []
        last, within, capabilities = max(submitted), self._within(), self.capabilities
        at, priority = self.chunk.plan.id, self.message.priority
        timers: list[Timer] = []
        if within:
            timers.append(Timer(last + within * 1000, TimerKind.CHECK, at, priority))
        is_polled = self.channel.receipts is ReceiptMode.POLL
        if is_polled and capabilities.polled_by_call:
            first = last + capabilities.poll_first * 1000
            timers.append(Timer(first, TimerKind.POLL, at, priority, self.job.channel))
        return timers

    def _has_next(self) -> bool:
        return self.job.step + 1 < len(self.message.strategy.steps)

    def _within(self) -> int:
        """Return the seconds until the first condition of a later step on this channel is due.

        0: there is none. The check that it wakes sets the timers of the others.
        """
        later = self.message.strategy.steps[self.job.step + 1 :]
        terms = (term for step in later for term in step.terms)
        return min((t.within for t in terms if t.channel is self.channel.type), default=0)


def _feedback(message: Message, chunk: Chunk, answer: CallAnswer) -> Iterator[ContactFeedback]:
    """Read from an answer which contacts are dead, and which are alive though suppressed."""
    plan = chunk.plan
    codes = {fact.ref: fact.code for fact in answer.facts} if answer.undeliverable else {}
    for ref in answer.undeliverable:
        yield ContactFeedback(
            message, plan, ref, True, Suppression(codes.get(ref, ""), answer.time)
        )
    for fact in answer.facts:
        if fact.kind is FactKind.DELIVERED and suppressions.is_undeliverable(plan, fact.ref):
            yield ContactFeedback(message, plan, fact.ref, False, Suppression("", answer.time))


def _submitted(answers: Iterable[CallAnswer]) -> list[int]:
    """Return the times of submissions."""
    facts = (fact for answer in answers for fact in answer.facts)
    return [fact.time for fact in facts if fact.kind is FactKind.SUBMITTED]


def _ends_without_submission(fact: Fact) -> bool:
    return fact.kind in ENDS_SUBMISSION and fact.kind is not FactKind.SUBMITTED
