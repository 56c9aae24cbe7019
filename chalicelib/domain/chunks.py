"""A chunk with all that its ledger partition holds, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field
from functools import cached_property
from typing import NamedTuple

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import NOTHING, DeliveryRef, DeliveryState, Fact, FactKind, gather
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallKey, Entrants, Plan
from chalicelib.domain.strategies import Progress, Verdict, judge
from chalicelib.domain.values import frozen


class NextCall(NamedTuple):
    """A call for deliveries that an answer put off. `is_tried`: the provider was offered them."""

    key: CallKey
    refs: tuple[DeliveryRef, ...]
    is_tried: bool


@frozen
class CallAnswer:
    """The provider's answer to a call, as facts. It is put once.

    `later`: deliveries to try again as the next attempt. The first `untried` of them were not tried
    yet, and go on in a call of their own. `halved`: the others go on in two calls.
    """

    key: CallKey
    facts: tuple[Fact, ...]
    time: int
    provider_id: str = ""
    later: tuple[DeliveryRef, ...] = ()
    undeliverable: tuple[DeliveryRef, ...] = ()  # deliveries whose contact itself is dead
    untried: int = 0
    halved: bool = False

    @property
    def next_calls(self) -> tuple[NextCall, ...]:
        """The calls that the put-off deliveries go on in.

        Each call's key begins at its first delivery. So no two calls share a key. The halves of a
        call count as not tried.
        """
        tried, end = self.untried, len(self.later)
        middle = tried + (end - tried + 1) // 2 if self.halved else end
        bounds = ((0, tried, False), (tried, middle, not self.halved), (middle, end, False))
        key = self.key._replace(attempt=self.key.attempt + 1)
        return tuple(
            NextCall(key._replace(start=key.start + begin), self.later[begin:behind], is_tried)
            for begin, behind, is_tried in bounds
            if begin < behind
        )


@frozen
class Deferral:
    """Calls from `key` up to the delivery `end` that are on hold until `until` (ms).

    Calls on hold for a rate limit still have a job. Calls on hold for a quota have none. The
    chunk's check sends one for them. Then they are `resumed`.
    """

    key: CallKey
    end: int
    until: int
    for_quota: bool = False
    resumed: bool = False

    def covers(self, key: CallKey) -> bool:
        return key[:3] == self.key[:3] and self.key.start <= key.start < self.end


@frozen
class Chunk:
    """A chunk's records, read with one consistent query. Every report on it derives from this."""

    plan: Plan
    entrants: tuple[Entrants, ...] = ()
    calls: Mapping[CallKey, Call] = field(default_factory=dict)
    answers: Mapping[CallKey, CallAnswer] = field(default_factory=dict)
    reported: tuple[Fact, ...] = ()  # receipts, clicks, expiries
    withdrawn: int | None = None  # ms: since then, nothing more may leave
    deferrals: tuple[Deferral, ...] = ()
    is_read: bool = True  # False: assumed to hold nothing but its plan yet
    first_call: CallKey | None = None  # whose record was put together with the plan

    def deferral(self, key: CallKey) -> Deferral | None:
        """Return the longest deferral that covers a call, or None."""
        covering = [deferral for deferral in self.deferrals if deferral.covers(key)]
        return max(covering, key=lambda deferral: deferral.until, default=None)

    @cached_property
    def states(self) -> dict[DeliveryRef, DeliveryState]:
        answered = (fact for answer in self.answers.values() for fact in answer.facts)
        return gather((*answered, *self.reported))

    @property
    def seen(self) -> int:
        """The number of facts, each time and code of a kind apart.

        Every change makes it grow, and so it tells a later count.
        """
        answered = (fact for answer in self.answers.values() for fact in answer.facts)
        members = sum(len(entrants.members) for entrants in self.entrants)
        return 1 + len({*answered, *self.reported}) + members + (self.withdrawn is not None)

    @property
    def last(self) -> int:
        """The time (ms) of the latest fact, 0 without any. It only grows."""
        answered = (fact for answer in self.answers.values() for fact in answer.facts)
        return max((fact.time for fact in (*answered, *self.reported)), default=0)

    def entrants_of(self, step: int) -> tuple[Entrants, ...]:
        """Return the frozen entrants of a step.

        All valid targets enter the first step at once, unless the plan says when each does.
        """
        if step == 0 and not self.plan.starts:
            return (Entrants(0, 0, self.plan.valid, self.plan.time),)
        return tuple(entrants for entrants in self.entrants if entrants.step == step)

    @cached_property
    def refused(self) -> dict[tuple[int, str], str]:
        """(target, code) -> why its step has left out the contacts there."""
        return {at: why for entrants in self.entrants for at, why in entrants.refused.items()}

    def members(self, step: int) -> frozenset[int]:
        """Return the targets that have entered a step."""
        return self._members.get(step, frozenset())

    @cached_property
    def _members(self) -> dict[int, frozenset[int]]:
        starts = self.plan.starts
        targets: dict[int, set[int]] = {0: set() if starts else set(self.plan.valid)}
        for entrants in self.entrants:
            if entrants.step or starts:
                targets.setdefault(entrants.step, set()).update(entrants.members)
        return {step: frozenset(members) for step, members in targets.items()}

    @property
    def not_started(self) -> tuple[int, ...]:
        """The valid targets that wait for their time to enter the first step."""
        entered = self.members(0)
        return tuple(t for t in self.plan.valid if t not in entered)

    def state_of(self, ref: DeliveryRef) -> DeliveryState:
        return self.states.get(ref, NOTHING)

    def refs(self, message: Message) -> Iterator[tuple[int, Entrants, DeliveryRef]]:
        """Yield every delivery that was decided on, with its step and that step's entrants."""
        for step in range(len(message.strategy.steps)):
            for entrants in self.entrants_of(step):
                for code in message.codes_of(step):
                    for ref in self.plan.deliveries(code, entrants):
                        yield step, entrants, ref

    @cached_property
    def _skipped(self) -> frozenset[int]:
        """The targets that earlier steps had reached before a later one was sent."""
        return frozenset(
            ref.target for ref, state in self.states.items() if state.has(FactKind.SKIPPED)
        )

    def progress(self, message: Message, target: int, step: int) -> dict[ChannelType, Progress]:
        """Return how far a target is on each channel type that the condition of a step names.

        A member of the step before is a member of every earlier step. A channel type is left out
        where another one was chosen for the target.
        """
        planned = self.plan.targets[target]
        types = dict.fromkeys(term.channel for term in message.strategy.steps[step].terms)
        codes = {kind: [c for c, of in message.channels.items() if of is kind] for kind in types}
        return {
            kind: self.best(self.deliveries_of(target, of_kind))
            for kind, of_kind in codes.items()
            if not planned.has_another_than(of_kind)
        }

    def deliveries_of(self, target: int, codes: Iterable[str]) -> list[DeliveryState]:
        """Return the states of a target's deliveries on delivery channels."""
        contacts, refused = self.plan.targets[target].contacts, self.refused
        return [
            self.state_of(DeliveryRef(target, code, contact))
            for code in codes
            if (target, code) not in refused
            for contact in range(contacts.get(code, 0))
        ]

    @staticmethod
    def best(deliveries: Sequence[DeliveryState]) -> Progress:
        submitted = [
            state.facts[FactKind.SUBMITTED].time
            for state in deliveries
            if FactKind.SUBMITTED in state.facts
        ]
        ended = all(state.ended for state in deliveries)
        return Progress(
            delivered=any(state.delivered for state in deliveries),
            clicked=any(state.clicked for state in deliveries),
            submitted_at=max(submitted) if submitted and ended else None,
            over=ended and not any(state.submitted for state in deliveries),
        )

    def verdict(
        self, message: Message, target: int, step: int, now: int
    ) -> tuple[Verdict, int | None]:
        """Judge whether a member of `step - 1` goes on to `step`, see `strategies.judge`.

        Who was skipped goes on to no further step, whatever its condition says.
        """
        if target in self._skipped:
            return Verdict.STAY, None
        return judge(message.strategy.steps[step], self.progress(message, target, step), now)
