"""Deliveries of a chunk, found by the contact that a receipt names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId, Plan

MAX_INDEXES = 64  # of chunks, kept in memory since receipts come in many posts

_indexes: dict[tuple[ChunkId, str, int], Mapping[str, Sequence[DeliveryRef]]] = {}


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
