"""Facts: what happened to deliveries. They are only ever added, and a delivery's state is a pure function of them.

A fact names its delivery by place: position of the target in its chunk, delivery channel, position of the contact. Facts travel and
are stored in bundles (all that one call's answer or one webhook said about a chunk), since a bundle costs one write where its facts
would cost hundreds. Two facts of the same kind about one delivery are one: the earliest stands.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple


class FactKind(StrEnum):
    SUBMITTED = "submitted"
    SUBMIT_FAILED = "submit_failed"
    INVALID_TARGET = (
        "invalid_target"  # a submit_failed that the channel funnel counts before `valid`
    )
    DELIVERED = "delivered"
    DELIVERY_FAILED = "delivery_failed"
    CLICKED = "clicked"
    WITHDRAWN = "withdrawn"
    WITHDRAW_FAILED = "withdraw_failed"
    UNKNOWN = "unknown"  # the provider may or may not have it
    SKIPPED = "skipped"  # reached meanwhile by another channel
    EXPIRED = "expired"  # never submitted in time
    OPENED = "opened"  # a mail's picture was fetched
    SCANNED = "scanned"  # a program looked at a link
    OTHER = "other"  # a provider's status that we do not know: kept with its code


# After one of these, nothing is left to submit.
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
    time: int  # ms; the provider's, or the call record's, so that a repeat says the same
    code: str = ""
    source: str = ""  # call, webhook, poll, link, timer, withdrawal
    provider_id: str = ""


@dataclass(frozen=True)
class Bundle:
    """Facts of one chunk that became known together. The same facts make the same bundle, so that a repeat replaces itself."""

    facts: tuple[Fact, ...]

    @property
    def digest(self) -> str:
        return hashlib.sha256(encode(self.facts)).hexdigest()[:24]


def encode(facts: Iterable[Fact]) -> bytes:
    """Compact JSON, in one order whatever the order of the facts: [[channel, kind, code, source, [[target, contact, time, id], …]], …]."""
    ordered = sorted(
        set(facts),
        key=lambda f: (f.ref.channel, f.kind, f.code, f.source, f.ref, f.time, f.provider_id),
    )
    groups = groupby(ordered, key=lambda f: (f.ref.channel, f.kind.value, f.code, f.source))
    body = [[*head, [_member(f) for f in members]] for head, members in groups]
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


def _member(fact: Fact) -> list[int | str]:
    member: list[int | str] = [fact.ref.target, fact.ref.contact, fact.time]
    return [*member, fact.provider_id] if fact.provider_id else member


def decode(raw: bytes) -> tuple[Fact, ...]:
    return tuple(
        Fact(
            DeliveryRef(m[0], channel, m[1]),
            FactKind(kind),
            m[2],
            code,
            source,
            m[3] if len(m) > 3 else "",
        )
        for channel, kind, code, source, members in json.loads(raw)
        for m in members
    )


_TIME = attrgetter("time", "code", "source", "provider_id")


class DeliveryState(NamedTuple):
    """What is known of one delivery: for each kind its earliest fact."""

    facts: Mapping[FactKind, Fact]

    def has(self, *kinds: FactKind) -> bool:
        return any(kind in self.facts for kind in kinds)

    @property
    def clicked(self) -> bool:
        return FactKind.CLICKED in self.facts

    @property
    def delivered(self) -> bool:
        return self.clicked or FactKind.DELIVERED in self.facts

    @property
    def submitted(self) -> bool:
        """Whatever was delivered or clicked was also submitted; a receipt may come before its submission."""
        return self.delivered or self.has(FactKind.SUBMITTED, FactKind.DELIVERY_FAILED)

    @property
    def ended(self) -> bool:
        """Nothing is left to submit."""
        return self.submitted or any(kind in ENDS_SUBMISSION for kind in self.facts)

    @property
    def state(self) -> str:
        """What is shown: clicked > delivered > withdrawn > delivery_failed > submitted > what ended it before > pending."""
        if self.clicked:
            return "clicked"
        if self.delivered:
            return "delivered"
        order = (
            FactKind.WITHDRAWN,
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
    """Whatever the order and however often: the same facts give the same state."""
    found: dict[DeliveryRef, dict[FactKind, Fact]] = {}
    for fact in facts:
        kinds = found.setdefault(fact.ref, {})
        old = kinds.get(fact.kind)
        if old is None or _TIME(fact) < _TIME(old):
            kinds[fact.kind] = fact
    return {ref: DeliveryState(kinds) for ref, kinds in found.items()}
