"""List the targets of a message by reason and state, and read a target's contacts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chalicelib.domain import elements, targets
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.errors import Invalid, NotFound
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.reasons import of_loss
from chalicelib.domain.targets import Row
from chalicelib.flow.messages import ending_of
from chalicelib.ports import World
from chalicelib.reports.chunks import chunk_of


class Filter(NamedTuple):
    """The rows to list. An empty field selects all."""

    reason: str = ""
    state: str = ""


class Place(NamedTuple):
    """A place in the order of a message's rows: first chunk of a partition, chunk, row in it."""

    first: int = 0
    chunk: int = 0
    row: int = 0

    @property
    def text(self) -> str:
        return "-".join(map(str, self))

    @staticmethod
    def of(text: str, message: Message) -> Place:
        if not text:
            return Place()
        place = Place(*map(int, text.split("-")))
        if place.first >= message.audience.partitions:
            raise Invalid("cursor", "invalid; use the cursor of the previous page")
        return place


def page(
    world: World, msgid: str, after: str, limit: int, chosen: Filter
) -> tuple[list[dict[str, Any]], str | None]:
    """Return rows of a message after a place, and the place where the page ended, None at the end.

    A page reads some chunks at most. So it may be short although others follow. Raises NotFound.
    """
    message = world.messages.get(msgid)
    if message is None:
        raise NotFound("message")
    ending_of(world, msgid)
    begin, listed = Place.of(after, message), list[dict[str, Any]]()
    for number, (place, chunk) in enumerate(_chunks(world, message, begin)):
        if number == world.limits.sizes.listed_chunks:
            return listed, place.text
        for row_number, row in enumerate(targets.rows(message, chunk)):
            if row_number < place.row or not row.has(*chosen):
                continue
            if len(listed) == limit:
                return listed, place._replace(row=row_number).text
            listed.append(_shown(message, chunk, row))
    return listed, None


def _chunks(world: World, message: Message, begin: Place) -> Iterator[tuple[Place, Chunk]]:
    """Yield the chunks from a place on. Only the first one begins within its rows."""
    place: Place | None = begin
    for first in message.first_chunks[begin.first :]:
        place = place or Place(first, first)
        while place is not None:
            chunk = world.ledger.chunk(ChunkId(message.msgid, place.chunk), message)
            if chunk is not None:
                yield place, chunk
            has_next = chunk is not None and chunk.plan.next is not None
            place = Place(first, message.chunk_after(place.chunk)) if has_next else None


def _shown(message: Message, chunk: Chunk, row: Row) -> dict[str, Any]:
    kind, code = targets.types_of(message, row)
    return {
        "target": row.target,
        "state": row.state,
        "reason": row.reason or None,
        "why": of_loss(row.reason)._asdict() if row.reason else None,
        "step": row.step or None,
        "channel": kind.value if kind else None,
        "code": code or None,
        "masked": masked(chunk.plan.contact(row.ref)) if row.ref else None,
        "time": row.time or None,
    }


def contacts(world: World, msgid: str, target: str) -> list[dict[str, Any]]:
    """Return the contacts of a target whole, by delivery channel. Raises NotFound."""
    message = world.messages.get(msgid)
    if message is None:
        raise NotFound("message")
    ending_of(world, msgid)
    at = chunk_of(world, message, target)
    plan = world.ledger.plan(at, message) if at else None
    for planned, of_target in zip(plan.targets, plan.contacts, strict=True) if plan else ():
        if planned.id == target:
            return [
                {
                    "channel": message.channels[code].value,
                    "code": elements.channel_of(code),
                    "element": elements.number_of(code),
                    "contacts": list(values),
                }
                for code, values in sorted(of_target.items())
                if code in message.channels
            ]
    raise NotFound("target")
