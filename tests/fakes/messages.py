"""Messages in memory: accepted whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain.errors import Conflict
from chalicelib.domain.funnel import Counts
from chalicelib.domain.jobs import Timer
from chalicelib.domain.messages import Ending, Entry, Message, Sent, Summary
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.ports import IdempotencyKey
from tests.fakes.clock import FakeTimers
from tests.fakes.copies import copy_of
from tests.fakes.ledger import FakeLedger
from tests.fakes.steps import Steps

SHORT = 8000  # characters of a body that stands in its message


class FakeMessages:
    def __init__(self, steps: Steps, ledger: FakeLedger, timers: FakeTimers) -> None:
        self.steps, self.ledger, self.timers = steps, ledger, timers
        self.stored: dict[str, Message] = {}
        self.keys: dict[str, IdempotencyKey] = {}
        self._ends: dict[str, int] = {}  # ms, of keys
        self.listed: list[Entry] = []
        self._withdrawn: dict[str, int] = {}
        self._deleted: set[str] = set()
        self._written: dict[str, Mapping[str, Any]] = {}
        self._links: dict[str, dict[str, str]] = {}
        self._counts: dict[ChunkId, Counts] = {}
        self._contacts: dict[str, tuple[str, ...]] = {}

    def create(
        self,
        message: Message,
        plan: Plan | None,
        timer: Timer | None,
        contacts: Sequence[str] = (),
        once: IdempotencyKey | None = None,
    ) -> IdempotencyKey | None:
        with self.steps.around("messages.create", write=True):
            if once is not None and (stands := self.standing(once.name)) is not None:
                return stands
            if message.msgid in self.stored:
                raise Conflict("a message with this id exists")
            self.has(message if timer else replace(message, plan=plan))
            self._contacts[message.msgid] = (
                tuple(contacts) if plan is None or plan.next is not None else ()
            )
            if plan is not None:
                self.ledger._first(plan.id, "plan", plan, message)
            if timer is not None:
                self.timers.put_row(timer)
            if once is not None:
                self.use(once, message.msgid)
            return None

    def withdraw(self, message: Message, time: int, timer: Timer) -> bool:
        with self.steps.around("messages.withdraw", write=True):
            if message.msgid in self._withdrawn:
                return False
            self._withdrawn[message.msgid] = time
            self.timers.put_row(timer)
            return True

    def withdrawn(self, msgid: str) -> int | None:
        with self.steps.around("messages.withdrawn", write=False):
            return self._withdrawn.get(msgid)

    def ending(self, msgid: str) -> Ending | None:
        with self.steps.around("messages.ending", write=False):
            time = self._withdrawn.get(msgid)
            return None if time is None else Ending(time, msgid in self._deleted)

    def endings(self, msgids: Sequence[str]) -> Mapping[str, Ending]:
        with self.steps.around("messages.endings", write=False):
            return {
                id: Ending(self._withdrawn[id], id in self._deleted)
                for id in msgids
                if id in self._withdrawn
            }

    def delete(self, message: Message, time: int) -> None:
        with self.steps.around("messages.delete", write=True):
            self._withdrawn.setdefault(message.msgid, time)
            self._deleted.add(message.msgid)
            self.stored.pop(message.msgid, None)
            self._contacts.pop(message.msgid, None)
            self._written.pop(message.msgid, None)

    def once(self, name: str) -> IdempotencyKey | None:
        with self.steps.around("messages.once", write=False):
            return self.standing(name)

    def standing(self, name: str) -> IdempotencyKey | None:
        """Return a key whose time is not over."""
        is_over = self._ends.get(name, 0) <= self.timers.clock.now()
        return None if is_over else self.keys.get(name)

    def use(self, once: IdempotencyKey, id: str) -> None:
        """Note for which message or request a key was used, until its time is over."""
        self.keys[once.name] = replace(once, msgid=id)
        self._ends[once.name] = self.timers.clock.now() + once.seconds * 1000

    def has(self, message: Message) -> None:
        """Set-up of a test: this message is stored, without plan and timer."""
        is_long = len(str(message.written)) > SHORT
        self._written[message.msgid] = copy_of(message.written) if is_long else {}
        self.stored[message.msgid] = copy_of(replace(message, written={}) if is_long else message)
        if message.links:
            self._links[message.msgid] = dict(message.links)

    def get(self, msgid: str) -> Message | None:
        with self.steps.around("messages.get", write=False):
            return copy_of(self.stored.get(msgid))

    def contacts(self, msgid: str) -> Sequence[str]:
        with self.steps.around("messages.contacts", write=False):
            return self._contacts.get(msgid, ())

    def written(self, msgid: str) -> Mapping[str, Any]:
        with self.steps.around("messages.written", write=False):
            return copy_of(self._written.get(msgid, {}))

    def newest(self, channel_key: str, before: str, since: int, limit: int) -> Sequence[Summary]:
        with self.steps.around("messages.newest", write=False):
            known = (
                m
                for m in self.stored.values()
                if m.channel_key == channel_key and m.msgid < before and m.accepted >= since
            )
            return [m.summary for m in sorted(known, key=lambda m: m.msgid, reverse=True)][:limit]

    def entry(self, image: Mapping[str, Any]) -> Entry:
        """Look up the stored message: an image of the fake is only its key."""
        message = self.stored[image["pk"]["S"]]
        named = () if message.audience.is_scanned else message.userids
        return Entry(message.channel_key, message.summary, message.expires, named)

    def sent_to(
        self, target: str, before: str, since: int, limit: int
    ) -> tuple[Sequence[Sent], str]:
        with self.steps.around("messages.sent_to", write=False):
            found = [
                Sent(m.channel_key, m.msgid)
                for m in self.stored.values()
                if target in m.userids and not m.audience.is_scanned and since <= m.accepted
            ]
            older = [sent for sent in found if sent.msgid < before]
            ordered = sorted(older, key=lambda sent: sent.msgid, reverse=True)
            return ordered[:limit], ordered[limit - 1].msgid if len(ordered) >= limit else ""

    def of_segment(self, number: int, limit: int) -> Sequence[Summary]:
        with self.steps.around("messages.of_segment", write=False):
            sent = [m.summary for m in self.stored.values() if m.audience.segment == number]
            return sorted(sent, key=lambda summary: summary.msgid, reverse=True)[:limit]

    def links(self, msgid: str) -> Mapping[str, str] | None:
        with self.steps.around("messages.links", write=False):
            return copy_of(self._links.get(msgid))

    def put_counts(self, chunk: ChunkId, counts: Counts, expires: int) -> None:
        with self.steps.around("messages.put_counts", write=True):
            stored = self._counts.get(chunk)
            if stored is None or stored.seen <= counts.seen:
                self._counts[chunk] = copy_of(counts)

    def counts(self, msgid: str) -> Mapping[int, Counts]:
        with self.steps.around("messages.counts", write=False):
            return {
                chunk.number: copy_of(c)
                for chunk, c in sorted(self._counts.items())
                if chunk.msgid == msgid
            }

    def expire(self, msgid: str) -> None:
        """Delete the history and keep the links, as the TTL does."""
        self.stored.pop(msgid, None)
        for chunk in [p for p in self.ledger.partitions if p.msgid == msgid]:
            del self.ledger.partitions[chunk]
