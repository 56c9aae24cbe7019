"""Files of rows: csv as it comes from anywhere, xlsx, both read row by row; and csv as we hand it out."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import MAX_COLUMNS, MAX_ROWS, FileFormat, escaped, unescaped

Row = tuple[
    int, Sequence[str]
]  # its number in a spreadsheet, and its cells without spaces around them

FILE = "file"
_ARCHIVE = b"PK\x03\x04"
_ENCODINGS = ("utf-8-sig", "gb18030")  # spreadsheets in Chinese save csv as the latter
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Sheet:
    """A file that can be read again and again. `rows` leaves out the header and what is empty."""

    header: Sequence[str]
    rows: Callable[[], Iterator[Row]]


def read(raw: bytes, format: FileFormat) -> Sheet:
    """Raises Invalid for what is no such file, or is too large; a row that cannot be read raises it when it comes."""
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
    """Csv that every spreadsheet opens as it is meant: UTF-8 with its mark, and no cell that runs as a formula."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([escaped(cell) for cell in header])
    writer.writerows([escaped(cell) for cell in row] for row in rows)
    return codecs.BOM_UTF8 + text.getvalue().encode()


def _filled(rows: Iterator[Row]) -> Iterator[Row]:
    """Rows with something in them, without the empty cells at their end."""
    for number, cells in rows:
        stripped = [unescaped(cell.strip()) for cell in cells]
        while stripped and not stripped[-1]:
            stripped.pop()
        if stripped:
            yield number, stripped


def _workbook(raw: bytes) -> Callable[[], Iterator[Row]]:
    from chalicelib.manage.imports import workbook

    if not raw.startswith(_ARCHIVE):
        raise Invalid(FILE, "is no xlsx file")
    return workbook.open_first_sheet(raw)


def _csv(raw: bytes) -> Callable[[], Iterator[Row]]:
    if raw.startswith((_ARCHIVE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise Invalid(FILE, "is no csv file in UTF-8 or GB18030")
    encoding = next((each for each in _ENCODINGS if _decodes(raw, each)), None)
    if encoding is None:
        raise Invalid(FILE, "is no csv file in UTF-8 or GB18030")
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
