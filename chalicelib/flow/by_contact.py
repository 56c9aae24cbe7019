"""Tell the deliveries to one contact apart, by the call that a receipt names."""

from __future__ import annotations

from chalicelib.domain.facts import DeliveryRef, Fact
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import Plan
from chalicelib.domain.provider_io import Receipt
from chalicelib.ports import World


def of_call(
    world: World, message: Message, plan: Plan, receipt: Receipt, facts: list[Fact]
) -> list[Fact]:
    """Return those of a contact's facts whose deliveries went with the receipt's call.

    A contact may be twice in a chunk, and each time in a call of its own. The answers of the calls
    tell which. If the answer of this call was never recorded, all of them may have.
    """
    name = receipt.provider_id
    refs = world.contact_index.of_call(plan.id, name)
    if not refs:
        refs = _read(world, message, plan, receipt)
        if refs:
            world.contact_index.remember_call(plan.id, name, refs)
    return [fact for fact in facts if fact.ref in refs] if refs else facts


def _read(world: World, message: Message, plan: Plan, receipt: Receipt) -> frozenset[DeliveryRef]:
    chunk = world.ledger.chunk(plan.id, message)
    return frozenset(
        fact.ref
        for answer in (chunk.answers.values() if chunk else ())
        if receipt.provider_id in answer.provider_id.split(" ")
        for fact in answer.facts
    )
