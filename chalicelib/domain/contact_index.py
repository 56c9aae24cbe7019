"""Deliveries of chunks by contact, as the memory of one container.

Plans never change. So a receipt that names a call and a contact needs the plan of its chunk once.
A chunk of 1,000 people takes 16 KB here, so that the chunks of a large message fit.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import OrderedDict

from chalicelib.domain import contacts
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.plans import ChunkId, Plan, TargetLoss
from chalicelib.domain.values import frozen

CHUNKS, CALLS = 1000, 1000  # which a container remembers
CONTACTS = 1 << 16  # of a target on a channel, at most


@frozen
class _Chunk:
    """Hashes of identities in order, each with the place of a delivery.

    A place has target, contact, and whether the contact was known as dead.
    """

    kind: ChannelType
    hashes: array[int]
    places: array[int]

    def of(self, contact: str) -> list[int]:
        identity = contacts.identity(self.kind, contact)
        return self._found(identity) or self._found(identity.lower())

    def _found(self, identity: str) -> list[int]:
        key = hash(identity)
        first = end = bisect_left(self.hashes, key)
        while end < len(self.hashes) and self.hashes[end] == key:
            end += 1
        return list(self.places[first:end])


class ContactIndex:
    """Deliveries of chunks by contact and channel, and those of calls."""

    def __init__(self, chunks: int = CHUNKS, calls: int = CALLS) -> None:
        self._chunks: OrderedDict[tuple[ChunkId, str], _Chunk] = OrderedDict()
        self._calls: OrderedDict[tuple[ChunkId, str], frozenset[DeliveryRef]] = OrderedDict()
        self._sizes = chunks, calls

    def refs(self, plan: Plan, code: str, kind: ChannelType, contact: str) -> list[DeliveryRef]:
        """Return the deliveries of a chunk to a contact, in any spelling, and remember the chunk.

        A contact is also found in lower case, unless another contact is written so. Some providers
        name contacts in a case of their own.
        """
        key = (plan.id, code)
        if key not in self._chunks:
            self._chunks[key] = _read(plan, code, kind)
            if len(self._chunks) > self._sizes[0]:
                self._chunks.popitem(last=False)
        return [_ref(place, code) for place in self._chunks[key].of(contact)]

    def only(self, chunk: ChunkId, code: str, contact: str) -> DeliveryRef | None:
        """Return the delivery that a receipt names by its contact, if nothing else must be read.

        None: the chunk is not remembered, several deliveries have the contact, or it is to be
        found alive.
        """
        index = self._chunks.get((chunk, code))
        places = index.of(contact) if index else []
        return _ref(places[0], code) if len(places) == 1 and not places[0] & 1 else None

    def of_call(self, chunk: ChunkId, name: str) -> frozenset[DeliveryRef]:
        """Return the deliveries of a call that is remembered, empty for another one."""
        return self._calls.get((chunk, name), frozenset())

    def remember_call(self, chunk: ChunkId, name: str, refs: frozenset[DeliveryRef]) -> None:
        self._calls[chunk, name] = refs
        if len(self._calls) > self._sizes[1]:
            self._calls.popitem(last=False)


def _read(plan: Plan, code: str, kind: ChannelType) -> _Chunk:
    places: dict[str, list[int]] = {}
    for target, chosen in enumerate(plan.contacts):
        is_dead = plan.targets[target].refused.get(code) == TargetLoss.CONTACT_GONE
        for n, contact in enumerate(chosen.get(code, ())):
            place = (target * CONTACTS + n) * 2 + is_dead
            places.setdefault(contacts.identity(kind, contact), []).append(place)
    places = {**{identity.lower(): those for identity, those in places.items()}, **places}
    entries = sorted(
        (hash(identity), place) for identity, those in places.items() for place in those
    )
    return _Chunk(
        kind, array("q", [key for key, _ in entries]), array("Q", [place for _, place in entries])
    )


def _ref(place: int, code: str) -> DeliveryRef:
    target, contact = divmod(place >> 1, CONTACTS)
    return DeliveryRef(target, code, contact)
