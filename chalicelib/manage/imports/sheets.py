"""Files of rows: csv and xlsx are read row by row, and csv is written."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import MAX_COLUMNS, MAX_ROWS, FileFormat, escaped, unescaped

# The number of a row in a spreadsheet, and its cells without spaces around them.
Row = tuple[int, Sequence[str]]

FILE = "file"
_ARCHIVE = b"PK\x03\x04"
_ENCODINGS = ("utf-8-sig", "gb18030")  # spreadsheets in Chinese save csv as the latter
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Sheet:
    """A file that can be read repeatedly. `rows` leaves out the header and empty rows."""

    header: Sequence[str]
    rows: Callable[[], Iterator[Row]]


def read(raw: bytes, format: FileFormat) -> Sheet:
    """Open a file. Raise Invalid for another format, or for a file that is too large.

    A broken row raises Invalid when it is read.
    """
    everything = _workbook(raw) if format is FileFormat.XLSX else _csv(raw)
    first = next(_filled(everything()), None)
    if first is None:
        raise Invalid(FILE, "is empty")
    number, header = first
    if len(header) > MAX_COLUMNS:
        raise Invalid(FILE, f"has more than {MAX_COLUMNS} columns")

    def rows() -> Iterator[Row]:
        below = (row for row in _filled(everything()) if row[0] > number)
        for n, row in enumerate(below):
            if n == MAX_ROWS:
                raise Invalid(FILE, f"has more than {MAX_ROWS} rows")
            yield row

    return Sheet(header, rows)


def write(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return csv that every spreadsheet opens correctly.

    It is UTF-8 with a byte order mark, and no cell runs as a formula.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([escaped(cell) for cell in header])
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()


def _filled(rows: Iterator[Row]) -> Iterator[Row]:
    """Yield rows that are not empty, without the empty cells at their end."""
    for number, cells in rows:
        stripped = [unescaped(cell.strip()) for cell in cells]
        while stripped and not stripped[-1]:
            stripped.pop()
        if stripped:
            yield number, stripped


def _workbook(raw: bytes) -> Callable[[], Iterator[Row]]:
    from chalicelib.manage.imports import workbook

    if not raw.startswith(_ARCHIVE):
        raise Invalid(FILE, "not an .xlsx file")
    return workbook.open_first_sheet(raw)


def _csv(raw: bytes) -> Callable[[], Iterator[Row]]:
    if raw.startswith((_ARCHIVE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Invalid(FILE, "not a .csv file in UTF-8 or GB18030")
    encoding = next((name for name in _ENCODINGS if _decodes(raw, name)), None)
    if encoding is None:
        raise Invalid(FILE, "not a .csv file in UTF-8 or GB18030")
    return lambda: _csv_rows(raw, encoding)


def _decodes(raw: bytes, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(raw), _CHUNK):
            decoder.decode(raw[start : start + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _csv_rows(raw: bytes, encoding: str) -> Iterator[Row]:
    lines = io.TextIOWrapper(io.BytesIO(raw), encoding, newline="")
    number = 0
    try:
        for number, cells in enumerate(csv.reader(lines, strict=True), 1):
            yield number, cells[: MAX_COLUMNS + 1]
    except csv.Error as error:  # an open quotation mark, a cell of more than 131,072 characters
        raise Invalid(FILE, f"row {number + 1} cannot be read as csv: {error}") from error
