"""Deliveries of a chunk, found by the contact that a receipt names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef, Fact
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId, Plan
from chalicelib.domain.provider_io import Receipt
from chalicelib.flow import provider_ids
from chalicelib.ports import World

# Of chunks and of calls, kept in memory since receipts come in many posts.
MAX_INDEXES, MAX_CALLS = 64, 1000

_indexes: dict[tuple[ChunkId, str, int], Mapping[str, Sequence[DeliveryRef]]] = {}
_calls: dict[tuple[ChunkId, str, int], frozenset[DeliveryRef]] = {}


def refs(plan: Plan, code: str, kind: ChannelType, contact: str) -> Sequence[DeliveryRef]:
    """Return the deliveries of a chunk to a contact on a channel, in any spelling of it."""
    identity, index = contacts.identity(kind, contact), _index(plan, code, kind)
    return index.get(identity) or index.get(identity.lower(), ())


def _index(plan: Plan, code: str, kind: ChannelType) -> Mapping[str, Sequence[DeliveryRef]]:
    """Return identity of a contact -> deliveries of a chunk on a channel.

    Identities are also there in lower case, unless another contact is written so. Some providers
    name contacts in a case of their own.
    """
    key = (plan.id, code, plan.time)
    if key not in _indexes:
        index: dict[str, list[DeliveryRef]] = {}
        for target, chosen in enumerate(plan.contacts):
            for n, contact in enumerate(chosen.get(code, ())):
                identity = contacts.identity(kind, contact)
                index.setdefault(identity, []).append(DeliveryRef(target, code, n))
        index = {
            **{identity.lower(): deliveries for identity, deliveries in index.items()},
            **index,
        }
        while len(_indexes) >= MAX_INDEXES:
            del _indexes[next(iter(_indexes))]
        _indexes[key] = index
    return _indexes[key]


def of_call(
    world: World, message: Message, plan: Plan, receipt: Receipt, facts: list[Fact]
) -> list[Fact]:
    """Return those of a contact's facts whose deliveries went with the receipt's call.

    A contact may be twice in a chunk, and each time in a call of its own. The answers of the calls
    tell which. If the answer of this call was never recorded, all of them may have.
    """
    refs = _refs_of_call(world, message, plan, receipt)
    return [fact for fact in facts if fact.ref in refs] if refs else facts


def _refs_of_call(
    world: World, message: Message, plan: Plan, receipt: Receipt
) -> frozenset[DeliveryRef]:
    key = (plan.id, receipt.provider_id, plan.time)
    if key in _calls:
        return _calls[key]
    chunk = world.ledger.chunk(plan.id, message)
    answers = chunk.answers.values() if chunk else ()
    refs = frozenset(
        fact.ref
        for answer in answers
        if receipt.provider_id
        in provider_ids.names_of_call(world.vault, answer.provider_id, [receipt.contact])
        for fact in answer.facts
    )
    while len(_calls) >= MAX_CALLS:
        del _calls[next(iter(_calls))]
    if refs:
        _calls[key] = refs
    return refs
