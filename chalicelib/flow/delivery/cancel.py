"""Calls that shall no longer be made: closed, so that no worker can claim them any more, and said so of their deliveries."""

from __future__ import annotations

from enum import Enum

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallState
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World


class CancelResult(Enum):
    CLOSED = "closed"
    ENDED = "there was nothing left to close"
    BUSY = "a worker has it"
    CHANGED = "somebody else changed it since the chunk was read"


def close(world: World, message: Message, chunk: Chunk, call: OpenCall, fact: Fact) -> CancelResult:
    """`fact` is what is said of each delivery, whatever its place; of a call that may have been taken it is `unknown`.

    A crash between the two writes leaves a closed call without facts, which the next one to come adds.
    """
    if all(chunk.of(ref).ended for ref in call.refs):
        return CancelResult.ENDED
    at, record = chunk.plan.id, chunk.calls.get(call.key)
    if record is not None and record.is_live(world.clock.now()):
        return CancelResult.BUSY
    if record is None or not record.is_over:
        may_be_taken = record is not None and record.state in (
            CallState.LEASED,
            CallState.UNCERTAIN,
        )
        closed = Call(call.key, CallState.ABANDONED if may_be_taken else CallState.CLOSED, 0)
        if world.ledger.claim(at, closed, record, message) is not None:
            return CancelResult.CHANGED
        record = closed
    kind = FactKind.UNKNOWN if record.state is CallState.ABANDONED else fact.kind
    open_places = [ref for ref in call.refs if not chunk.of(ref).ended]
    world.ledger.add(at, [fact._replace(ref=ref, kind=kind) for ref in open_places], message)
    return CancelResult.CLOSED
