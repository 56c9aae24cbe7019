"""Put the answers of calls, at once or with other records.

A call that nobody had claimed before is its worker's alone while the lease lives. So its answer
needs no condition, and can wait for others. Some calls have no token that outlives the worker.
Their answers do not wait for another call. So a worker that dies leaves one such call unknown at
most.
"""

from __future__ import annotations

from dataclasses import replace

from chalicelib.domain.chunks import CallAnswer
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, ChunkId
from chalicelib.domain.provider_io import Capabilities
from chalicelib.ports import World

MARGIN = 0.25  # of a lease, which a write may take with all its retries
# Leases until the job of a worker that died comes back. Its queue hides it for six.
RETURN = 7


class Answers:
    """The answers of one job that wait."""

    def __init__(
        self, world: World, message: Message, at: ChunkId, capabilities: Capabilities, calls: int
    ) -> None:
        self._world, self._message, self._at = world, message, at
        self._has_tokens = (capabilities.token_life or 0) > RETURN * world.limits.lease
        self._is_only = calls == 1
        self._kept: list[tuple[CallAnswer, int]] = []  # and until when their leases live
        self.is_urgent = False  # one must be written before the next call

    def keep(self, answer: CallAnswer, record: Call) -> bool:
        """Keep the answer to a call of this record. Return False if it must not wait."""
        has_token = self._has_tokens and bool(record.token)
        is_last = self._is_only or not self._message.is_single
        if answer.later or not (has_token or is_last):
            return False
        self._kept.append((answer, record.lease))
        self.is_urgent = self.is_urgent or not has_token
        return True

    def __len__(self) -> int:
        return len(self._kept)

    def clear(self) -> None:
        self._kept.clear()
        self.is_urgent = False

    def to_write(self) -> list[CallAnswer]:
        """Return the kept answers to write without condition.

        An answer whose lease ends soon is put here with one.
        """
        soon = self._world.clock.now() + MARGIN * self._world.limits.lease * 1000
        for answer, lease in self._kept:
            if lease <= soon:
                put_answer(self._world, self._at, answer, self._message)
        return [answer for answer, lease in self._kept if lease > soon]


def put_answer(world: World, at: ChunkId, answer: CallAnswer, message: Message) -> CallAnswer:
    """Put an answer once. If another worker's answer stands, add facts that it lacks."""
    stored = world.ledger.put_answer(at, answer, message)
    if stored == answer:
        return answer
    stored_facts = {(f.ref, f.kind, f.provider_id) for f in stored.facts}
    missing = [f for f in answer.facts if (f.ref, f.kind, f.provider_id) not in stored_facts]
    if missing:
        world.ledger.add(at, missing, message)
    return replace(answer, later=stored.later, untried=stored.untried, halved=stored.halved)
