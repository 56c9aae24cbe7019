"""Find the chunks that a target is in, of one message or of several at once."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence

from chalicelib.domain import keys
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.ports import World

Search = Generator[ChunkId, Plan | None, ChunkId | None]


def chunk_of(world: World, sent: Message, name: str) -> ChunkId | None:
    """Find the chunk that a target is in, None if it is in none."""
    return chunks_of(world, [sent], name).get(sent.msgid)


def chunks_of(world: World, messages: Sequence[Message], name: str) -> Mapping[str, ChunkId]:
    """Find the chunks that a target is in by message, with a request for each round.

    A round reads a plan of every message that is still searched.
    """
    by_id = {message.msgid: message for message in messages}
    searches = {message.msgid: _search(message, name) for message in messages}
    found: dict[str, ChunkId] = {}
    plans: Mapping[ChunkId, Plan] = {}
    wanted: dict[str, ChunkId | None] = dict.fromkeys(searches)
    while wanted:
        for msgid, at in list(wanted.items()):
            try:
                wanted[msgid] = searches[msgid].send(plans.get(at) if at else None)
            except StopIteration as end:
                del wanted[msgid]
                if end.value is not None:
                    found[msgid] = end.value
        plans = world.ledger.plans({at: by_id[msgid] for msgid, at in wanted.items() if at})
    return found


def _search(sent: Message, name: str) -> Search:
    """Ask for the plans of chunks, until the chunk of a target is known. Return it."""
    if sent.audience.is_scanned:
        return (yield from _stretch_of(sent, name))
    number: int | None = 0 if name in sent.userids else None
    while number is not None:
        plan = yield ChunkId(sent.msgid, number)
        if plan is None or any(planned.id == name for planned in plan.targets):
            return plan.id if plan else None
        number = sent.chunk_after(number) if plan.next is not None else None
    return None


def _stretch_of(sent: Message, userid: str) -> Search:
    """Find the chunk of a scanned audience whose stretch has the user's position.

    The chunks of a partition are in order, so halving finds it.
    """
    partition, position = sent.audience.partition_of(userid), keys.position(userid)

    def chunk(n: int) -> ChunkId:
        return ChunkId(sent.msgid, partition + n * sent.audience.partitions)

    low, high = -1, 0
    while _ends_before((yield chunk(high)), position):
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        ends_before = _ends_before((yield chunk(middle)), position)
        low, high = (middle, high) if ends_before else (low, middle)
    return chunk(high)


def _ends_before(plan: Plan | None, position: str) -> bool:
    return plan is not None and plan.next is not None and plan.next < position
