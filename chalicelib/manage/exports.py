"""Exports: the targets of a message, or statistics, as files that members download.

A job writes one file of an export and puts the next job on its queue. A repeated job writes the
same file again. So an export may have any size, and memory holds one file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import elements, keys
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.definitions import DEFINITIONS
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import NotFound
from chalicelib.domain.facts import DeliveryRef
from chalicelib.domain.funnel import losses_of
from chalicelib.domain.imports import FileFormat
from chalicelib.domain.jobs import Envelope, ExportJob
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.reasons import of_loss
from chalicelib.manage.imports import sheets
from chalicelib.manage.imports.report import MEDIA
from chalicelib.ports import Document, World

ROWS = 50_000  # of a file. The last chunk in it may bring some more.
KEPT = 30 * 86400  # seconds for which an export and its files are kept
SIGNED = 3600  # seconds for which an address downloads a file
TARGETS = ("target", "contact", "state", "step", "channel_type", "channel", "time", "reason")
WORDS = ("reason_zh", "reason_en")
MEANINGS = ("figure", "中文", "定义", "definition")

Row = Sequence[str]
Sheet = tuple[Row, list[Row]]
Rows = Callable[[World, Mapping[str, Any]], Sheet]


def begin(world: World, kind: str, format: FileFormat, query: Mapping[str, Any]) -> Document:
    """Store an export and queue its first job. Raise NotFound without the message it is of."""
    if kind == "targets" and world.messages.get(query["msgid"]) is None:
        raise NotFound("message")
    now = world.clock.now()
    id = keys.message_id(now, secrets.token_bytes(4))
    body = {
        "kind": kind,
        "format": format.value,
        "query": dict(query),
        "state": "running",
        "created": now,
        "rows": 0,
        "files": [],
        "position": [0, 0],
    }
    export = Document(_key(id), 1, body, now // 1000 + KEPT)
    world.figures.store([export])
    _continue(world, id)
    return export


def show(world: World, id: str) -> tuple[Document, list[str]]:
    """Return an export with the addresses of its files, which work for an hour."""
    export = world.figures.load([_key(id)]).get(_key(id))
    if export is None:
        raise NotFound("export")
    urls = [world.files.address(_path(id, name), name, SIGNED) for name in export.body["files"]]
    return export, urls


def work(world: World, job: ExportJob, rows: Rows) -> None:
    """Write the next file of an export. `rows` makes those of statistics."""
    key = _key(job.id)
    export = world.figures.load([key]).get(key)
    if export is None or export.body["state"] == "done":
        return
    body = dict(export.body)
    if body["kind"] == "targets":
        (heading, lines), position = _targets(world, body["query"], body["position"])
    else:
        (heading, lines), position = rows(world, body["query"]), None
    name = f"{body['kind']}-{len(body['files']) + 1:04d}.{body['format']}"
    format = FileFormat(body["format"])
    with_definitions = body["kind"] == "statistics"
    world.files.write(
        _path(job.id, name), _content(format, heading, lines, with_definitions), MEDIA[format]
    )
    names = [*body["files"], name]
    if with_definitions and format is FileFormat.CSV:
        names.append("definitions.csv")
        content = sheets.write(MEANINGS, definitions())
        world.files.write(_path(job.id, names[-1]), content, MEDIA[format])
    body |= {
        "files": names,
        "rows": body["rows"] + len(lines),
        "position": position,
        "state": "running" if position else "done",
    }
    stored = world.figures.store([replace(export, version=export.version + 1, body=body)])
    if stored and position:
        _continue(world, job.id)


def _content(
    format: FileFormat, heading: Row, lines: Sequence[Row], with_definitions: bool
) -> bytes:
    if format is FileFormat.CSV:
        return sheets.write(heading, lines)
    more = {"definitions": (MEANINGS, definitions())} if with_definitions else {}
    return sheets.write_workbook(heading, lines, more)


def definitions() -> list[Row]:
    """Return the definition of each figure in both languages."""
    return [(name, *definition) for name, definition in DEFINITIONS.items()]


def _continue(world: World, id: str) -> None:
    world.queues.send([Envelope(ExportJob(id), Priority.LOW, None, "exports")])


def id_of(export: Document) -> str:
    return keys.split(export.key[0])[1]


def _key(id: str) -> tuple[str, str]:
    return keys.join("export", id), "-"


def _path(id: str, name: str) -> str:
    return f"exports/{id}/{name}"


# -- the targets of a message


def _targets(
    world: World, query: Mapping[str, Any], position: Sequence[int]
) -> tuple[Sheet, list[int] | None]:
    """Return the rows of some chunks, and the partition and chunk that are next."""
    heading, lines = (*TARGETS, *WORDS), list[Row]()
    message = world.messages.get(query["msgid"])
    if message is None:
        return (heading, lines), None  # its history has expired meanwhile
    partition, number = position
    for first in message.first_chunks[partition:]:
        at: int | None = number or first
        while at is not None:
            if len(lines) >= ROWS:
                return (heading, lines), [first, at]
            chunk = world.ledger.chunk(ChunkId(message.msgid, at), message)
            lines += _chosen(message, chunk, query.get("reason", "")) if chunk else ()
            has_next = chunk is not None and chunk.plan.next is not None
            at = message.chunk_after(at) if has_next else None
        number = 0
    return (heading, lines), None


def _chosen(message: Message, chunk: Chunk, reason: str) -> Iterator[Row]:
    """Yield the rows of a chunk, or those that have a reason."""
    for row in _rows(message, chunk):
        if not reason or reason in (row[7], row[7].partition(":")[0]):
            yield row


def _rows(message: Message, chunk: Chunk) -> Iterator[Row]:
    """Yield a row for each delivery, and one for each target without any."""
    by_target: dict[int, list[tuple[int, DeliveryRef]]] = {}
    for step, _, ref in chunk.refs(message):
        by_target.setdefault(ref.target, []).append((step, ref))
    for number, target in enumerate(chunk.plan.targets):
        if number not in by_target:
            loss = target.loss.value if target.loss else ""
            state = "invalid" if loss else "pending"
            yield (target.id, "", state, "", "", "", "", loss, *_words(loss))
        for step, ref in by_target.get(number, ()):
            yield (target.id, *_delivery(message, chunk, step, ref))


def _delivery(message: Message, chunk: Chunk, step: int, ref: DeliveryRef) -> Row:
    state = chunk.state_of(ref)
    reason = next(iter(losses_of(state)), "")
    time = max((fact.time for fact in state.facts.values()), default=0)
    kind, code = message.channels[ref.channel].value, elements.channel_of(ref.channel)
    contact = masked(chunk.plan.contact(ref))
    shown = str(time) if time else ""
    return (contact, state.state, str(step + 1), kind, code, shown, reason, *_words(reason))


def _words(reason: str) -> tuple[str, str]:
    return of_loss(reason)[:2] if reason else ("", "")
