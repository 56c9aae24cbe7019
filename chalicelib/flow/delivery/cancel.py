"""Calls that shall no longer be made: closed, so that no worker can claim them any more, and said so of their deliveries."""

from __future__ import annotations

from enum import Enum

from chalicelib.domain.chunks import Page
from chalicelib.domain.facts import Fact, FactKind
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Call, CallState
from chalicelib.flow.dispatch import OpenCall
from chalicelib.ports import World


class Closing(Enum):
    CLOSED = "closed"
    ENDED = "there was nothing left to close"
    BUSY = "a worker has it"
    CHANGED = "somebody else changed it since the page was read"


def close(world: World, message: Message, page: Page, call: OpenCall, fact: Fact) -> Closing:
    """`fact` is what is said of each delivery, whatever its place; of a call that may have been taken it is `unknown`.

    A crash between the two writes leaves a closed call without facts, which the next one to come adds.
    """
    if all(page.of(place).ended for place in call.places):
        return Closing.ENDED
    at, record = page.plan.id, page.calls.get(call.key)
    if record is not None and record.is_live(world.clock.now()):
        return Closing.BUSY
    if record is None or not record.is_over:
        may_be_taken = record is not None and record.state in (
            CallState.LEASED,
            CallState.UNCERTAIN,
        )
        closed = Call(call.key, CallState.ABANDONED if may_be_taken else CallState.CLOSED, 0)
        if world.ledger.claim(at, closed, record, message) is not None:
            return Closing.CHANGED
        record = closed
    kind = FactKind.UNKNOWN if record.state is CallState.ABANDONED else fact.kind
    open_places = [place for place in call.places if not page.of(place).ended]
    world.ledger.add(at, [fact._replace(place=place, kind=kind) for place in open_places], message)
    return Closing.CLOSED
