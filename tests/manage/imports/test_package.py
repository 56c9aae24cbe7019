"""Parts of a workbook: each is found by its relation, and no file ends the worker."""

from __future__ import annotations

import contextlib
import io
import tracemalloc
import zipfile
from collections.abc import Mapping

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.imports import Fault, Faulty, FileFormat
from chalicelib.manage.imports import cells, package, sheets
from tests import spreadsheets
from tests.profiles import examples

ROWS = '<row r="1"><c r="A1" t="str"><v>userid</v></c></row>'
ROWS += '<row r="2"><c r="A2" t="str"><v>ann</v></c></row>'
SHEET = f"<worksheet><sheetData>{ROWS}</sheetData></worksheet>"
RELATIONS = "xl/_rels/workbook.xml.rels"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def userids(raw: bytes) -> list[str]:
    return [cells[0] for _, cells in sheets.read(raw, FileFormat.XLSX).rows()]


def fault(raw: bytes) -> Fault:
    with pytest.raises(Faulty) as error:
        userids(raw)
    return error.value.fault


def with_members(changes: Mapping[str, str | bytes | None], raw: bytes = b"") -> bytes:
    """Build a workbook with other members. None leaves one out."""
    with zipfile.ZipFile(io.BytesIO(raw or spreadsheets.package(ROWS))) as archive:
        members: dict[str, str | bytes] = {n: archive.read(n) for n in archive.namelist()}
    merged = {**members, **changes}
    return spreadsheets.archive({name: c for name, c in merged.items() if c is not None})


def with_target(target: str, part: str | None, mode: str = "") -> bytes:
    """Build a workbook whose sheet stands at `part`, and whose relation names `target`."""
    relation = f'<Relationship Id="rId1" Type="{OFFICE}/worksheet" Target="{target}"{mode}/>'
    changes: dict[str, str | bytes | None] = {
        RELATIONS: f"<Relationships>{relation}</Relationships>",
        "xl/worksheets/sheet1.xml": None,
    }
    return with_members(changes | ({part: SHEET} if part else {}))


@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("worksheets/sheet1.bin", "xl/worksheets/sheet1.bin"),
        ("/xl/worksheets/sheet1.xml", "xl/worksheets/sheet1.xml"),
        ("../data/s", "data/s"),
        ("../../../data/s.xml", "data/s.xml"),
        ("worksheets/Sheet%201.xml", "xl/worksheets/Sheet 1.xml"),
        ("worksheets/SHEET1.XML", "xl/worksheets/sheet1.xml"),
        ("worksheets\\sheet1.xml", "xl\\worksheets\\sheet1.xml"),
    ],
)
def test_a_sheet_is_read_where_its_relation_says(target: str, part: str) -> None:
    assert userids(with_target(target, part)) == ["ann"]


@pytest.mark.parametrize(
    ("target", "part", "mode"),
    [
        ("worksheets/sheet2.xml", "xl/worksheets/sheet1.xml", ""),
        ("worksheets/sheet1.xml", None, ""),
        ("http://example.com/sheet1.xml", "xl/worksheets/sheet1.xml", ' TargetMode="External"'),
        ("", "xl/worksheets/sheet1.xml", ""),
        ("/", "xl/worksheets/sheet1.xml", ""),
    ],
)
def test_a_sheet_that_is_not_there_is_refused(target: str, part: str | None, mode: str) -> None:
    assert fault(with_target(target, part, mode)) is Fault.UNREADABLE


def test_bytes_in_place_of_the_sheet_are_refused() -> None:
    """Stand for a `sheet1.bin` that another reader would unfold, beside a good `sheet1.xml`."""
    target = with_target("worksheets/sheet1.bin", "xl/worksheets/sheet1.bin")
    raw = with_members({"xl/worksheets/sheet1.bin": b"\x81\x01\x00" * 400}, target)
    assert fault(raw) is Fault.UNREADABLE


def test_the_sheet_in_front_is_read_and_a_hidden_one_never() -> None:
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw) as book:
        for name in ("dict", "users", "old", "chart"):
            sheet = book.add_chartsheet(name) if name == "chart" else book.add_worksheet(name)
            if name != "chart":
                sheet.write_column(0, 0, ["userid", name])
        book.get_worksheet_by_name("old").activate()
    assert userids(raw.getvalue()) == ["old"]
    text = zipfile.ZipFile(raw).read("xl/workbook.xml").decode()
    for hidden in ("hidden", "veryHidden"):
        changed = text
        for name in ("dict", "old"):
            changed = changed.replace(f'name="{name}"', f'name="{name}" state="{hidden}"')
        book = with_members({"xl/workbook.xml": changed}, raw.getvalue())
        assert userids(book) == ["users"], "the first that is not hidden"
    every = text.replace("<sheet ", '<sheet state="hidden" ')
    assert fault(with_members({"xl/workbook.xml": every}, raw.getvalue())) is Fault.NO_VISIBLE_SHEET


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), Fault.OLD_WORKBOOK),
        (
            b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
            Fault.ENCRYPTED,
        ),
        (
            spreadsheets.archive(
                {
                    "mimetype": "application/vnd.oasis.opendocument.spreadsheet",
                    "content.xml": "<a/>",
                }
            ),
            Fault.OPEN_DOCUMENT,
        ),
        (
            spreadsheets.archive(
                {
                    "_rels/.rels": "<Relationships><Relationship Id='a' "
                    f"Type='{OFFICE}/officeDocument' Target='xl/workbook.bin'/></Relationships>",
                    "xl/workbook.bin": b"\x83\x01\x00",
                }
            ),
            Fault.BINARY_WORKBOOK,
        ),
        (b"<html><table></table></html>", Fault.NOT_A_WORKBOOK),
        (b"userid\nann\n", Fault.NOT_A_WORKBOOK),
    ],
)
def test_another_kind_of_file_is_named(raw: bytes, expected: Fault) -> None:
    assert fault(raw) is expected


def test_prefixed_and_strict_documents_are_read() -> None:
    sheet = SHEET.replace("</", "</x:").replace("<", "<x:").replace("<x:/x:", "</x:")
    sheet = sheet.replace("<x:worksheet>", '<x:worksheet xmlns:x="http://purl.oclc.org/ooxml/">')
    assert userids(with_members({"xl/worksheets/sheet1.xml": sheet})) == ["ann"]
    utf16 = ('<?xml version="1.0" encoding="UTF-16"?>' + SHEET).encode("utf-16")
    assert userids(with_members({"xl/worksheets/sheet1.xml": utf16})) == ["ann"]


@pytest.mark.parametrize(
    "part",
    [
        "<!DOCTYPE a [<!ENTITY b 'c'>]>" + SHEET,
        SHEET.replace("ann", "&b;"),
        SHEET[:-20],
        SHEET.replace("<row", '<row ht="x"', 1),
        SHEET.replace('t="str"', 's="9" t="str"'),
        SHEET.replace('t="str"', 't="what"'),
        SHEET.replace('r="2"', 'r="1"'),
        SHEET.replace('t="str"><v>ann', 't="s"><v>-1'),
        SHEET.replace('t="str"', 's="-1" t="str"'),
        "<worksheet>" + "<sheetData>" * 1000 + "</sheetData>" * 1000 + "</worksheet>",
        f"<worksheet><c {'x' * (2 * package.MAX_TOKEN)}='1'/></worksheet>",
    ],
)
def test_a_broken_sheet_is_refused(part: str) -> None:
    assert fault(with_members({"xl/worksheets/sheet1.xml": part})) is Fault.UNREADABLE


def test_memory_does_not_grow_with_the_rows() -> None:
    peaks = []
    for rows in (1000, 4000, 16000):
        lines = (f'<row r="{n}"><c r="A{n}"><v>{n}</v></c></row>' for n in range(2, rows + 2))
        head = ROWS.partition('<row r="2">')[0]
        raw = spreadsheets.package(head + "".join(lines))
        tracemalloc.start()
        assert sum(1 for _ in sheets.read(raw, FileFormat.XLSX).rows()) == rows
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 2 * peaks[1], peaks


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_unusual_compressions_are_refused(compression: int) -> None:
    raw = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(spreadsheets.package(ROWS))) as archive,
        zipfile.ZipFile(raw, "w") as copy,
    ):
        for name in archive.namelist():
            unusual = compression if "sheet1" in name else zipfile.ZIP_DEFLATED
            copy.writestr(name, archive.read(name), unusual)
    assert fault(raw.getvalue()) is Fault.UNREADABLE


def test_a_part_has_a_bounded_number_of_tags() -> None:
    name = "xl/worksheets/sheet1.xml"
    many = SHEET.replace("<sheetData>", "<cols>" + "<col/>" * 2000 + "</cols><sheetData>")
    raw = with_members({name: many})
    package.Package(raw, 3000).parse(name, cells.Cells([], [], cells.Covered()))
    with pytest.raises(Faulty) as error:
        package.Package(raw, 1000).parse(name, cells.Cells([], [], cells.Covered()))
    assert error.value.fault is Fault.MANY_TAGS


def test_merged_ranges_that_overlap_without_end_are_refused() -> None:
    merges = '<mergeCell ref="A1:A50000"/>' * 100
    sheet = SHEET.replace("</worksheet>", f"<mergeCells>{merges}</mergeCells></worksheet>")
    assert fault(with_members({"xl/worksheets/sheet1.xml": sheet})) is Fault.UNREADABLE


@examples(100)
@given(
    st.sampled_from(["[Content_Types].xml", "_rels/.rels", RELATIONS, "xl/workbook.xml"]),
    st.binary(max_size=40),
    st.integers(0, 400),
)
def test_any_bytes_in_a_part_are_read_or_refused(name: str, noise: bytes, place: int) -> None:
    with zipfile.ZipFile(io.BytesIO(spreadsheets.package(ROWS))) as archive:
        content = archive.read(name)
    changed = content[:place] + noise + content[place + len(noise) :]
    with contextlib.suppress(Faulty):
        assert userids(with_members({name: changed})) == ["ann"]
