"""Rows of fact files: the raw facts of messages, without contacts, for other programs.

A file has the rows of a unit on one day. A unit is a part of a large message, or the
small messages of a quarter of an hour. The day is that of the figures. A message
itself stands on the day of its acceptance, and all else on the day of sending.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from chalicelib.domain import elements
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.figures import QUARTER, quarter_of
from chalicelib.domain.funnel import refused
from chalicelib.domain.messages import Message
from chalicelib.domain.notes import BLOCK
from chalicelib.domain.plans import ChunkId

# Numbers of a part of a large message: 400,000 targets. Files are named by parts.
# Another value would write the facts of stored messages again, into files of other parts.
CHUNKS = 400

# Facts of a row, beside those of deliveries.
MESSAGE, TARGET, LOST, DELIVERY, REFUSED = "message", "target", "lost", "delivery", "refused"


class FactRow(NamedTuple):
    """A fact as a row. A message has no chunk, and a target no delivery."""

    access_channel: str
    msgid: str
    template: int | None
    sent: int  # ms
    fact: str
    time: int | None = None  # ms, of a message and of facts of deliveries
    code: str | None = None  # the reason of a loss, or the provider's code
    chunk: int | None = None
    number: int | None = None  # of the target in its chunk
    target: str | None = None  # its id
    step: int | None = None  # from 1 on
    channel_type: str | None = None
    delivery_channel: str | None = None
    element: str | None = None  # the delivery channel, and which of several elements
    contact: int | None = None  # which of several contacts of the target


def unit_of_block(block: int) -> ChunkId:
    """Return the unit of a block of small messages: a quarter of an hour, without a message."""
    return ChunkId("", quarter_of(block * BLOCK))


def unit_of_chunk(chunk: ChunkId) -> ChunkId:
    """Return the unit of a chunk of a large message: the part in which its number is."""
    return ChunkId(chunk.msgid, chunk.number // CHUNKS)


def blocks_of(quarter: int) -> range:
    """Return the blocks of a quarter of an hour."""
    length = QUARTER // BLOCK
    return range(quarter * length, (quarter + 1) * length)


def name_of(unit: ChunkId, day: str) -> str:
    """Return the path of a unit's file of a day, as Hive names partitions."""
    name = f"{unit.msgid}-{unit.number:04d}" if unit.msgid else f"quarter-{unit.number:07d}"
    return f"facts/day={day}/{name}.parquet"


def of_message(message: Message) -> FactRow:
    return _row(message)._replace(fact=MESSAGE, time=message.accepted)


def of_chunk(message: Message, chunk: Chunk) -> Iterator[FactRow]:
    """Yield the rows of a chunk. Of two facts of one kind about a delivery, the earliest stands."""
    shared = _row(message)._replace(chunk=chunk.plan.id.number)
    rows: list[FactRow] = []
    for number, target in enumerate(chunk.plan.targets):
        row = shared._replace(number=number, target=target.id or None)
        rows.append(row)
        yield row._replace(fact=TARGET)
        if target.loss:
            yield row._replace(fact=LOST, code=target.loss.value)
    for step, number, code, reason in refused(message, chunk):
        row = rows[number]._replace(step=step + 1, **_channel(message, code))
        yield row._replace(fact=REFUSED, code=reason)
    for step, _, ref in chunk.refs(message):
        place = _channel(message, ref.channel)
        row = rows[ref.target]._replace(step=step + 1, contact=ref.contact, **place)
        yield row._replace(fact=DELIVERY)
        for kind, fact in sorted(chunk.state_of(ref).facts.items()):
            yield row._replace(fact=kind.value, time=fact.time, code=fact.code or None)


def _row(message: Message) -> FactRow:
    number = message.template[0] or None
    return FactRow(message.channel_key, message.msgid, number, message.starts, "")


def _channel(message: Message, code: str) -> dict[str, Any]:
    return {
        "channel_type": message.channels[code].value,
        "delivery_channel": elements.channel_of(code),
        "element": code,
    }
