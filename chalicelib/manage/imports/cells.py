"""The rows of a sheet's XML, with each cell as people see it, or marked as doubtful."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping, Sequence

from chalicelib.domain.imports import MAX_COLUMNS, MAX_ROWS, Doubtful, Fault, Faulty
from chalicelib.manage.imports import formats
from chalicelib.manage.imports.package import FILE

Row = tuple[int, Sequence[str]]

SPARE_ROWS = 1000  # that may stand empty above and between those that count
LAST_ROW = MAX_ROWS + 1 + SPARE_ROWS
MAX_TEXT = 64 * 1024 * 1024  # characters of all cells together, also of a text that many share
MAX_CELL = 32_767  # characters, as in Excel


def _letters(column: int) -> str:
    """Return the letters of one of the first 702 columns: 1 -> A, 27 -> AA."""
    first, last = divmod(column - 1, 26)
    return (chr(64 + first) if first else "") + chr(65 + last)


_REFERENCE = re.compile(r"\$?([A-Z]{1,3})\$?([1-9][0-9]{0,6})", re.ASCII)
_COLUMNS = {_letters(n): n for n in range(1, MAX_COLUMNS + 1)}
_ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")  # ECMA-376 part 1, 22.9.2.19 (ST_Xstring)
_TRUE = ("1", "true", "on")


def unescape(text: str) -> str:
    """Undo the way in which workbooks write characters that XML does not have."""
    if "_x" not in text:
        return text
    units = _ESCAPED.sub(lambda code: chr(int(code[1], 16)), text)
    return units.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def position(reference: str) -> tuple[int, int]:
    """Return row and column: (12, 3) for `C12`."""
    matched = _REFERENCE.fullmatch(reference)
    if matched is None:
        raise ValueError("not a cell")
    column = 0
    for letter in matched.group(1):
        column = column * 26 + ord(letter) - 64
    return int(matched.group(2)), column


def span(reference: str) -> tuple[int, int, int, int]:
    """Return the first row and column and the last ones: (1, 1, 2, 3) for `A1:C2`."""
    first, _, last = reference.partition(":")
    return (*position(first), *position(last or first))


class Covered:
    """Cells below merged ranges, as a set of columns for each row."""

    def __init__(self) -> None:
        self._masks = array("Q", bytes(8 * (LAST_ROW + 1)))
        self._steps = 0

    def add(self, top: int, left: int, bottom: int, right: int) -> None:
        """Add a range. Merged ranges do not overlap, so there are never more than cells."""
        top, bottom, right = min(top, LAST_ROW), min(bottom, LAST_ROW), min(right, MAX_COLUMNS)
        self._steps += max(0, bottom - top) + 1
        if self._steps > LAST_ROW * MAX_COLUMNS:
            raise Faulty(FILE, Fault.UNREADABLE)
        mask = sum(1 << (column - 1) for column in range(left, right + 1))
        for row in range(top, bottom + 1):
            self._masks[row] |= mask

    def columns(self, row: int) -> Sequence[int]:
        mask = self._masks[row]
        return [n for n in range(MAX_COLUMNS) if mask >> n & 1] if mask else ()


class Cells:
    """A reader of a sheet. `taken` hands over the rows that are complete."""

    def __init__(self, texts: Sequence[str], codes: Sequence[str], covered: Covered) -> None:
        self._texts, self._codes, self._covered = texts, codes, covered
        self._rows: list[Row] = []
        self._hidden: set[int] = set()  # columns, from 0
        self._row = self._column = self._length = self._readings = self._total = 0
        self._cells: list[str] = []
        self._is_hidden = self._is_open = self._is_in_data = self._is_placed = False
        self._kind = self._style = self._digits = ""
        self._parts: list[str] = []
        self._has_formula = self._has_value = False

    def taken(self) -> Sequence[Row]:
        rows, self._rows = self._rows, []
        return rows

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "sheetData":
            self._is_in_data = True
        elif name == "col" and "min" in attributes and _is_hidden(attributes, "width"):
            first, last = int(attributes["min"]), int(attributes["max"])
            self._hidden.update(range(max(0, first - 1), min(last, MAX_COLUMNS)))
        elif self._is_in_data:
            self._start_data(name, attributes)

    def _start_data(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "c":
            self._start_cell(attributes)
        elif name == "v" or name == "t":
            self._is_open = self._has_value = True
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            self._start_row(attributes)
        elif name == "rPh":
            self._readings += 1

    def text(self, data: str) -> None:
        if self._is_open and not self._readings and self._length <= MAX_CELL:
            self._parts.append(data)
            self._length += len(data)

    def end(self, name: str) -> None:
        if not self._is_in_data:
            return
        if name == "c":
            self._end_cell()
        elif name == "v" or name == "t":
            self._is_open = False
        elif name == "row":
            self._end_row()
        elif name == "rPh":
            self._readings -= 1
        elif name == "sheetData":
            self._is_in_data = False

    def _start_row(self, attributes: Mapping[str, str]) -> None:
        row = int(attributes.get("r", self._row + 1))
        if row <= self._row:
            raise ValueError("rows out of order")
        self._row, self._column, self._cells = row, 0, []
        self._is_placed, self._digits = "r" in attributes, str(row)
        self._is_hidden = _is_hidden(attributes, "ht")

    def _start_cell(self, attributes: Mapping[str, str]) -> None:
        self._column += 1
        if "r" in attributes:
            reference = attributes["r"]
            row, self._column = self._row, _COLUMNS.get(reference[: -len(self._digits)], 0)
            if not (self._column and reference.endswith(self._digits)):
                row, self._column = position(reference)
            if row < self._row or (row > self._row and self._is_placed):
                raise ValueError("a cell of another row")
            if row > self._row:
                self._row, self._is_placed, self._digits = row, True, str(row)
        self._kind, self._style = attributes.get("t", "n"), attributes.get("s", "0")
        self._parts, self._length = [], 0
        self._has_formula = self._has_value = False

    def _end_cell(self) -> None:
        """Keep a cell with a value. Other cells may stand anywhere, since they only have looks."""
        if not (self._has_value or self._has_formula):
            return
        self._check_place()
        if self._length > MAX_CELL:
            raise Faulty(FILE, Fault.LONG_CELL, row=self._row)
        shown = self._shown("".join(self._parts))
        self._total += len(shown)
        if self._total > MAX_TEXT:
            raise Faulty(FILE, Fault.MANY_CHARACTERS, most=MAX_TEXT)
        if shown or isinstance(shown, Doubtful):
            self._cells.extend([""] * (self._column - len(self._cells)))
            self._cells[self._column - 1] = shown

    def _check_place(self) -> None:
        if self._column > MAX_COLUMNS:
            raise Faulty(FILE, Fault.MANY_COLUMNS, most=MAX_COLUMNS)
        if self._row > LAST_ROW:
            raise Faulty(FILE, Fault.MANY_ROWS, most=MAX_ROWS)

    def _shown(self, stored: str) -> str:
        has_style = self._style != "0" or self._codes
        code = _at(self._codes, self._style) if has_style else formats.GENERAL
        if self._has_formula and not (stored or (self._has_value and self._kind == "str")):
            return Doubtful("", Fault.FORMULA)
        match self._kind:
            case "s":
                return formats.text(_at(self._texts, stored), code) if stored else ""
            case "inlineStr" | "str":
                return formats.text(unescape(stored), code) if stored else ""
            case "n":
                return formats.number(stored.strip(), code) if stored.strip() else ""
            case "b":
                return Doubtful("TRUE" if stored == "1" else "FALSE", Fault.TRUTH)
            case "e":
                return Doubtful(stored, Fault.ERROR)
            case "d":
                return Doubtful(stored, Fault.DATE)
        raise ValueError("an unknown kind of cell")

    def _end_row(self) -> None:
        cells = self._cells
        if self._row > LAST_ROW or not any(map(_counts, cells)):
            return
        for n in self._covered.columns(self._row):
            cells.extend([""] * (n + 1 - len(cells)))
            cells[n] = Doubtful(cells[n], Fault.MERGED)
        for n in self._hidden:
            if n < len(cells) and cells[n]:
                cells[n] = Doubtful(cells[n], Fault.HIDDEN_COLUMN)
        if self._is_hidden:
            cells[0] = Doubtful(cells[0], Fault.HIDDEN_ROW)
        self._rows.append((self._row, cells))


def _at(listed: Sequence[str], number: str) -> str:
    if number.startswith("-"):
        raise ValueError("a negative position")
    return listed[int(number)]


def _counts(cell: str) -> bool:
    return bool(cell) or isinstance(cell, Doubtful)


def _is_hidden(attributes: Mapping[str, str], size: str) -> bool:
    return attributes.get("hidden", "0") in _TRUE or float(attributes.get(size, 1)) == 0
