"""Facts: what happened to deliveries.

Facts are only ever added. A delivery's state is a pure function of its facts. A fact names its
delivery by the target's position in the chunk, the delivery channel, and the contact's position.

Facts travel and are stored in bundles. A bundle holds all that a call's answer or a webhook said
about a chunk. It costs one write where its facts would cost hundreds. Two facts of the same kind
about a delivery count as one: the earliest stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from chalicelib.domain.values import frozen


class FactKind(StrEnum):
    SUBMITTED = "submitted"
    SUBMIT_FAILED = "submit_failed"
    INVALID_TARGET = "invalid_target"  # a submit_failed that the funnel counts before `valid`
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    BOUNCED = "bounced"  # a mail came back after its server had taken it
    CLICKED = "clicked"
    WITHDRAWN = "withdrawn"
    WITHDRAW_FAILED = "withdraw_failed"
    UNKNOWN = "unknown"  # the provider may or may not have it
    SKIPPED = "skipped"  # reached meanwhile by another channel
    EXPIRED = "expired"  # never submitted in time
    OPENED = "opened"  # a mail's picture was fetched
    SCANNED = "scanned"  # a program looked at a link
    COMPLAINED = "complained"  # a reader reported a mail as spam
    OTHER = "other"  # a provider's status that we do not know: kept with its code


# After any of these facts, nothing is left to submit.
ENDS_SUBMISSION = frozenset(
    {
        FactKind.SUBMITTED,
        FactKind.SUBMIT_FAILED,
        FactKind.INVALID_TARGET,
        FactKind.UNKNOWN,
        FactKind.SKIPPED,
        FactKind.EXPIRED,
        FactKind.WITHDRAWN,
    }
)


class DeliveryRef(NamedTuple):
    """A delivery within its chunk."""

    target: int
    channel: str  # code of the delivery channel
    contact: int


class Fact(NamedTuple):
    ref: DeliveryRef
    kind: FactKind
    time: int  # ms: the provider's, or the call record's, so that a repeat says the same
    code: str = ""
    source: str = ""  # call, webhook, poll, link, timer, withdrawal
    provider_id: str = ""
    cost: int = 0  # millionths of the currency, by the price that held at submission


@frozen
class Bundle:
    """Facts of a chunk that became known together.

    The same facts make the same bundle, so that a repeat replaces itself.
    """

    facts: tuple[Fact, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(encode(self.facts)).hexdigest()[:24]


def encode(facts: Iterable[Fact]) -> bytes:
    """Return compact JSON that does not depend on the order of the facts.

    Its form is `[[channel, kind, code, source, [[target, contact, time, id, cost], …]], …]`.
    """
    ordered = sorted(
        set(facts),
        key=lambda f: (f.ref.channel, f.kind, f.code, f.source, f.ref, *f[2:]),
    )
    groups = groupby(ordered, key=lambda f: (f.ref.channel, f.kind.value, f.code, f.source))
    body = [[*head, [_member(f) for f in members]] for head, members in groups]
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _member(fact: Fact) -> list[int | str]:
    member: list[int | str] = [fact.ref.target, fact.ref.contact, fact.time]
    if fact.cost:
        return [*member, fact.provider_id, fact.cost]
    return [*member, fact.provider_id] if fact.provider_id else member


def decode(raw: bytes) -> tuple[Fact, ...]:
    return tuple(
        _fact(channel, kind, code, source, member)
        for channel, kind, code, source, members in json.loads(raw)
        for member in members
    )


def _fact(channel: str, kind: str, code: str, source: str, member: list[Any]) -> Fact:
    target, contact, time, *rest = member
    ref = DeliveryRef(target, channel, contact)
    return Fact(ref, FactKind(kind), time, code, source, *rest)


_TIME = attrgetter("time", "code", "source", "provider_id", "cost")


class DeliveryState(NamedTuple):
    """The earliest fact of each kind about a delivery."""

    facts: Mapping[FactKind, Fact]

    def has(self, *kinds: FactKind) -> bool:
        return any(kind in self.facts for kind in kinds)

    @property
    def clicked(self) -> bool:
        return FactKind.CLICKED in self.facts

    @property
    def delivered(self) -> bool:
        """A mail that came back was not delivered, although its server had taken it."""
        return self.clicked or (self.has(FactKind.DELIVERED) and not self.has(FactKind.BOUNCED))

    @property
    def submitted(self) -> bool:
        """A delivered or clicked delivery counts as submitted.

        A receipt may come before its submission is recorded.
        """
        failed = (FactKind.DELIVERY_FAILED, FactKind.BOUNCED)
        return self.delivered or self.has(FactKind.SUBMITTED, *failed)

    @property
    def cost(self) -> int:
        """The cost in millionths: that of the submission, nothing if it was not submitted."""
        call = self.facts.get(FactKind.SUBMITTED) or self.facts.get(FactKind.UNKNOWN)
        return call.cost if call is not None and self.submitted else 0

    @property
    def ending(self) -> tuple[Fact, ...]:
        """The facts after which nothing is left to submit."""
        return tuple(self.facts[kind] for kind in ENDS_SUBMISSION if kind in self.facts)

    @property
    def ended(self) -> bool:
        """Nothing is left to submit for the delivery."""
        return self.submitted or any(kind in ENDS_SUBMISSION for kind in self.facts)

    @property
    def state(self) -> str:
        """The state to show.

        The order is clicked, delivered, withdrawn, bounced, delivery_failed, submitted. Then comes
        the fact that ended the delivery before its submission, then pending.
        """
        if self.clicked:
            return "clicked"
        if self.delivered:
            return "delivered"
        order = (
            FactKind.WITHDRAWN,
            FactKind.BOUNCED,
            FactKind.DELIVERY_FAILED,
            FactKind.SUBMITTED,
            FactKind.INVALID_TARGET,
            FactKind.SUBMIT_FAILED,
            FactKind.UNKNOWN,
            FactKind.SKIPPED,
            FactKind.EXPIRED,
        )
        return next((kind.value for kind in order if kind in self.facts), "pending")


NOTHING = DeliveryState({})


def gather(facts: Iterable[Fact]) -> dict[DeliveryRef, DeliveryState]:
    """Derive the states of deliveries from facts, whose order and repetition do not matter."""
    earliest: dict[DeliveryRef, dict[FactKind, Fact]] = {}
    for fact in facts:
        kinds = earliest.setdefault(fact.ref, {})
        old = kinds.get(fact.kind)
        if old is None or _TIME(fact) < _TIME(old):
            kinds[fact.kind] = fact
    return {ref: DeliveryState(kinds) for ref, kinds in earliest.items()}
