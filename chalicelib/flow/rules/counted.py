"""Give back what rules have counted for messages that were not sent after all.

Rules that count are frequency caps and the budget. A message that neither counts costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.flow.rules import budget, caps
from chalicelib.ports import World


def settle(world: World, message: Message, at: ChunkId, targets: Iterable[int] = ()) -> None:
    """Give back what targets that fell out have counted, by default of the whole chunk.

    The chunk is read again, after what made them fall out was written.
    """
    chunk = world.ledger.chunk(at, message) if message.caps or message.budget else None
    if chunk is not None:
        settle_chunk(world, message, chunk, targets)


def settle_chunk(world: World, message: Message, chunk: Chunk, targets: Iterable[int] = ()) -> None:
    """Give back what was counted for what was not sent and never will be, as the chunk says."""
    caps.settle_chunk(world, message, chunk, targets)
    budget.settle_chunk(world, message, chunk)


def give_back_plan(world: World, message: Message, plan: Plan, stored: Plan | None = None) -> None:
    """Give back what a plan has counted that was not stored. `stored`: another that stands."""
    caps.give_back_plan(world, message, plan, stored)
    budget.give_back_plan(world, message, plan, stored)
