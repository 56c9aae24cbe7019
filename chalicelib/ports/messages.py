"""Messages and what becomes of them: plans, calls, facts, and the way from a receipt to its delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from chalicelib.domain.chunks import CallAnswer, Chunk, Wait
from chalicelib.domain.facts import Fact
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Message, Summary
from chalicelib.domain.plans import Call, ChunkId, Entrants, Plan
from chalicelib.domain.provider_io import Receipt


@dataclass(frozen=True)
class IdempotencyKey:
    """A request under the idempotency key that its sender gave it, remembered for a day with the message that it became."""

    name: str  # of the key, within its access channel and path
    digest: str  # of the body
    msgid: str = ""


class Messages(Protocol):
    def create(
        self,
        message: Message,
        plan: Plan | None,
        timer: Timer,
        contacts: Sequence[str] = (),
        once: IdempotencyKey | None = None,
    ) -> IdempotencyKey | None:
        """Message, its plan where it is small, its links and its first timer: all or nothing. Raises Conflict when the msgid exists.

        `contacts` are those of a message that names contacts instead of users, in the order of its targets. Where `once` stands
        already, nothing is stored, and it is returned with its message.
        """

    def once(self, name: str) -> IdempotencyKey | None:
        """What stands under an idempotency key, read consistently."""

    def contacts(self, msgid: str) -> Sequence[str]:
        """The contacts that a message names; cached like `get`."""

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        """Say that nothing more may leave, with a timer that sees to it: both or none. False when it was said before."""

    def withdrawn(self, msgid: str) -> int | None:
        """Since when (ms) nothing more may leave; read consistently."""

    def get(self, msgid: str) -> Message | None:
        """Immutable, hence cached without limit of age within a container (bounded in number)."""

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        """An access channel's messages from before a msgid back to a time (ms), newest first."""

    def links(self, msgid: str) -> Mapping[str, str] | None:
        """Link variable -> address; outlives the message's history, by more than a year. None when its time is over."""

    def put_counts(self, chunk: ChunkId, counts: Counts, expires: int) -> None:
        """Replace a chunk's counts unless the stored ones have seen more facts."""

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        """The counts of each chunk that was counted."""


class Ledger(Protocol):
    """One partition per chunk. Puts of plans, lists, claims and answers are conditional: the first stands, and is returned."""

    def put_plan(self, plan: Plan, message: Message) -> Plan: ...
    def plan(self, chunk: ChunkId) -> Plan | None:
        """The plan alone; it never changes, hence cached without limit of age within a container (bounded in number)."""

    def withdraw(self, chunk: ChunkId, time: int, message: Message) -> None:
        """Mark the chunk, whether it has a plan yet or not: whoever reads it from now on lets nothing leave."""

    def freeze(self, chunk: ChunkId, go: Entrants, message: Message) -> Entrants: ...
    def chunk(self, chunk: ChunkId) -> Chunk | None:
        """Everything of the chunk, read consistently; None when it has no plan."""

    def claim(
        self, chunk: ChunkId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        """Put the record if there is none (`expected` None) or if it is still the expected one. None: claimed; else the record found."""

    def put_answer(self, chunk: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer: ...
    def put_wait(self, chunk: ChunkId, wait: Wait, message: Message) -> None:
        """That calls wait, so that nobody takes them for lost; replaces what was said of those that begin there."""

    def add(self, chunk: ChunkId, facts: Sequence[Fact], message: Message) -> None:
        """Add facts as one bundle; the same facts again are the same bundle."""

    def add_all(self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Message]]) -> None:
        """The same for several chunks, each at most once: 25 bundles per request."""

    def add_click(self, chunk: ChunkId, fact: Fact, message: Message) -> bool:
        """The first fact of its kind (click, opening, scan) on a link of ours; later ones write nothing. Whether it was the first."""


@dataclass(frozen=True)
class Lookup:
    """Where a provider's id leads: to a call's chunk, or to one delivery of it (`place`)."""

    chunk: ChunkId
    ref: tuple[int, int] | None = None  # (target, contact)
    parts: tuple[
        str, ...
    ] = ()  # where a delivery goes in several, each with a report: the ids of all


class Lookups(Protocol):
    """Receipts find their delivery: provider id -> chunk. Receipts that come too early are parked under that id, for a day."""

    def put(self, channel: str, found: Mapping[str, Lookup], expires: int) -> None: ...
    def get(
        self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False
    ) -> Mapping[str, Lookup]:
        """Known ids may come from a cache (they never change) unless unknown; `fresh` asks again, consistently."""

    def park(self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int) -> None:
        """By id. Of one of which more is said than of any call of ours, the rest may be left out."""

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        """Read consistently, so that either the parker sees the lookup or its writer sees what is parked."""

    def use_nonce(self, channel: str, nonce: str, digest: str, expires: int) -> bool:
        """False when the nonce was used with another body."""

    def expect(self, channel: str, time: int, expires: int) -> None:
        """That something was submitted whose receipts will be asked for. Written at most once in half a minute per container."""

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        """When (ms) something was last submitted on these channels, half a minute more or less."""
