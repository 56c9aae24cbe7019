"""The first sheet of an xlsx file, measured before calamine reads it.

An xlsx file is a zip archive of XML. Calamine unfolds a sheet into a rectangle with a copy of every
text, and ends the process when it lacks the memory. Two cells far apart, or one long text in many
cells, are enough. So the size in memory is measured first, from the archive's directory and by one
pass over the XML that keeps only lengths.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any
from xml.parsers import expat

from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import MAX_COLUMNS, MAX_ROWS

FILE = "file"
MAX_MEMBERS = 1000
MAX_EXPANDED = 256 * 1024 * 1024  # bytes of all that is in the archive
MAX_TEXT = 64 * 1024 * 1024  # characters of all cells together
SPARE_ROWS = 1000  # that may stand empty above and between those that count
EXACT = 10**15  # a spreadsheet keeps 15 digits of a number
LOST_DIGITS = "\0a number of more than 15 digits"  # replaces such a cell, which is always refused

_CHUNK = 1 << 16
_NOT_READABLE = "not a readable .xlsx file (it may be password-protected)"
_REFERENCE = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})", re.ASCII)


def open_first_sheet(raw: bytes) -> Callable[[], Iterator[tuple[int, Sequence[str]]]]:
    """Open a file. Raise Invalid if it is not readable or would take too much memory."""
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        _measure(raw)
    except (
        zipfile.BadZipFile,
        zlib.error,
        expat.ExpatError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        OSError,
        ValueError,
    ) as error:
        raise Invalid(FILE, _NOT_READABLE) from error
    try:
        sheet = CalamineWorkbook.from_filelike(io.BytesIO(raw)).get_sheet_by_index(0)
    except (CalamineError, OSError, ValueError) as error:
        raise Invalid(FILE, _NOT_READABLE) from error
    return lambda: (
        (number, [_text(cell) for cell in cells])
        for number, cells in enumerate(sheet.iter_rows(), 1)
    )


def _text(cell: Any) -> str:
    """Write a number as it was meant: a phone number does not have decimals."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    if isinstance(cell, float) and abs(cell) >= EXACT:
        return LOST_DIGITS
    return str(cell)


def _measure(raw: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS:
            raise Invalid(FILE, f"has more than {MAX_MEMBERS} parts")
        if sum(member.file_size for member in members) > MAX_EXPANDED:
            raise Invalid(FILE, f"has more than {MAX_EXPANDED} bytes when it is unpacked")
        documents = [
            member for member in members if member.filename.lower().endswith((".xml", ".rels"))
        ]
        texts = _Texts()
        for member in documents:
            if "sharedstrings" in member.filename.lower():
                _parse(archive, member, texts)
        for member in documents:
            _parse(archive, member, _Cells(texts.lengths))


def _parse(archive: zipfile.ZipFile, member: zipfile.ZipInfo, reader: _Texts | _Cells) -> None:
    """Parse a member. Zipfile reads no byte more than the size in the directory."""
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    with archive.open(member) as content:
        while chunk := content.read(_CHUNK):
            parser.Parse(chunk, False)
    parser.Parse(b"", True)


def _no_doctype(*_: Any) -> None:
    raise Invalid(FILE, "has a document type, which no spreadsheet writes")


def _local(name: str) -> str:
    return name.rpartition(" ")[2]


class _Texts:
    """Lengths of the shared texts."""

    def __init__(self) -> None:
        self.lengths = array("L")
        self._length = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if _local(name) == "si":
            self._length = 0

    def text(self, data: str) -> None:
        self._length += len(data)

    def end(self, name: str) -> None:
        if _local(name) == "si":
            self.lengths.append(self._length)


class _Cells:
    """Extent of a sheet's cells, and the length of their texts together."""

    def __init__(self, lengths: array[int]) -> None:
        self._lengths = lengths
        self._row = self._column = self._total = 0
        self._is_shared = self._in_value = False
        self._value = ""

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        match _local(name):
            case "row":
                self._row, self._column = int(attributes.get("r", self._row + 1)), 0
            case "c":
                self._column += 1
                self._is_shared = attributes.get("t") == "s"
                if "r" in attributes:
                    self._row, self._column = _position(attributes["r"])
            case "v" | "is":
                self._in_value, self._value = True, ""
                self._check()

    def _check(self) -> None:
        """Check the position of a cell with a value. Other cells do not count."""
        if self._column > MAX_COLUMNS:
            raise Invalid(FILE, f"has more than {MAX_COLUMNS} columns")
        if self._row > MAX_ROWS + 1 + SPARE_ROWS:
            raise Invalid(FILE, f"has more than {MAX_ROWS} rows")

    def text(self, data: str) -> None:
        if self._in_value:
            self._total += len(data)
            if self._is_shared:
                self._value = (self._value + data)[:20]

    def end(self, name: str) -> None:
        if _local(name) in ("v", "is") and self._in_value:
            self._in_value = False
            if self._is_shared:
                index = int(self._value)
                self._total += self._lengths[index] if 0 <= index < len(self._lengths) else 0
            if self._total > MAX_TEXT:
                raise Invalid(FILE, f"has more than {MAX_TEXT} characters")


def _position(reference: str) -> tuple[int, int]:
    """Return row and column: (12, 3) for `C12`."""
    matched = _REFERENCE.fullmatch(reference)
    if matched is None:
        raise ValueError("not a cell")
    column = 0
    for letter in matched.group(1):
        column = column * 26 + ord(letter) - 64
    return int(matched.group(2)), column
