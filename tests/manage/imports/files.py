"""Imports that the tests start and read."""

from __future__ import annotations

import csv
import io
from typing import Any

from chalicelib.domain.imports import FileFormat, Import, ImportKind, ImportState
from chalicelib.domain.jobs import ImportJob
from chalicelib.entrypoints.lambdas.imports import DOOR
from chalicelib.manage.imports import run as imports
from chalicelib.manage.imports import sheets
from tests.fakes.world import FakeWorld

USERS, TAGS, SEGMENT, LIST, SUPPRESSIONS = ImportKind


RANDOM = b"\0\0\0\1"


def started(
    fake: FakeWorld,
    raw: bytes | str,
    kind: ImportKind = USERS,
    format: FileFormat = FileFormat.CSV,
    target: int = 0,
) -> str:
    one, form = imports.begin(fake.ports, RANDOM, kind, format, target)
    assert fake.files.upload(form, raw.encode() if isinstance(raw, str) else raw)
    assert imports.start(fake.ports, one.id).state is ImportState.RUNNING
    return one.id


def run(fake: FakeWorld) -> None:
    """Whatever is on the queue, until nothing is."""
    while (envelope := fake.queues.take()) is not None:
        assert isinstance(envelope.job, ImportJob)
        imports.work(fake.ports, envelope.job, DOOR)


def done(fake: FakeWorld, raw: bytes | str, *rest: Any) -> Import:
    id = started(fake, raw, *rest)
    run(fake)
    return fake.imports.stored[id]


def figures(one: Import) -> tuple[int, int, int, int]:
    return one.rows, one.changed, one.unchanged, one.failed


def report(fake: FakeWorld, one: Import) -> list[list[str]]:
    """Return the lines of the file of bad rows."""
    raw = fake.files.stored[f"imports/errors/{one.id}.{one.format}"]
    if one.format is FileFormat.XLSX:
        sheet = sheets.read(raw, one.format)
        width = len(sheet.header)
        lines = [[*cells, *[""] * (width - len(cells))] for _, cells in sheet.rows()]
        return [list(sheet.header), *lines]
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
