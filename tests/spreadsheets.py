"""Xlsx files for tests, as small as they can be, and as wrong as they must be."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'

_XML = '<Default Extension="xml" ContentType="application/xml"/>'

Cell = str | float | int | bool | None


def xlsx(rows: Sequence[Sequence[Cell]], **changes: str) -> bytes:
    """Build a file whose texts are shared, as spreadsheets write them."""
    texts: dict[str, int] = {}
    lines = [
        f'<row r="{n}">{"".join(_cell(n, c, cell, texts) for c, cell in enumerate(row))}</row>'
        for n, row in enumerate(rows, 1)
    ]
    return package("".join(lines), list(texts), **changes)


def package(sheet_data: str, texts: Sequence[str] = (), **changes: str) -> bytes:
    """Build a file. `changes` replace whole members: `sheet`, `workbook`, `strings`."""
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    members: Mapping[str, str] = {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{_XML}</Types>',
        "_rels/.rels": _relations({"rId1": ("officeDocument", "xl/workbook.xml")}),
        "xl/workbook.xml": changes.get("workbook")
        or f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": _relations(
            {
                "rId1": ("worksheet", "worksheets/sheet1.xml"),
                "rId2": ("sharedStrings", "sharedStrings.xml"),
            }
        ),
        "xl/worksheets/sheet1.xml": changes.get("sheet")
        or f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{sheet_data}</sheetData></worksheet>',
        "xl/sharedStrings.xml": changes.get("strings")
        or f'{_HEAD}<sst xmlns="{_MAIN}">{shared}</sst>',
    }
    return archive(members)


def archive(members: Mapping[str, str | bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return raw.getvalue()


def _relations(targets: Mapping[str, tuple[str, str]]) -> str:
    listed = "".join(
        f'<Relationship Id="{id}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for id, (kind, target) in targets.items()
    )
    return f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{listed}</Relationships>'


def _cell(row: int, column: int, cell: Cell, texts: dict[str, int]) -> str:
    reference = f"{column_name(column)}{row}"
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f'<c r="{reference}" t="s"><v>{texts.setdefault(cell, len(texts))}</v></c>'
    kind, value = (' t="b"', str(int(cell))) if isinstance(cell, bool) else ("", repr(cell))
    return f'<c r="{reference}"{kind}><v>{value}</v></c>'


def column_name(column: int) -> str:
    """Return the letters of a column: 0 -> A, 26 -> AA."""
    name = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        name = chr(65 + letter) + name
    return name
