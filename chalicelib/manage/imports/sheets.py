"""Files of rows: csv and xlsx are read row by row, and both are written."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from types import MappingProxyType

from chalicelib.domain.imports import (
    MAX_COLUMNS,
    MAX_ROWS,
    Doubtful,
    Fault,
    Faulty,
    FileFormat,
    escaped,
    unescaped,
)
from chalicelib.domain.values import frozen

# The number of a row in a spreadsheet, and its cells without spaces around them.
Row = tuple[int, Sequence[str]]

FILE = "file"


@frozen
class Sheet:
    """A file that can be read repeatedly. `rows` leaves out the header and empty rows."""

    header: Sequence[str]
    rows: Callable[[], Iterator[Row]]
    header_row: int = 1


def read(raw: bytes, format: FileFormat, **bounds: int) -> Sheet:
    """Open a file. Raise Faulty for another format, or for a file that is too large.

    A broken row raises Faulty when it is read. Cells whose look is not certain are `Doubtful`.
    `bounds`: those of a workbook, if not the usual ones.
    """
    everything = _opened(raw, format, **bounds)
    first = next(_filled(everything()), None)
    if first is None:
        raise Faulty(FILE, Fault.EMPTY)
    number, header = first
    if len(header) > MAX_COLUMNS:
        raise Faulty(FILE, Fault.MANY_COLUMNS, most=MAX_COLUMNS)

    def rows() -> Iterator[Row]:
        below = (row for row in _filled(everything()) if row[0] > number)
        for n, row in enumerate(below):
            if n == MAX_ROWS:
                raise Faulty(FILE, Fault.MANY_ROWS, most=MAX_ROWS)
            yield row

    return Sheet(header, rows, number)


def _opened(raw: bytes, format: FileFormat, **bounds: int) -> Callable[[], Iterator[Row]]:
    if format is FileFormat.XLSX:
        from chalicelib.manage.imports import workbook

        return workbook.open_sheet(raw, **bounds)
    from chalicelib.manage.imports import csv_files

    return csv_files.open_csv(raw)


def _filled(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows that are not empty, without the empty cells at their end."""
    for number, cells in rows:
        stripped = [_stripped(cell) for cell in cells]
        while stripped and not stripped[-1] and not isinstance(stripped[-1], Doubtful):
            stripped.pop()
        if any(cell or _is_doubtful(cell) for cell in stripped):
            yield number, stripped


def _stripped(cell: str) -> str:
    return cell if isinstance(cell, Doubtful) else unescaped(cell.strip())


def _is_doubtful(cell: str) -> bool:
    return isinstance(cell, Doubtful) and cell.fault is not Fault.MISSING


def write(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return csv that every spreadsheet opens correctly.

    It is UTF-8 with a byte order mark, and no cell runs as a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([escaped(cell) for cell in header])
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode("utf-8", "replace")


Table = tuple[Sequence[str], Iterable[Sequence[str]]]  # a header and rows


def write_workbook(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    more: Mapping[str, Table] = MappingProxyType({}),
) -> bytes:
    """Return an xlsx file whose cells are all texts. Memory holds one row at a time.

    `more`: further sheets, by name.
    """
    import xlsxwriter

    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw, {"constant_memory": True}) as workbook:
        text = workbook.add_format({"num_format": "@"})
        for name, (heading, lines) in {"": (header, rows), **more}.items():
            sheet = workbook.add_worksheet(name or None)
            for row, cells in enumerate(chain((heading,), lines)):
                for column, cell in enumerate(cells):
                    if cell:
                        sheet.write_string(row, column, cell, text)
    return raw.getvalue()
