"""Exports: the targets of a message, or statistics, as files that members download.

A job writes one file of an export and puts the next job on its queue. A repeated job writes the
same file again. So an export may have any size, and memory holds one file.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import keys, targets
from chalicelib.domain.chunks import Chunk
from chalicelib.domain.definitions import DEFINITIONS
from chalicelib.domain.delivery_channels import Priority
from chalicelib.domain.errors import NotFound
from chalicelib.domain.imports import FileFormat
from chalicelib.domain.jobs import Envelope, ExportJob
from chalicelib.domain.masks import masked
from chalicelib.domain.messages import Message
from chalicelib.domain.plans import ChunkId
from chalicelib.domain.reasons import of_loss
from chalicelib.flow.messages import ending_of
from chalicelib.manage.imports import sheets
from chalicelib.manage.imports.report import MEDIA
from chalicelib.ports import Document, World

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
    if kind == "targets":
        query = {**query, "channel_key": _message(world, query["msgid"]).channel_key}
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


def owner(world: World, id: str) -> str:
    """Return the access channel that an export is about, or an empty text."""
    export = world.figures.load([_key(id)]).get(_key(id))
    return str(export.body["query"].get("channel_key", "")) if export else ""


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


def _message(world: World, msgid: str) -> Message:
    """Return a message that nobody has deleted, or raise NotFound."""
    message = world.messages.get(msgid)
    if message is None:
        raise NotFound("message")
    ending_of(world, msgid)
    return message


def _targets(
    world: World, query: Mapping[str, Any], position: Sequence[int]
) -> tuple[Sheet, list[int] | None]:
    """Return the rows of some chunks, and the partition and chunk that are next."""
    heading, lines = (*TARGETS, *WORDS), list[Row]()
    try:
        message = _message(world, query["msgid"])
    except NotFound:  # it has expired or was deleted meanwhile
        return (heading, lines), None
    partition, number = position
    for first in message.first_chunks[partition:]:
        at: int | None = number or first
        while at is not None:
            if len(lines) >= world.limits.sizes.export_rows:
                return (heading, lines), [first, at]
            chunk = world.ledger.chunk(ChunkId(message.msgid, at), message)
            lines += _chosen(message, chunk, query) if chunk else ()
            has_next = chunk is not None and chunk.plan.next is not None
            at = message.chunk_after(at) if has_next else None
        number = 0
    return (heading, lines), None


def _chosen(message: Message, chunk: Chunk, query: Mapping[str, Any]) -> Iterator[Row]:
    """Yield the rows of a chunk, or those that have a reason."""
    shown = str if query.get("contacts") == "whole" else masked
    for row in targets.rows(message, chunk):
        if row.has(query.get("reason", ""), ""):
            contact = shown(chunk.plan.contact(row.ref)) if row.ref else ""
            kind, code = targets.types_of(message, row)
            numbers = [str(number) if number else "" for number in (row.step, row.time)]
            place = (numbers[0], kind.value if kind else "", code, numbers[1])
            yield (row.target, contact, row.state, *place, row.reason, *_words(row.reason))


def _words(reason: str) -> tuple[str, str]:
    return of_loss(reason)[:2] if reason else ("", "")
