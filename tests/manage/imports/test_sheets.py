"""Files of rows: spreadsheets are read as they were meant, too large ones refused unread."""

from __future__ import annotations

import codecs
import contextlib
import struct
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.errors import Invalid
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
from chalicelib.entrypoints.http.import_errors import say
from chalicelib.manage.imports import package, sheets
from tests import spreadsheets
from tests.profiles import examples

CSV, XLSX = FileFormat.CSV, FileFormat.XLSX


def rows(raw: bytes, format: FileFormat = CSV) -> list[tuple[int, list[str]]]:
    return [(number, list(cells)) for number, cells in sheets.read(raw, format).rows()]


def refusal(raw: bytes, format: FileFormat) -> str:
    with pytest.raises(Faulty) as error:
        list(sheets.read(raw, format).rows())
    assert error.value.field == "file"
    return say(error.value, "en")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_csv_is_read_in_the_encodings_that_spreadsheets_save(encoding: str) -> None:
    sheet = sheets.read("userid,tag[all]\r\nzhang,北京;上海\r\n".encode(encoding), CSV)
    assert (sheet.header, list(sheet.rows())) == (
        ["userid", "tag[all]"],
        [(2, ["zhang", "北京;上海"])],
    )


def test_rows_keep_their_numbers_in_the_spreadsheet_when_others_are_empty() -> None:
    raw = b'\n userid , phone\n,,\n a ,"1\n2"\n\n b,\n'
    sheet = sheets.read(raw, CSV)
    assert sheet.header == ["userid", "phone"]
    assert list(sheet.rows()) == [(4, ["a", "1\n2"]), (6, ["b"])]
    grid: list[list[spreadsheets.Cell]] = [
        [None],
        ["userid", "phone"],
        [],
        [None, None],
        [None, 1],
        ["b"],
    ]
    assert rows(spreadsheets.xlsx(grid), XLSX) == [(5, ["", "1"]), (6, ["b"])]


def test_a_workbooks_cells_are_the_texts_that_its_writer_saw() -> None:
    grid: list[list[spreadsheets.Cell]] = [
        ["userid", "n"],
        ["a", 13800138000],
        ["b", 1.5],
        ["c", True],
        ["d", "=1+1"],
        ["e", 123456789012345678],
    ]
    shown = [cells[1] for _, cells in rows(spreadsheets.xlsx(grid), XLSX)]
    assert shown == ["13800138000", "1.5", "TRUE", "=1+1", "123456789012345678"]
    faults = [cell.fault if isinstance(cell, Doubtful) else None for cell in shown]
    assert faults == [None, Fault.DECIMALS, Fault.TRUTH, None, Fault.DIGITS]


def test_a_file_can_be_read_again() -> None:
    sheet = sheets.read(spreadsheets.xlsx([["userid"], ["a"]]), XLSX)
    assert list(sheet.rows()) == list(sheet.rows()) == [(2, ["a"])]


@pytest.mark.parametrize(
    ("raw", "format"),
    [
        (b"", CSV),
        (b"\n,,\n", CSV),
        (b'userid\n"a', CSV),
        (b"userid\n" + b"x" * 131_073, CSV),
        (codecs.BOM_UTF32_LE + "userid".encode("utf-32-le"), CSV),
        (codecs.BOM_UTF16_LE + b"userid!", CSV),
        (b"userid\n\xff\xff", CSV),
        (spreadsheets.xlsx([["userid"]]), CSV),
        (b"userid\na", XLSX),
        (b"PK\x03\x04" + b"\0" * 100, XLSX),
        (spreadsheets.archive({"a.txt": "hello"}), XLSX),
        (spreadsheets.archive({"xl/workbook.xml": "<a>"}), XLSX),
        (spreadsheets.xlsx([["userid"]])[:-30], XLSX),
        (
            spreadsheets.xlsx(
                [["userid"]], sheet="<worksheet><sheetData><row r='x'/></sheetData></worksheet>"
            ),
            XLSX,
        ),
        (spreadsheets.package('<row r="1"><c r="1A"><v>1</v></c></row>'), XLSX),
        (spreadsheets.package('<row r="1"><c r="A1" t="s"><v>7</v></c></row>'), XLSX),
        (spreadsheets.xlsx([["userid"]], strings='<!DOCTYPE a [<!ENTITY b "c">]><sst/>'), XLSX),
        (spreadsheets.xlsx([]), XLSX),
    ],
)
def test_what_is_no_such_file_is_refused(raw: bytes, format: FileFormat) -> None:
    assert refusal(raw, format)


def test_a_file_has_fifty_thousand_rows_at_most() -> None:
    most = b"userid\n" + b"".join(b"u%d\n" % n for n in range(MAX_ROWS))
    assert len(rows(most)) == MAX_ROWS
    assert refusal(most + b"one more\n", CSV) == "has more than 50000 rows: divide it"
    cells: list[list[spreadsheets.Cell]] = [["userid"], *([n] for n in range(MAX_ROWS))]
    assert len(rows(spreadsheets.xlsx(cells), XLSX)) == MAX_ROWS
    assert refusal(spreadsheets.xlsx([*cells, [1]]), XLSX) == "has more than 50000 rows: divide it"


def test_a_file_has_sixty_four_columns_at_most() -> None:
    most = ",".join(f"c{n}" for n in range(MAX_COLUMNS))
    assert len(sheets.read(most.encode(), CSV).header) == MAX_COLUMNS
    assert refusal(f"{most},one".encode(), CSV) == "has more than 64 columns: divide it"
    assert len(sheets.read(spreadsheets.xlsx([most.split(",")]), XLSX).header) == MAX_COLUMNS
    assert (
        refusal(spreadsheets.xlsx([[*most.split(","), "one"]]), XLSX)
        == "has more than 64 columns: divide it"
    )


# Cells are read one by one, so that nothing unfolds. Files beyond the bounds end early.


@pytest.mark.parametrize("far", ["A1048576", "XFD2", "XFD1048576", "BM2"])
def test_two_cells_far_apart_are_refused_and_not_unfolded(far: str) -> None:
    assert "has more than" in refusal(
        spreadsheets.package(
            f'<row r="1"><c r="A1"><v>1</v></c></row><row><c r="{far}"><v>1</v></c></row>'
        ),
        XLSX,
    )


def test_cells_without_a_value_may_stand_anywhere() -> None:
    raw = spreadsheets.package(
        '<row r="1"><c r="A1" t="inlineStr"><is><t>userid</t></is></c></row>'
        '<row r="1048576"><c r="XFD1048576" s="1"/></row>'
    )
    assert sheets.read(raw, XLSX).header == ["userid"]


def test_rows_and_cells_that_name_no_place_are_counted() -> None:
    raw = spreadsheets.package(
        '<row><c t="str"><v>userid</v></c></row>' + "<row><c><v>1</v></c></row>" * 60_000
    )
    assert refusal(raw, XLSX) == "has more than 50000 rows: divide it"


def test_one_long_text_in_many_cells_is_refused() -> None:
    cells: list[list[spreadsheets.Cell]] = [["x" * 30_000] * 50] * 50
    assert "characters" in refusal(spreadsheets.xlsx(cells), XLSX)
    assert len(rows(spreadsheets.xlsx(cells[:2]), XLSX)) == 1


def test_an_archive_that_unpacks_to_too_much_is_refused_by_its_directory() -> None:
    raw = bytearray(spreadsheets.xlsx([["userid"], ["a"]]))
    assert len(rows(bytes(raw), XLSX)) == 1
    entry = raw.index(b"PK\x01\x02")  # of the first member, in the directory
    struct.pack_into("<L", raw, entry + 24, package.MAX_EXPANDED + 1)
    assert "unpacked" in refusal(bytes(raw), XLSX)


def test_an_archive_has_a_thousand_parts_at_most() -> None:
    assert "parts" in refusal(
        spreadsheets.archive({f"{n}.txt": "" for n in range(package.MAX_MEMBERS + 1)}), XLSX
    )


@examples(200)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    for format, head in ((CSV, b""), (XLSX, b"PK\x03\x04")):
        with contextlib.suppress(Invalid):
            assert all(
                number > 1 and cells for number, cells in sheets.read(head + raw, format).rows()
            )


@examples(200)
@given(st.integers(0, 2000), st.integers(0, 255))
def test_a_workbook_with_one_wrong_byte_is_read_or_refused(place: int, byte: int) -> None:
    raw = bytearray(spreadsheets.xlsx([["userid", "phone"], ["a", 1], ["b", "2"]]))
    raw[place % len(raw)] = byte
    with contextlib.suppress(Invalid):
        assert len(list(sheets.read(bytes(raw), XLSX).rows())) <= 2


@pytest.mark.parametrize(
    "cell", ["=1+1", "+86138", "-1", "@SUM(A1)", "\tx", "\rx", "＝1", " =1", "'=1"]
)
def test_a_cell_that_looks_like_a_formula_does_not_run_and_comes_back_as_it_was(cell: str) -> None:
    assert escaped(cell)[0] == "'" or cell == "'=1"
    assert unescaped(escaped(cell)) == (cell if cell != "'=1" else "=1")


@given(
    st.lists(
        st.lists(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n")),
            min_size=1,
            max_size=4,
        ),
        max_size=5,
    )
)
def test_what_is_written_has_no_formula_and_is_csv(table: Sequence[Sequence[str]]) -> None:
    import csv
    import io

    raw = sheets.write(("row",), table)
    read = list(csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    assert read == [["row"], *([escaped(cell) for cell in row] for row in table)]
    assert not [cell for row in read for cell in row if cell.startswith(("=", "+", "-", "@"))]
