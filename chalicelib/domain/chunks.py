"""A chunk with all that its ledger partition holds, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import NOTHING, DeliveryRef, DeliveryState, Fact, FactKind, gather
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallKey, Entrants, Plan
from chalicelib.domain.strategies import Progress, Verdict, judge


@dataclass(frozen=True)
class CallAnswer:
    """What the provider answered to a call, as facts, put once. `later`: places to try again as the next attempt."""

    key: CallKey
    facts: tuple[Fact, ...]
    time: int
    provider_id: str = ""
    later: tuple[DeliveryRef, ...] = ()
    undeliverable: tuple[DeliveryRef, ...] = ()  # deliveries whose contact itself is dead


@dataclass(frozen=True)
class Wait:
    """Calls that have to wait, from `key` on to the delivery `end`, until a time (ms): their job for its turn, or nobody for them:
    no job stands for calls that wait for a quota, and the chunk's look sends one."""

    key: CallKey
    end: int
    until: int
    for_quota: bool = False

    def covers(self, key: CallKey) -> bool:
        return key[:3] == self.key[:3] and self.key.start <= key.start < self.end


@dataclass(frozen=True)
class Chunk:
    """Read with one consistent query. All that is said of a chunk is derived from this."""

    plan: Plan
    go: tuple[Entrants, ...] = ()
    calls: Mapping[CallKey, Call] = field(default_factory=dict)
    answers: Mapping[CallKey, CallAnswer] = field(default_factory=dict)
    reported: tuple[Fact, ...] = ()  # receipts, clicks, expiries
    withdrawn: int | None = None  # ms: since then, nothing more may leave
    waits: tuple[Wait, ...] = ()

    def wait(self, key: CallKey) -> Wait | None:
        """What a call waits for, if it waited for something: the longest wait counts."""
        return max(
            (wait for wait in self.waits if wait.covers(key)),
            key=lambda wait: wait.until,
            default=None,
        )

    @cached_property
    def known(self) -> dict[DeliveryRef, DeliveryState]:
        answered = (fact for answer in self.answers.values() for fact in answer.facts)
        return gather((*answered, *self.reported))

    @property
    def seen(self) -> int:
        """How many different facts there are: it only grows, so that a later count is known by it."""
        withdrawn = self.withdrawn is not None
        return (
            sum(len(known.facts) for known in self.known.values())
            + sum(len(g.members) for g in self.go)
            + withdrawn
        )

    def lists(self, step: int) -> tuple[Entrants, ...]:
        """The frozen lists of a step. The first step has one: all valid targets."""
        if step == 0:
            return (Entrants(0, 0, self.plan.valid, self.plan.time),)
        return tuple(g for g in self.go if g.step == step)

    def members(self, step: int) -> frozenset[int]:
        return self._members.get(step, frozenset())

    @cached_property
    def _members(self) -> dict[int, frozenset[int]]:
        steps = {0, *(g.step for g in self.go)}
        return {step: frozenset(t for g in self.lists(step) for t in g.members) for step in steps}

    def of(self, ref: DeliveryRef) -> DeliveryState:
        return self.known.get(ref, NOTHING)

    def refs(self, message: Message) -> Iterator[tuple[int, Entrants, DeliveryRef]]:
        """Every delivery that was decided on: (step, list, place)."""
        for step in range(len(message.strategy.steps)):
            for go in self.lists(step):
                for code in message.codes_of(step):
                    for ref in self.plan.deliveries(code, go.members):
                        yield step, go, ref

    def progress(self, message: Message, target: int, step: int) -> dict[ChannelType, Progress]:
        """How far a target is on each channel type of a step."""
        return {
            kind: self._best(
                [
                    self.of(DeliveryRef(target, code, c))
                    for code in message.codes_of(step)
                    if message.channels[code] is kind
                    for c in range(self.plan.targets[target].contacts.get(code, 0))
                ]
            )
            for kind in message.strategy.steps[step].channels
        }

    @staticmethod
    def _best(deliveries: Sequence[DeliveryState]) -> Progress:
        submitted = [
            k.facts[FactKind.SUBMITTED].time for k in deliveries if FactKind.SUBMITTED in k.facts
        ]
        ended = all(k.ended for k in deliveries)
        # Who was skipped had been reached by an earlier step, and goes on to no further one.
        skipped = any(k.has(FactKind.SKIPPED) for k in deliveries)
        return Progress(
            delivered=skipped or any(k.delivered for k in deliveries),
            clicked=skipped or any(k.clicked for k in deliveries),
            submitted_at=max(submitted) if submitted and ended else None,
            over=ended and not any(k.submitted for k in deliveries),
        )

    def verdict(
        self, message: Message, target: int, step: int, now: int
    ) -> tuple[Verdict, int | None]:
        """Whether a member of `step - 1` goes on to `step`."""
        return judge(message.strategy.steps[step], self.progress(message, target, step - 1), now)
