"""The file of bad rows: each error with its column, value and advice, in the uploaded format.

The uploaded row stands beside it. Contacts are masked in both. A masked file cannot be imported by
mistake, because its first columns are unknown to imports.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from chalicelib.domain.imports import BadRow, Fault, Faulty, FileFormat, Import
from chalicelib.domain.masks import is_like_contact, masked
from chalicelib.manage.imports import sheets
from chalicelib.manage.imports.columns import SEVERAL, Column
from chalicelib.manage.imports.rows import Door, Reader

MAX_SHOWN = 100  # characters of a cell
MEDIA = {
    FileFormat.CSV: "text/csv; charset=utf-8",
    FileFormat.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def of_rows(one: Import, reader: Reader, bad: Iterable[BadRow], cells: int) -> bytes:
    """Return the file of so many cells for rows that were refused.

    `bad` is in the order of the file.
    """
    columns = reader.columns.columns
    heading = [*reader.door.heading(one.language), *(column.header for column in columns)]
    most = cells // len(heading)
    return _written(one, heading, _limited(one, reader.door, _lines(reader, bad), most))


def of_errors(one: Import, bad: Iterable[BadRow], door: Door) -> bytes:
    """Return the file without cells: of a header, which may be contacts, or of a lost upload."""
    lines = ([str(error.row), error.field, "", error.reason] for error in bad)
    return _written(one, door.heading(one.language), lines)


def _written(one: Import, heading: Sequence[str], lines: Iterable[Sequence[str]]) -> bytes:
    write = sheets.write if one.format is FileFormat.CSV else sheets.write_workbook
    return write(heading, lines)


def _limited(
    one: Import, door: Door, lines: Iterable[tuple[int, Sequence[str]]], most: int
) -> Iterator[Sequence[str]]:
    listed: set[int] = set()
    for n, (row, line) in enumerate(lines):
        if n == most:
            rest = Faulty("file", Fault.NOT_LISTED, number=one.failed - len(listed))
            yield ["", "", "", door.say(rest, one.language)]
            return
        listed.add(row)
        yield line


def _lines(reader: Reader, bad: Iterable[BadRow]) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield a line for each error. The first one of a row has the uploaded cells."""
    columns = reader.columns.columns
    rows, cells, number = reader.sheet.rows(), list[str](), 0
    for error in bad:
        uploaded: list[str] = []
        if number != error.row:
            while number < error.row:
                number, row = next(rows)
                cells = [*row, *[""] * (len(columns) - len(row))]
            pairs = zip(columns, cells, strict=False)
            uploaded = [_shown(column, cell) for column, cell in pairs]
        headers = [column.header for column in columns]
        value = ""
        if error.field in headers:
            n = headers.index(error.field)
            value = _shown(columns[n], cells[n])
        yield error.row, [str(error.row), error.field, value, error.reason, *uploaded]


def _shown(column: Column, cell: str) -> str:
    """Mask contacts, and whatever looks like one in another column. Shorten a long cell."""
    parts = SEVERAL.split(cell[:MAX_SHOWN])
    return ";".join(
        masked(part.strip()) if part and (column.contact or is_like_contact(part)) else part
        for part in parts
    )
