"""Find the chunk that a target of a message is in."""

from __future__ import annotations

from chalicelib.domain import keys
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.ports import World


def chunk_of(world: World, sent: Message, name: str) -> ChunkId | None:
    """Find the chunk that a target is in, None if it is in none."""
    if sent.audience.is_scanned:
        return _stretch_of(world, sent, name)
    number: int | None = 0 if name in sent.userids else None
    while number is not None:
        plan = world.ledger.plan(ChunkId(sent.msgid, number), sent)
        if plan is None or any(planned.id == name for planned in plan.targets):
            return plan.id if plan else None
        number = sent.chunk_after(number) if plan.next is not None else None
    return None


def _stretch_of(world: World, sent: Message, userid: str) -> ChunkId | None:
    """Find the chunk of a scanned audience whose stretch has the user's position.

    The chunks of a partition are in order, so halving finds it.
    """
    partition, position = sent.audience.partition_of(userid), keys.position(userid)

    def ends_before(n: int) -> bool:
        at = ChunkId(sent.msgid, partition + n * sent.audience.partitions)
        plan = world.ledger.plan(at, sent)
        return plan is not None and plan.next is not None and plan.next < position

    low, high = -1, 0
    while ends_before(high):
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ends_before(middle) else (low, middle)
    return ChunkId(sent.msgid, partition + high * sent.audience.partitions)
