"""Messages, their ledger of plans, calls and facts, and the way from a receipt to its delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Any, Protocol

from chalicelib.domain.chunks import CallAnswer, Chunk, Deferral
from chalicelib.domain.facts import Fact
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Ending, Entry, Message, Retention, Sent, Summary
from chalicelib.domain.plans import Call, ChunkId, Entrants, Plan
from chalicelib.domain.provider_io import Receipt
from chalicelib.domain.values import frozen

ONCE_SECONDS = 86400


@frozen
class IdempotencyKey:
    """A request under an idempotency key of its sender, kept with its message, mostly for a day."""

    name: str  # of the key, within its access channel and path
    digest: str  # of the body
    msgid: str = ""
    seconds: int = field(default=ONCE_SECONDS, compare=False)  # for which a new key is kept


class Messages(Protocol):
    def create(
        self,
        message: Message,
        plan: Plan | None,
        timer: Timer | None,
        contacts: Sequence[str] = (),
        once: IdempotencyKey | None = None,
    ) -> IdempotencyKey | None:
        """Store a message, its plan if it is small, its links and its first timer: all or nothing.

        Without a timer the message holds its plan, which is whole, in one item. Its first jobs are
        on their queues already.

        `contacts` belong to a message that names contacts instead of users. They are in the order
        of its targets. If `once` is stored already, store nothing and return it with its message.
        Raise Conflict if the msgid exists.
        """

    def once(self, name: str) -> IdempotencyKey | None:
        """Return the request under an idempotency key, read consistently."""

    def contacts(self, msgid: str) -> Sequence[str]:
        """Return the contacts that a message names. They are cached like `get`."""

    def written(self, msgid: str) -> Mapping[str, Any]:
        """Return the body of a message that is too long for the message itself, empty without."""

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        """Mark the message as withdrawn, with the timer that carries it out: both or none.

        Nothing more of it may leave. Return False if it was withdrawn before.
        """

    def withdrawn(self, msgid: str) -> int | None:
        """Return the time (ms) of the withdrawal, read consistently."""

    def ending(self, msgid: str) -> Ending | None:
        """Return whether a message was withdrawn or deleted, read consistently."""

    def delete(self, message: Message, time: int) -> None:
        """Delete a message that is over, with its contents, contacts and line in lists.

        Its short links and counts stay until they expire. A deleted message counts as withdrawn.
        """

    def get(self, msgid: str) -> Message | None:
        """Return a message, or None if there is none yet.

        A container caches a bounded number of messages, whatever their age, since they never
        change. It does not cache that a message is missing.
        """

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        """Return an access channel's messages before a msgid, back to a time (ms), newest first.

        A message is in the list some seconds after it was stored.
        """

    def endings(self, msgids: Sequence[str]) -> Mapping[str, Ending]:
        """Return the withdrawals of those of these messages that have one, 100 per request."""

    def entry(self, image: Mapping[str, Any]) -> Entry:
        """Read the entry of a new message from its image in the stream. Anything else raises."""

    def sent_to(
        self, target: str, before: str, since: int, limit: int
    ) -> tuple[Sequence[Sent], str]:
        """Return messages before a msgid that name a target, newest first, back to a time (ms).

        The msgid from which the search goes on comes beside them, empty at the end. It takes a
        few requests, and more only within a minute. So it may end early. Messages of the last
        seconds may be missing.
        """

    def of_segment(self, number: int, limit: int) -> Sequence[Summary]:
        """Return the newest messages to a segment, newest first, as long as they have figures."""

    def links(self, msgid: str) -> Mapping[str, str] | None:
        """Return the addresses of a message's link variables, or None once they have expired.

        They outlive the message's history by more than a year.
        """

    def put_counts(self, chunk: ChunkId, counts: Counts, expires: int) -> None:
        """Replace a chunk's counts unless the stored ones have seen more facts."""

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        """Return the counts of every chunk that was counted."""


class Ledger(Protocol):
    """The ledger, with one partition per chunk.

    Puts of plans, entrants, claims and answers are conditional: the first stands, and is returned.
    """

    def put_plan(self, plan: Plan, message: Message) -> Plan: ...
    def begin(self, plan: Plan, call: Call, message: Message) -> bool:
        """Put a plan with the record of its first call. Return False if a plan is there already.

        Whoever replaces this record puts one beside the plan, which stands for it from then on.
        """

    def plan(self, chunk: ChunkId, message: Message) -> Plan | None:
        """Return the plan alone, which the message may hold.

        Plans never change. A container caches a bounded number of them, whatever their age.
        """

    def plans(self, messages: Mapping[ChunkId, Message]) -> Mapping[ChunkId, Plan]:
        """Return the plans of chunks that have one, as `plan` does, with one request per 100."""

    def withdraw(self, chunk: ChunkId, time: int, message: Message) -> None:
        """Mark the chunk as withdrawn, even if it has no plan yet.

        Every later reader of the chunk lets nothing leave.
        """

    def freeze(self, chunk: ChunkId, entrants: Entrants, message: Message) -> Entrants: ...
    def chunk(self, chunk: ChunkId, message: Message) -> Chunk | None:
        """Return everything about a chunk, read consistently, or None if it has no plan.

        The message may hold the plan.
        """

    def claim(
        self, chunk: ChunkId, call: Call, expected: Call | None, message: Message
    ) -> Call | None:
        """Put a call's record if the stored one is still as expected (None: not stored).

        Return None for a claimed call, else the stored record. What was put with the plan is not
        seen here.
        """

    def put_answer(self, chunk: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer: ...
    def put_deferral(self, chunk: ChunkId, deferral: Deferral, message: Message) -> None:
        """Record that calls are on hold, so that a check does not take them for lost.

        It replaces the deferral of the calls that begin at the same key.
        """

    def add(self, chunk: ChunkId, facts: Sequence[Fact], message: Message) -> None:
        """Add facts as one bundle. A repeat of the same facts is the same bundle."""

    def add_all(self, bundles: Sequence[tuple[ChunkId, Sequence[Fact], Retention]]) -> None:
        """Add a bundle to each of several different chunks, 25 bundles per request."""

    def add_click(self, chunk: ChunkId, fact: Fact, message: Message) -> bool:
        """Add the first fact of its kind (click, opening, scan) on a short link.

        Later ones are not written. Return whether it was the first.
        """


@frozen
class Lookup:
    """The destination of a provider's id: a call's chunk, or a delivery in it (`ref`).

    With a `retention` a receipt becomes a fact of this delivery without another reading.
    """

    chunk: ChunkId
    ref: tuple[int, int] | None = None  # (target, contact)
    # the ids of all parts of a delivery that goes in several, each with a report
    parts: tuple[str, ...] = ()
    element: int = 1  # the number of the element that was sent
    retention: Retention | None = None


@frozen
class Nonce:
    """The nonce of a provider's post, which goes with one body only."""

    channel: str
    name: str
    digest: str  # of the body
    expires: int  # epoch seconds


class Lookups(Protocol):
    """The way from a receipt to its delivery: provider id -> chunk, written by `Recordings.put`.

    Receipts that come too early are parked under their id, for a day.
    """

    def get(
        self, channel: str, provider_ids: Sequence[str], *, fresh: bool = False
    ) -> Mapping[str, Lookup]:
        """Return the lookups of known ids, which may come from a cache since they never change.

        `fresh` reads all of them consistently.
        """

    def find(self, ids: Mapping[str, Sequence[str]]) -> Mapping[tuple[str, str], Lookup]:
        """Return the lookups of ids by channel, under channel and id, as `get` does.

        One batch read per 100 ids.
        """

    def of_post(self, nonce: Nonce, provider_ids: Sequence[str]) -> Mapping[str, Lookup] | None:
        """Return the lookups of a post's ids as `get` does. None: its nonce had another body.

        Nonce and ids are read consistently, in one batch per 100. The nonce is not written.
        """

    def park(
        self, channel: str, receipts: Mapping[str, Sequence[Receipt]], expires: int
    ) -> Mapping[str, str]:
        """Park receipts by provider id. Return the name under which those of each id are parked.

        The same receipts have the same name. An id with more receipts than any of our calls could
        have belongs to another system. Its further receipts may be dropped, and have no name.
        """

    def parked(self, channel: str, provider_ids: Sequence[str]) -> Sequence[Receipt]:
        """Return parked receipts, read consistently.

        Thus either the process that parks sees the lookup, or the lookup's writer sees the parked
        receipts.
        """

    def parked_of(self, ids: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[Receipt]]:
        """Return parked receipts of several channels as `parked` does, by channel.

        A channel without parked receipts is left out.
        """

    def parked_by(self, channel: str, posts: Mapping[str, str]) -> Sequence[Receipt]:
        """Return the receipts that were parked under these ids by these names."""

    def use_nonce(self, nonce: Nonce) -> bool:
        """Write a nonce. Return False if it was used with another body."""

    def expect(self, channel: str, time: int, expires: int) -> None:
        """Record a submission whose receipts will be polled.

        A container writes at most once in half a minute.
        """

    def expected(self, channels: Sequence[str]) -> Mapping[str, int]:
        """Return the times (ms) of the last submissions on channels, give or take half a minute."""
