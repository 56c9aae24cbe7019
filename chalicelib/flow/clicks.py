"""Follow short links, and record who did."""

from __future__ import annotations

from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.flow import suppressions
from chalicelib.flow.content import render
from chalicelib.ports import World


def follow_link(world: World, token: str, *, by_program: bool = False) -> str:
    """Return the address of a short link, and record its delivery's first click.

    A visit by a program is recorded apart, and is not a click. Raises NotFound.
    """
    link = render.read_link(world.vault, token)
    addresses = world.messages.links(link.chunk.msgid)
    if not addresses or link.variable >= len(addresses):
        raise NotFound("link")
    message = world.messages.get(link.chunk.msgid)
    plan = world.ledger.plan(link.chunk, message) if message else None
    # Links live on when a message's history has expired.
    if message is not None and plan is not None:
        ref = DeliveryRef(link.target, sorted(message.channels)[link.channel], link.contact)
        kind = FactKind.SCANNED if by_program else FactKind.CLICKED
        fact = Fact(ref, kind, world.clock.now(), "", "link")
        if world.ledger.add_click(link.chunk, fact, message) and not by_program:
            suppressions.record_visit(world, message, plan, ref, fact.time)
    return addresses[sorted(addresses)[link.variable]]
