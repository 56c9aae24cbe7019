"""Csv files as spreadsheets save them: encodings, delimiters, line ends, and missing cells.

An encoding or a delimiter is taken only where it is certain.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from chalicelib.domain.imports import MAX_COLUMNS, Doubtful, Fault, Faulty

Row = tuple[int, Sequence[str]]

FILE = "file"
COMMON = 0.9  # of the Chinese characters in a GB18030 file at least
BLOCK = 16  # rows, see `_padded`

_CHUNK = 1 << 16
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_BOMS = (  # that of UTF-32 begins as that of UTF-16
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HEAD = 1 << 15  # characters in which the header stands
_DELIMITERS = ",;\t"
_SEPARATOR = re.compile(r"\ufeff?\"?sep=([,;\t])\"?", re.IGNORECASE)  # a first line of Excel
# GB2312 without its rarer half: leading bytes of signs and of the 3,755 common characters.
_COMMON = (range(0xA1, 0xAA), range(0xB0, 0xD8))


def open_csv(raw: bytes) -> Callable[[], Iterator[Row]]:
    """Open a file. Raise Faulty for an uncertain encoding, and for a broken row when it is read."""
    if raw.startswith(_WORKBOOKS):
        raise Faulty(FILE, Fault.IS_A_WORKBOOK)
    encoding = _encoding(raw)
    skipped, delimiter = _delimiter(raw, encoding)

    def rows() -> Iterator[Row]:
        lines = io.TextIOWrapper(io.BytesIO(raw), encoding, newline="")
        records = csv.reader(lines, delimiter=delimiter, strict=True)
        return _padded(_records(records), skipped)

    return rows


def _encoding(raw: bytes) -> str:
    for mark, name in _BOMS:
        if raw.startswith(mark):
            if name and _decodes(raw, name):
                return name
            raise Faulty(FILE, Fault.ENCODING)
    if b"\0" not in raw[:_HEAD].partition(b"\n")[0]:
        if _decodes(raw, "utf-8"):
            return "utf-8"
        if _is_chinese(raw):
            return "gb18030"
    raise Faulty(FILE, Fault.ENCODING)


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        for _ in _decoded(raw, encoding):
            pass
    except UnicodeError:
        return False
    return True


def _decoded(raw: bytes, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)()
    for start in range(0, len(raw), _CHUNK):
        yield decoder.decode(raw[start : start + _CHUNK])
    yield decoder.decode(b"", final=True)


def _is_chinese(raw: bytes) -> bool:
    """Return whether a file in GB18030 says something in it.

    Nearly all bytes of other encodings are GB18030 too, but of rare characters.
    """
    counts: Counter[str] = Counter()
    try:
        for text in _decoded(raw, "gb18030"):
            counts.update(text)
    except UnicodeError:
        return False
    foreign = {character: n for character, n in counts.items() if not character.isascii()}
    common = sum(n for character, n in foreign.items() if _is_common(character))
    return common >= COMMON * sum(foreign.values())


def _is_common(character: str) -> bool:
    code = character.encode("gb18030")
    return len(code) == 2 and code[1] >= 0xA1 and any(code[0] in leads for leads in _COMMON)


def _delimiter(raw: bytes, encoding: str) -> tuple[int, str]:
    """Return the number of lines above the header that name the delimiter, and the delimiter.

    Names of columns hold none, so the header tells.
    """
    head = next(iter(_decoded(raw[:_CHUNK], encoding)), "")[:_HEAD].lstrip("\ufeff")
    lines = re.split(r"\r\n|\r|\n", head)
    if named := _SEPARATOR.fullmatch(lines[0]):
        return 1, named[1]
    header = next((line for line in lines if line.strip(" \t,;")), "")
    counts = [delimiter for delimiter in _DELIMITERS if delimiter in header]
    return 0, counts[0] if len(counts) == 1 else ","


def _records(records: Iterator[list[str]]) -> Iterator[Row]:
    number = 0
    try:
        for number, cells in enumerate(records, 1):
            yield number, cells[: MAX_COLUMNS + 1]
    except csv.Error as error:  # an open quotation mark, a cell of more than 131,072 characters
        is_long = "field larger" in str(error)
        fault = Fault.LONG_CELL if is_long else Fault.OPEN_QUOTE
        raise Faulty(FILE, fault, row=number + 1) from error


def _padded(rows: Iterator[Row], skipped: int) -> Iterator[Row]:
    """Yield rows of at least the header's length. A missing cell is doubtful.

    Excel leaves out trailing cells that are empty in 16 rows on end. Microsoft's KB 77295 says so:
    "Column delimiters are missing in an Excel spreadsheet that is saved as text". Such cells are
    just empty. All rows of such a block are of one length.
    """
    width = 0
    block: list[Row] = []
    for number, cells in rows:
        if number <= skipped:
            continue
        width = width or (len(cells) if any(cell.strip() for cell in cells) else 0)
        if block and (number - 1) % BLOCK == 0:
            yield from _complete(block, width)
            block = []
        block.append((number, cells))
    yield from _complete(block, width)


def _complete(block: Sequence[Row], width: int) -> Iterator[Row]:
    is_block = len({len(cells) for _, cells in block if cells}) == 1
    missing = "" if is_block else Doubtful("", Fault.MISSING)
    for number, cells in block:
        yield number, [*cells, *[missing] * (width - len(cells))] if cells else []
