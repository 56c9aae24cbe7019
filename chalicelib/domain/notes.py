"""Notes: what the streams say of small messages, gathered in blocks.

A block is all small messages that were accepted within a few seconds. Its notes may come more than
once and in any order. What they say together is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import field
from typing import NamedTuple

from chalicelib.domain import keys
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import Fact
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Entrants, Plan
from chalicelib.domain.values import frozen

BLOCK = 15_000  # ms: 30,000 messages at 2,000 a second, some megabytes to read
LIFE = 140 * 86400  # seconds for which a block's notes are kept
COUNTED = 130 * 86400  # seconds for which a block is counted: longer than facts may come


class OptOut(NamedTuple):
    """An opt-out that a person made from an access channel. Its note is written with its effect.

    `id` is random. On the preferences page an opt-out is from one topic on one channel type.
    """

    channel_key: str
    channel_type: str
    way: str  # reply, one_click, preferences
    template: int  # of the message that offered it, 0: not known
    time: int  # ms, when it was recorded
    id: str

    @property
    def block(self) -> int:
        return self.time // BLOCK


NOWHERE = ChunkId("", 0)  # of notes that belong to no message


class Note(NamedTuple):
    """A message, or a plan, entrants or facts of one of its chunks. Or an opt-out.

    `start`: when (ms) the hold or review of the message ended, 0 without one. It is not stored.
    """

    chunk: ChunkId
    value: Message | Plan | Entrants | tuple[Fact, ...] | OptOut
    start: int = 0

    @property
    def block(self) -> int:
        return self.value.block if isinstance(self.value, OptOut) else block_of(self.chunk.msgid)

    @property
    def begins(self) -> int:
        """The time (ms) from which the age of what it says counts."""
        starts = self.value.starts if isinstance(self.value, Message) else self.start
        return max(starts, self.block * BLOCK)


@frozen
class Gathered:
    """A message with those of its chunks that are planned."""

    message: Message
    chunks: Sequence[Chunk] = ()


@frozen
class Block:
    """The messages of a block. `seen` counts what the notes say, so it only grows."""

    seen: int
    messages: Sequence[Gathered] = field(default_factory=tuple)
    opt_outs: frozenset[OptOut] = frozenset()


def block_of(msgid: str) -> int:
    return keys.message_time(msgid) // BLOCK


def gathered(notes: Iterable[Note]) -> Block:
    """Return what notes say together. What is said of a message not known yet counts later."""
    messages: dict[str, Message] = {}
    plans: dict[ChunkId, Plan] = {}
    entrants: dict[ChunkId, dict[tuple[int, int], Entrants]] = {}
    facts: dict[ChunkId, set[Fact]] = {}
    opt_outs: set[OptOut] = set()
    for chunk, value, _ in notes:
        if isinstance(value, Message):
            messages[chunk.msgid] = value
            if value.plan is not None:
                plans[value.plan.id] = value.plan
        elif isinstance(value, Plan):
            plans[chunk] = value
        elif isinstance(value, Entrants):
            entrants.setdefault(chunk, {})[value.step, value.number] = value
        elif isinstance(value, OptOut):
            opt_outs.add(value)
        else:
            facts.setdefault(chunk, set()).update(value)
    chunks: dict[str, list[Chunk]] = {}
    for id, plan in sorted(plans.items()):
        lists = tuple(list for _, list in sorted(entrants.get(id, {}).items()))
        reported = tuple(sorted(facts.get(id, ())))
        chunks.setdefault(id.msgid, []).append(Chunk(plan, lists, reported=reported))
    seen = len(messages) + len(plans) + _size(entrants) + _size(facts)
    known = [Gathered(m, chunks.get(id, ())) for id, m in sorted(messages.items())]
    return Block(seen + len(opt_outs), known, frozenset(opt_outs))


def _size(by_chunk: Mapping[ChunkId, Sized]) -> int:
    return sum(map(len, by_chunk.values()))
