"""Imports: a file of users, tags or members, worked through in slices.

A slice changes users (or members). Then one conditional write advances the import with its counts
and bad rows. If a worker dies in between, its slice is repeated, which changes nothing a second
time: its changes then count as unchanged. Of two workers on one import, the one that began last
goes on. The next write of the other is refused, and it stops.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from chalicelib.domain import keys
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Conflict, ImportEnded, Invalid, NotFound
from chalicelib.domain.groups import GROUPS, RULES, Family
from chalicelib.domain.imports import (
    MAX_BYTES,
    MAX_FAULTS,
    BadRow,
    Fault,
    Faulty,
    FileFormat,
    Import,
    ImportKind,
    ImportState,
    Several,
)
from chalicelib.domain.jobs import Envelope, ImportJob
from chalicelib.domain.sentences import Sentence
from chalicelib.manage.imports import columns as headers
from chalicelib.manage.imports import report, rows, sheets
from chalicelib.manage.imports.rows import Door, Reader
from chalicelib.ports import Form, World

TRIES = 5  # workers that may die at one row
KEPT_DAYS = 30
FORM_SECONDS = 3600

_FAMILIES = {ImportKind.SEGMENT: Family.SEGMENT, ImportKind.LIST: Family.LIST}


def begin(
    world: World,
    random: bytes,
    kind: ImportKind,
    format: FileFormat,
    target: int = 0,
    language: str = "en",
) -> tuple[Import, Form]:
    """Create an import. Return it and the form that uploads its file.

    Reasons and advice will be in `language`. Raise Invalid for an unknown segment or list.
    """
    _check_target(world, kind, target)
    now = world.clock.now()
    id, expires = keys.message_id(now, random), now // 1000 + KEPT_DAYS * 86400
    one = Import(id, kind, format, now, expires, target, language=language)
    world.imports.create(one)
    return replace(one, version=1), world.files.form(_upload(one), 1, MAX_BYTES, FORM_SECONDS)


def _check_target(world: World, kind: ImportKind, target: int) -> None:
    family = _FAMILIES.get(kind)
    if family is None:
        return
    group = world.records.of(GROUPS[family]).get(target)
    if group is None:
        raise Invalid("target", "there is no such {family}", family=Sentence(family.value))
    if group.kind == RULES:
        raise Invalid("target", "the members of a segment by rules are found by its rule")


def start(world: World, id: str) -> Import:
    """Work on the uploaded file. A repeat goes on at once after a worker died.

    Raise NotFound, Invalid for a missing file, ImportEnded, or Conflict when another was faster.
    """
    one = _known(world, id)
    if one.state in (ImportState.DONE, ImportState.FAILED):
        raise ImportEnded("id")
    if one.state is ImportState.WAITING:
        etag = world.files.etag(_upload(one))
        if etag is None:
            raise Invalid("file", "has not been uploaded yet")
        started = _advance(world, one, replace(one, state=ImportState.RUNNING, etag=etag))
        if started is None:
            raise Conflict("")
        one = started
    _enqueue(world, one)
    return one


def template(world: World, kind: ImportKind) -> bytes:
    """Return a file to fill in, with columns for the configured delivery channels."""
    codes: dict[ChannelType, list[str]] = {}
    for channel in world.settings.channels():
        codes.setdefault(channel.type, []).append(channel.code)
    header, *rows = headers.template(kind, codes)
    return sheets.write(header, rows)


def show(world: World, id: str) -> tuple[Import, str | None]:
    """Return an import and, once it has ended, the address of its bad rows."""
    one = _known(world, id)
    if not one.has_report:
        return one, None
    name = f"import-{one.id}-errors.{one.format}"
    return one, world.files.address(_report(one), name, FORM_SECONDS)


def work(world: World, job: ImportJob, door: Door) -> None:
    """Go on with an import for the time of a job. Send a job for the rest."""
    one = world.imports.get(job.id)
    if one is None or one.state is not ImportState.RUNNING:
        return
    begun = world.clock.now()
    claimed = _advance(world, one, replace(one, tries=one.tries + 1))
    if claimed is None:
        return
    try:
        if claimed.tries > TRIES:
            raise Faulty("file", Fault.CRASHED, tries=TRIES, row=claimed.rows)
        _check_target(world, claimed.kind, claimed.target)
        sheet = _open(world, claimed)
        try:
            columns = headers.read(world, claimed.kind, sheet.header)
        except Several as error:
            _refuse_header(world, claimed, sheet, error, door)
            return
        reader = Reader(sheet, columns, door)
        _work_through(world, claimed, reader, begun + world.limits.sizes.import_budget)
    except Invalid as error:  # of the file as a whole: before its first slice
        told = f"{error.field}: {door.say(error, claimed.language)}"
        bad = world.imports.bad_rows(claimed.id) if claimed.failed else ()
        content = report.of_errors(claimed, bad, door) if bad else None
        _finish(world, replace(claimed, state=ImportState.FAILED, reason=told), claimed, content)


def _open(world: World, one: Import) -> sheets.Sheet:
    raw = world.files.read(_upload(one), one.etag)
    if raw is None:
        raise Faulty("file", Fault.GONE)
    return sheets.read(raw, one.format)


def _refuse_header(
    world: World, one: Import, sheet: sheets.Sheet, error: Several, door: Door
) -> None:
    """Fail an import whose header is wrong, with all that is wrong in it."""
    row = sheet.header_row
    bad = [BadRow(row, entry.field, door.say(entry, one.language)) for entry in error.errors]
    reason = "\n".join(f"{entry.field}: {entry.reason}" for entry in bad[:MAX_FAULTS])
    failed = replace(one, state=ImportState.FAILED, reason=reason)
    _finish(world, failed, one, report.of_errors(one, bad, door))


def _work_through(world: World, one: Import, reader: Reader, until: int) -> None:
    if not one.total:  # read the whole file before the first change
        counted = _advance(world, one, replace(one, total=sum(1 for _ in reader.sheet.rows())))
        if counted is None:
            return
        one = counted
    remaining = reader.sheet.rows()
    seen: dict[str, int] = {}
    rows.see(reader, islice(remaining, one.rows), seen)
    while one.rows < one.total:
        some = list(islice(remaining, _slice(world, one.kind)))
        worked = rows.work(world, one, reader, some, seen)
        advanced = _advance(world, one, rows.advanced(one, some, worked), worked[2])
        if advanced is None:
            return
        one = advanced
        if one.rows < one.total and world.clock.now() >= until:
            _enqueue(world, one)
            return
    bad = world.imports.bad_rows(one.id) if one.failed else ()
    cells = world.limits.sizes.report_cells
    content = report.of_rows(one, reader, bad, cells) if bad else None
    _finish(world, replace(one, state=ImportState.DONE), one, content)


def _slice(world: World, kind: ImportKind) -> int:
    """Return how many rows a slice has. Each row of suppressions takes several requests."""
    rows = world.limits.sizes.import_rows
    return max(1, rows // 10) if kind is ImportKind.SUPPRESSIONS else rows


def _finish(world: World, ended: Import, before: Import, content: bytes | None = None) -> None:
    """Write the file of bad rows, then the state, then delete the upload, which holds contacts."""
    if content is not None:
        world.files.write(_report(ended), content, report.MEDIA[ended.format])
        ended = replace(ended, has_report=True)
    if _advance(world, before, ended) is not None:
        world.files.delete(_upload(ended))


def _advance(
    world: World, before: Import, after: Import, bad: Sequence[BadRow] = ()
) -> Import | None:
    """Store an advanced import. Return None if another worker has advanced it meanwhile."""
    stored = replace(after, version=before.version + 1)
    return stored if world.imports.advance(stored, bad) else None


def _enqueue(world: World, one: Import) -> None:
    world.queues.send([Envelope(ImportJob(one.id), Priority.LOW, None, "imports")])


def _known(world: World, id: str) -> Import:
    try:
        keys.message_id_bytes(id)
    except ValueError:
        raise NotFound("import") from None
    stored = world.imports.get(id)
    if stored is None:
        raise NotFound("import")
    return stored


def _upload(one: Import) -> str:
    return f"imports/uploads/{one.id}"


def _report(one: Import) -> str:
    return f"imports/errors/{one.id}.{one.format}"
