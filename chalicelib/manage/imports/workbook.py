"""The sheet of an xlsx file that people see when they open it, read row by row.

Nothing unfolds: memory holds the shared texts, and the rows of one chunk of XML. Each part is found
by its relation (package.py). ECMA-376 part 1, 18, describes the documents.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence

from chalicelib.domain.imports import MAX_COLUMNS, MAX_ROWS, Fault, Faulty
from chalicelib.domain.values import frozen
from chalicelib.manage.imports import formats
from chalicelib.manage.imports.cells import (
    MAX_TEXT,
    Cells,
    Covered,
    Row,
    span,
    unescape,
)
from chalicelib.manage.imports.package import FILE, Attributes, Package, readable

MAX_STYLES = 65_536
MAX_CODE = 255  # characters of a number format


@frozen
class _Sheet:
    """A sheet of the workbook, by the id of its relation."""

    relation: str
    is_visible: bool


def open_sheet(raw: bytes, **bounds: int) -> Callable[[], Iterator[Row]]:
    """Open a file. Raise Faulty if it is not readable or too large, now or when it is read.

    `bounds`: those of Package, if not the usual ones.
    """
    with readable():
        package = Package(raw, **bounds)
        main = _only(package, "", "officeDocument")
        workbook = _Workbook()
        if main.endswith(".bin"):
            raise Faulty(FILE, Fault.BINARY_WORKBOOK)
        package.parse(main, workbook)
        relations = package.relations(main)
        kinds = {relation.kind: relation.part for relation in relations.values()}
        shown = workbook.shown({id for id, entry in relations.items() if entry.kind == "worksheet"})
        texts, styles, covered = _Texts(), _Styles(), _Merges()
        for kind, reader in (("sharedStrings", texts), ("styles", styles)):
            if kind in kinds:
                package.parse(kinds[kind], reader)
        if package.mentions(relations[shown].part, "mergeCell"):
            package.parse(relations[shown].part, covered)

    def rows() -> Iterator[Row]:
        with readable():
            cells = Cells(texts.texts, styles.codes(), covered.rows)
            for _ in package.steps(relations[shown].part, cells):
                yield from cells.taken()

    return rows


def _only(package: Package, part: str, kind: str) -> str:
    parts = [entry.part for entry in package.relations(part).values() if entry.kind == kind]
    if len(parts) != 1:
        raise Faulty(FILE, Fault.UNREADABLE)
    return parts[0]


class _Workbook(Attributes):
    """The sheets, and the one that was in front when the file was saved."""

    def __init__(self) -> None:
        self._sheets: list[_Sheet] = []
        self._active = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "workbookView":
            self._active = int(attributes.get("activeTab", 0))
        elif name == "sheet":
            ids = [value for key, value in attributes.items() if key.rpartition(":")[2] == "id"]
            is_visible = attributes.get("state", "visible") == "visible"
            self._sheets.append(_Sheet(ids[0] if ids else "", is_visible))

    def shown(self, worksheets: set[str]) -> str:
        """Return the sheet in front, else the first that is not hidden."""
        first = self._sheets[self._active : self._active + 1] if self._active >= 0 else []
        for sheet in (*first, *self._sheets):
            if sheet.is_visible and sheet.relation in worksheets:
                return sheet.relation
        raise Faulty(FILE, Fault.NO_VISIBLE_SHEET)


class _Texts:
    """The shared texts, without their readings (`rPh`) and whatever their characters look like."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._parts: list[str] = []
        self._readings = self._length = 0
        self._is_open = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "t":
            self._is_open = True
        elif name == "si":
            self._parts = []
            if len(self.texts) >= MAX_ROWS * MAX_COLUMNS:
                raise Faulty(FILE, Fault.MANY_CHARACTERS, most=MAX_TEXT)
        elif name == "rPh":
            self._readings += 1

    def text(self, data: str) -> None:
        if self._is_open and not self._readings:
            self._parts.append(data)
            self._length += len(data)
            if self._length > MAX_TEXT:
                raise Faulty(FILE, Fault.MANY_CHARACTERS, most=MAX_TEXT)

    def end(self, name: str) -> None:
        if name == "t":
            self._is_open = False
        elif name == "si":
            self.texts.append(unescape("".join(self._parts)))
        elif name == "rPh":
            self._readings -= 1


class _Styles(Attributes):
    """The number format of each style of a cell."""

    def __init__(self) -> None:
        self._codes: dict[int, str] = {}
        self._numbers = array("L")
        self._is_in_cells = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "numFmt" and len(self._codes) < MAX_STYLES:
            code = attributes.get("formatCode", "")
            self._codes[int(attributes["numFmtId"])] = code if len(code) <= MAX_CODE else "?"
        elif name == "cellXfs":
            self._is_in_cells = True
        elif name == "xf" and self._is_in_cells and len(self._numbers) < MAX_STYLES:
            self._numbers.append(int(attributes.get("numFmtId", 0)))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._is_in_cells = False

    def codes(self) -> Sequence[str]:
        return [self._codes.get(n) or formats.built_in(n) for n in self._numbers]


class _Merges(Attributes):
    """The merged ranges of a sheet, which stand behind its rows."""

    def __init__(self) -> None:
        self.rows = Covered()

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == "mergeCell":
            self.rows.add(*span(attributes.get("ref", "")))
