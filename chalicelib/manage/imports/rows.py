"""Rows of an import: read, checked and applied slice by slice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from chalicelib.domain import audiences
from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import (
    MAX_FAULTS,
    BadRow,
    Doubtful,
    Fault,
    Faulty,
    Import,
    ImportKind,
    Several,
)
from chalicelib.domain.users import UserChange
from chalicelib.domain.values import frozen
from chalicelib.flow import suppressions
from chalicelib.manage import list_contacts, users
from chalicelib.manage.imports import columns as headers
from chalicelib.manage.imports import sheets
from chalicelib.ports import World

# The number of rows that changed something, that of bad rows, and their errors.
Worked = tuple[int, int, Sequence[BadRow]]


@frozen
class Door:
    """Whatever the entrypoint knows: the rules of a user, and texts in two languages.

    `read` reads the body of /v1/user/opt for one user and raises Invalid. `say` returns the reason
    of an error in a language. `heading` returns the first columns of a file of bad rows.
    """

    read: Callable[[Mapping[str, Any]], UserChange]
    say: Callable[[Invalid, str], str]
    heading: Callable[[str], Sequence[str]]


@frozen
class Reader:
    """An opened file with the meaning of its columns."""

    sheet: sheets.Sheet
    columns: headers.Columns
    door: Door


def see(reader: Reader, some: Iterable[sheets.Row], seen: dict[str, int]) -> None:
    """Remember the rows in which users stand."""
    for number, cells in some:
        userid = reader.columns.userid(cells)
        if not isinstance(userid, Doubtful):
            seen.setdefault(userid, number)


def work(
    world: World, one: Import, reader: Reader, some: Sequence[sheets.Row], seen: dict[str, int]
) -> Worked:
    """Apply a slice. `seen` holds the first row of each user, and gets those of the slice."""
    changes: dict[int, UserChange] = {}
    bad: dict[int, Sequence[Invalid]] = {}
    see(reader, some, seen)
    for number, cells in some:
        change, errors = _read(reader, cells)
        first = seen.get(reader.columns.userid(cells), number)
        if first != number and one.kind is ImportKind.USERS and not errors:
            # A repeated slice would take back what a later one changed.
            errors = [Faulty(headers.USERID, Fault.REPEATED, row=first)]
        if errors or change is None:
            bad[number] = errors
        else:
            changes[number] = users.fold_singles(change)
    changed, refused = _apply(world, one, reader, changes)
    for number, change in changes.items():
        if change.userid in refused:
            bad[number] = [Invalid(headers.USERID, refused[change.userid])]
    return changed, len(bad), list(_bad_rows(one, reader, bad))


def _bad_rows(
    one: Import, reader: Reader, bad: Mapping[int, Sequence[Invalid]]
) -> Sequence[BadRow]:
    return [
        BadRow(number, reader.columns.header(error.field), reader.door.say(error, one.language))
        for number in sorted(bad)
        for error in bad[number][:MAX_FAULTS]
    ]


def _read(reader: Reader, cells: Sequence[str]) -> tuple[UserChange | None, Sequence[Invalid]]:
    """Return the change of a row, or all errors of its cells."""
    faults = reader.columns.faults(cells)
    known = {fault.field for fault in faults}
    try:
        change = reader.door.read(reader.columns.body(cells))
    except Invalid as error:
        errors = error.errors if isinstance(error, Several) else [error]
        further = [e for e in errors if reader.columns.header(e.field) not in known]
        return None, sorted([*faults, *further], key=reader.columns.place)
    return (None, faults) if faults else (change, ())


def _apply(
    world: World, one: Import, reader: Reader, changes: Mapping[int, UserChange]
) -> tuple[int, Mapping[str, str]]:
    """Return the number of rows that changed something, and a reason per refused user."""
    if one.kind is ImportKind.SUPPRESSIONS or reader.columns.is_of_contacts:
        return _apply_contacts(world, one, changes), {}
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


def _apply_contacts(world: World, one: Import, changes: Mapping[int, UserChange]) -> int:
    """Suppress the contacts of a slice, or put them on a list. Return how many rows did so."""
    by_row = {number: _contacts(change) for number, change in changes.items()}
    named = dict.fromkeys(contact for contacts in by_row.values() for contact in contacts)
    if one.kind is ImportKind.LIST:
        fresh = list_contacts.join(world, one.target, named)
    else:
        fresh = frozenset(contact for contact in named if _suppress(world, contact))
    return sum(not fresh.isdisjoint(contacts) for contacts in by_row.values())


def _contacts(change: UserChange) -> Sequence[tuple[ChannelType, str]]:
    scoped = [*change.set.contacts.items(), *change.add.contacts.items()]
    return [(kind, contact) for kind, of in scoped for values in of.values() for contact in values]


def _suppress(world: World, contact: tuple[ChannelType, str]) -> bool:
    """Suppress a contact. Return False if it was suppressed already."""
    if suppressions.suppressed_since(world, *contact) is not None:
        return False
    suppressions.suppress(world, *contact)
    return True


def advanced(one: Import, some: Sequence[sheets.Row], worked: Worked) -> Import:
    """Return the import after a slice."""
    changed, failed, _ = worked
    return replace(
        one,
        rows=one.rows + len(some),
        changed=one.changed + changed,
        unchanged=one.unchanged + len(some) - changed - failed,
        failed=one.failed + failed,
        tries=0,
    )
