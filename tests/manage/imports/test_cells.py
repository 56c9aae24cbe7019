"""Typed cells: taken as they are shown where that is certain, else refused with advice."""

from __future__ import annotations

import datetime
import io
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.imports import Doubtful, Fault, FileFormat
from chalicelib.manage.imports import formats, sheets
from tests import spreadsheets

# ECMA-376 part 1, 18.8.30: built-in formats by number.
SHOWN = [
    (1234, "General", "1234"),
    (1234, "000000", "001234"),
    (0, "000000", "000000"),
    (1234567, "000000", "1234567"),
    (13800138000, "0", "13800138000"),
    (13800138000, "@", "13800138000"),
    (13800138000, "0_ ", "13800138000"),
    (8613800138000, "General", "8613800138000"),
    (13800138000, "0_);[Red]\\(0\\)", "13800138000"),
    (5, '00;-00;"zero"', "05"),
    (-5, "00;-00", "-05"),
    (-5, "0", "-5"),
    (7, "##0", "7"),
    (999_999_999_999_999, "General", "999999999999999"),
]
DOUBTFUL = [
    (1.5, "General", Fault.DECIMALS),
    (1.5, "0", Fault.DECIMALS),
    (5, "0.00", Fault.DECIMALS),
    (45293, "yyyy-mm-dd", Fault.DATE),
    (45293, "m/d/yy", Fault.DATE),
    (45293, '[$-804]yyyy"年"m"月"d"日"', Fault.DATE),
    (0.52, "h:mm", Fault.DATE),
    (0.5, "0%", Fault.PERCENT),
    (0.5, "# ?/?", Fault.FRACTION),
    (5, "¥#,##0", Fault.CURRENCY),
    (5, "[$€-407] 0", Fault.CURRENCY),
    (8613800138000, "0.00E+00", Fault.SCIENTIFIC),
    (1234, "#,##0", Fault.FORMAT),
    (13800138000, "000-0000-0000", Fault.FORMAT),
    (5, '"No. "0', Fault.FORMAT),
    (5, ";;;", Fault.FORMAT),
    (5, "[DBNum1]General", Fault.FORMAT),
    (-5, "0;(0)", Fault.FORMAT),
    (1234567890123456, "General", Fault.DIGITS),
    (10**20, "0", Fault.DIGITS),
]


def written(fill: Callable[[Any, Any], Any], header: tuple[str, ...] = ("userid", "tag")) -> bytes:
    """Build a workbook whose header stands, and whose rest `fill` writes."""
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, header)
        fill(workbook, sheet)
    return raw.getvalue()


def read(raw: bytes) -> Mapping[int, list[tuple[str, Fault | None]]]:
    return {
        number: [(str(cell), cell.fault if isinstance(cell, Doubtful) else None) for cell in cells]
        for number, cells in sheets.read(raw, FileFormat.XLSX).rows()
    }


@pytest.mark.parametrize(("value", "code", "shown"), SHOWN)
def test_a_number_is_taken_as_its_format_shows_it(value: float, code: str, shown: str) -> None:
    raw = written(
        lambda book, sheet: sheet.write_number(1, 0, value, book.add_format({"num_format": code}))
    )
    assert read(raw) == {2: [(shown, None)]}


@pytest.mark.parametrize(("value", "code", "fault"), DOUBTFUL)
def test_a_number_that_looks_otherwise_is_doubtful(value: float, code: str, fault: Fault) -> None:
    raw = written(
        lambda book, sheet: sheet.write_number(1, 0, value, book.add_format({"num_format": code}))
    )
    assert [cell[1] for cell in read(raw)[2]] == [fault]


def test_the_built_in_dates_of_a_chinese_excel_are_dates() -> None:
    for number in (14, 22, 27, 31, 36, 45, 50, 58):
        cell = formats.number("45293", formats.built_in(number))
        assert isinstance(cell, Doubtful)
        assert cell.fault is Fault.DATE
    assert formats.number("45293", "G/通用格式") == "45293"


def test_dates_are_doubtful_whatever_their_epoch_is() -> None:
    def fill(book: Any, sheet: Any) -> None:
        style = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_datetime(1, 0, datetime.datetime(2024, 1, 2), style)

    assert read(written(fill))[2][0][1] is Fault.DATE
    iso = '<row r="1"><c r="A1" t="str"><v>userid</v></c></row>'
    iso += '<row r="2"><c r="A2" t="d"><v>2024-01-02</v></c></row>'
    assert read(spreadsheets.package(iso)) == {2: [("2024-01-02", Fault.DATE)]}


def test_texts_are_taken_however_they_are_written() -> None:
    def fill(book: Any, sheet: Any) -> None:
        bold = book.add_format({"bold": True})
        sheet.write_rich_string(1, 0, bold, "a", "nn")
        sheet.write_url(1, 1, "mailto:ann@example.com", string="vip")
        sheet.write_string(2, 0, "001234")
        sheet.write_string(2, 1, "x_x0041_")
        accounting = book.add_format({"num_format": '_ * #,##0_ ;_ * -#,##0_ ;_ * "-"_ ;_ @_ '})
        sheet.write_string(3, 0, "bob", accounting)
        sheet.write_string(4, 0, "eve", book.add_format({"num_format": '0;0;0;"U-"@'}))

    assert read(written(fill)) == {
        2: [("ann", None), ("vip", None)],
        3: [("001234", None), ("x_x0041_", None)],
        4: [("bob", None)],
        5: [("eve", Fault.FORMAT)],
    }


def test_readings_above_characters_are_not_part_of_a_text() -> None:
    raw = spreadsheets.package(
        '<row r="1"><c r="A1" t="str"><v>userid</v></c></row>'
        '<row r="2"><c r="A2" t="inlineStr"><is><t>an</t><rPh><t>AN</t></rPh></is></c></row>'
    )
    assert read(raw) == {2: [("an", None)]}


def test_formulas_errors_and_truths_are_told_apart_from_empty_cells() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_formula(1, 0, '="a"&"b"', None, "ab")
        sheet.write_formula(1, 1, '=IF(A1="","",A1)', None, "")
        sheet.write_formula(2, 0, "=VLOOKUP(A1,Z:Z,1,0)", None, "#N/A")
        sheet.write_boolean(2, 1, True)

    raw = written(fill)
    assert read(raw)[2][0] == ("ab", None)
    assert read(raw)[3] == [("#N/A", Fault.ERROR), ("TRUE", Fault.TRUTH)]
    for stored in ("<f>1+1</f>", "<f>1+1</f><v/>", '<f t="shared" si="0"/>'):
        cell = f'<row r="1"><c r="A1"><v>1</v></c></row><row r="2"><c r="B2">{stored}</c></row>'
        assert read(spreadsheets.package(cell)) == {2: [("", None), ("", Fault.FORMULA)]}
    empty = '<row r="1"><c r="A1" t="str"><v>userid</v></c></row>'
    empty += '<row r="2"><c r="A2" t="str"><f>""</f><v></v></c></row>'
    assert read(spreadsheets.package(empty)) == {}, "a formula that shows nothing is empty"


def test_cells_below_a_merged_range_are_doubtful() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_column(1, 0, ["a", "b", "c", "d"])
        sheet.merge_range("B3:B4", "vip")

    read_rows = read(written(fill))
    assert read_rows[2] == [("a", None)]
    assert read_rows[3] == [("b", None), ("vip", Fault.MERGED)]
    assert read_rows[4] == [("c", None), ("", Fault.MERGED)]
    assert read_rows[5] == [("d", None)]


def test_hidden_rows_and_columns_are_doubtful() -> None:
    def fill(book: Any, sheet: Any) -> None:
        sheet.write_column(1, 0, ["a", "b", "c"])
        sheet.set_row(2, None, None, {"hidden": True})
        sheet.set_row(3, 0)
        sheet.set_column(1, 1, None, None, {"hidden": True})

    raw = written(fill)
    assert sheets.read(raw, FileFormat.XLSX).header[1].fault is Fault.HIDDEN_COLUMN  # type: ignore[attr-defined]
    assert [cells[0][1] for cells in read(raw).values()] == [None, *[Fault.HIDDEN_ROW] * 2]


@given(st.text(max_size=30), st.text(max_size=30))
def test_any_number_and_any_format_give_a_text(stored: str, code: str) -> None:
    assert isinstance(formats.number(stored, code), str)
    assert isinstance(formats.text(stored, code), str)
