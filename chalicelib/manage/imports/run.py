"""Imports: a file of users, tags or members, worked through in slices.

A slice changes users (or members). Then one conditional write advances the import with its counts
and bad rows. If a worker dies in between, its slice is repeated, which changes nothing a second
time: its changes then count as unchanged. Of two workers on one import, the one that began last
goes on. The next write of the other is refused, and it stops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from chalicelib.domain import audiences, keys
from chalicelib.domain.delivery_channels import ChannelType, Priority
from chalicelib.domain.errors import Conflict, ImportEnded, Invalid, NotFound
from chalicelib.domain.groups import GROUPS, Family
from chalicelib.domain.imports import MAX_BYTES, BadRow, FileFormat, Import, ImportKind, ImportState
from chalicelib.domain.jobs import Envelope, ImportJob
from chalicelib.domain.users import UserChange
from chalicelib.manage import users
from chalicelib.manage.imports import columns as headers
from chalicelib.manage.imports import sheets
from chalicelib.ports import Form, World

TRIES = 5  # workers that may die at one row
KEPT_DAYS = 30
FORM_SECONDS = 3600

# Reads the body of /v1/user/opt for one user. Raises Invalid.
Read = Callable[[Mapping[str, Any]], UserChange]
Worked = tuple[int, Sequence[BadRow]]  # the number of rows that changed something, and bad rows


_FAMILIES = {ImportKind.SEGMENT: Family.SEGMENT, ImportKind.LIST: Family.LIST}


def begin(
    world: World, random: bytes, kind: ImportKind, format: FileFormat, target: int = 0
) -> tuple[Import, Form]:
    """Create an import. Return it and the form that uploads its file.

    Raise Invalid for an unknown segment or list.
    """
    _check_target(world, kind, target)
    now = world.clock.now()
    one = Import(
        keys.message_id(now, random), kind, format, now, now // 1000 + KEPT_DAYS * 86400, target
    )
    world.imports.create(one)
    return replace(one, version=1), world.files.form(_upload(one), 1, MAX_BYTES, FORM_SECONDS)


def _check_target(world: World, kind: ImportKind, target: int) -> None:
    family = _FAMILIES.get(kind)
    if family is not None and world.records.of(GROUPS[family]).get(target) is None:
        raise Invalid("target", f"there is no such {family}")


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
    has_file = one.failed and one.state in (ImportState.DONE, ImportState.FAILED)
    return one, world.files.address(
        _report(one), f"import-{one.id}-errors.csv", FORM_SECONDS
    ) if has_file else None


def work(world: World, job: ImportJob, read: Read) -> None:
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
            raise Invalid(
                "file",
                f"processing crashed {TRIES} times at row {claimed.rows};"
                " the file may need too much memory",
            )
        reader = _open(world, claimed, read)
        _work_through(world, claimed, reader, begun + world.limits.sizes.import_budget)
    except Invalid as error:  # of the file as a whole: before its first slice
        _finish(world, claimed, ImportState.FAILED, f"{error.field}: {error.reason}")


@dataclass(frozen=True)
class _Reader:
    sheet: sheets.Sheet
    columns: headers.Columns
    read: Read


def _open(world: World, one: Import, read: Read) -> _Reader:
    _check_target(world, one.kind, one.target)
    raw = world.files.read(_upload(one), one.etag)
    if raw is None:
        raise Invalid("file", "is not there any more, or was replaced after the start")
    sheet = sheets.read(raw, one.format)
    columns = headers.read(world, one.kind, sheet.header)
    _check_scopes(world, columns)
    return _Reader(sheet, columns, read)


def _check_scopes(world: World, columns: headers.Columns) -> None:
    """Check the scopes of the header, once for all rows."""
    for column in columns.columns:
        if column.bind:
            users.check_scope(world, None, column.header, column.contact, column.bind)


def _work_through(world: World, one: Import, reader: _Reader, until: int) -> None:
    if not one.total:  # read the whole file before the first change
        counted = _advance(world, one, replace(one, total=sum(1 for _ in reader.sheet.rows())))
        if counted is None:
            return
        one = counted
    rows = reader.sheet.rows()
    seen: dict[str, int] = {}
    for number, cells in islice(rows, one.rows):
        seen.setdefault(reader.columns.userid(cells), number)
    while one.rows < one.total:
        some = list(islice(rows, world.limits.sizes.import_rows))
        changed, bad = _slice(world, one, reader, some, seen)
        done = replace(
            one,
            rows=one.rows + len(some),
            changed=one.changed + changed,
            unchanged=one.unchanged + len(some) - changed - len(bad),
            failed=one.failed + len(bad),
            tries=0,
        )
        advanced = _advance(world, one, done, bad)
        if advanced is None:
            return
        one = advanced
        if one.rows < one.total and world.clock.now() >= until:
            _enqueue(world, one)
            return
    _finish(world, one, ImportState.DONE)


def _slice(
    world: World, one: Import, reader: _Reader, some: Sequence[sheets.Row], seen: dict[str, int]
) -> Worked:
    changes: dict[int, UserChange] = {}
    bad: list[BadRow] = []
    for number, cells in some:
        try:
            userid = reader.columns.userid(cells)
            first = seen.setdefault(userid, number)
            change = reader.read(reader.columns.body(cells))
            if (
                first != number and one.kind is ImportKind.USERS
            ):  # else a repeated slice would take back what a later one changed
                raise Invalid(headers.USERID, f"stands in row {first} already")
            changes[number] = users.fold_singles(change)
        except Invalid as error:
            bad.append(reader.columns.bad(number, error))
    changed, refused = _apply(world, one, changes)
    bad += [
        BadRow(number, headers.USERID, refused[change.userid])
        for number, change in changes.items()
        if change.userid in refused
    ]
    return changed, sorted(bad, key=lambda each: each.row)


def _apply(
    world: World, one: Import, changes: Mapping[int, UserChange]
) -> tuple[int, Mapping[str, str]]:
    """Return the number of rows that changed something, and a reason per refused user."""
    if one.kind in (ImportKind.SEGMENT, ImportKind.LIST):
        name = (
            audiences.segment(one.target)
            if one.kind is ImportKind.SEGMENT
            else audiences.listing(one.target)
        )
        userids = list(dict.fromkeys(change.userid for change in changes.values()))
        there = world.audiences.holds(name, userids)
        joining = [userid for userid in userids if userid not in there]
        if joining:
            world.audiences.change(name, joining)
        return len(joining), {}
    done = users.change_all(world, list(changes.values()))
    return sum(change.userid in done.changed for change in changes.values()), done.refused


def _finish(world: World, one: Import, state: ImportState, reason: str = "") -> None:
    """Write the file of bad rows, then the state, then delete the upload, which holds contacts."""
    if one.failed:
        rows = ([str(bad.row), bad.field, bad.reason] for bad in world.imports.bad_rows(one.id))
        world.files.write(
            _report(one), sheets.write(("row", "field", "reason"), rows), "text/csv; charset=utf-8"
        )
    if _advance(world, one, replace(one, state=state, reason=reason)) is not None:
        world.files.delete(_upload(one))


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
    return f"imports/errors/{one.id}.csv"
