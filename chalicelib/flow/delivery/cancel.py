"""Cancel calls: close them, so that no worker can claim them, and record it for each delivery."""

from __future__ import annotations

from enum import Enum

from chalicelib.domain.chunks import Chunk
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallState
from chalicelib.flow import costs
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World

_MAY_BE_TAKEN = (CallState.LEASED, CallState.UNCERTAIN)


class CancelResult(Enum):
    CLOSED = "closed"
    ENDED = "there was nothing left to close"
    BUSY = "a worker has it"
    CHANGED = "another worker changed it since the chunk was read"


def cancel(
    world: World, message: Message, chunk: Chunk, call: OpenCall, fact: Fact
) -> CancelResult:
    """Close a call, and add a copy of `fact` for each delivery of the call that is still open.

    A copy names its own delivery, so the one in `fact` does not matter. If the provider may have
    taken the call, the copies say `unknown`. A crash between the two writes leaves a closed call
    without facts. The next worker that cancels the call adds them.
    """
    open_refs = [ref for ref in call.refs if not chunk.state_of(ref).ended]
    if not open_refs:
        return CancelResult.ENDED
    at, record = chunk.plan.id, chunk.calls.get(call.key)
    if record is not None and record.is_live(world.clock.now()):
        return CancelResult.BUSY
    if record is None or not record.is_over:
        may_be_taken = record is not None and record.state in _MAY_BE_TAKEN
        closed = Call(call.key, CallState.ABANDONED if may_be_taken else CallState.CLOSED, 0)
        if world.ledger.claim(at, closed, record, message) is not None:
            return CancelResult.CHANGED
        record = closed
    facts = [fact._replace(ref=ref) for ref in open_refs]
    if record.state is CallState.ABANDONED:
        facts = [_unknown(world, message, chunk, fact) for fact in facts]
    world.ledger.add(at, facts, message)
    return CancelResult.CLOSED


def _unknown(world: World, message: Message, chunk: Chunk, fact: Fact) -> Fact:
    cost = costs.of_delivery(world, message, chunk.plan, fact.ref)
    return fact._replace(kind=FactKind.UNKNOWN, cost=cost)
