"""Csv files as they come out of spreadsheets: what is certain is read, the rest is refused."""

from __future__ import annotations

import codecs

import pytest

from chalicelib.domain.imports import Doubtful, Fault, Faulty, FileFormat
from chalicelib.manage.imports import sheets

CHINESE = "userid,tag[all]\r\nzhang,北京;上海\r\n"


def read(raw: bytes) -> list[tuple[int, list[str]]]:
    return [(number, list(cells)) for number, cells in sheets.read(raw, FileFormat.CSV).rows()]


def fault(raw: bytes) -> Fault:
    with pytest.raises(Faulty) as error:
        read(raw)
    return error.value.fault


def missing(cells: list[str]) -> list[bool]:
    return [isinstance(cell, Doubtful) and cell.fault is Fault.MISSING for cell in cells]


@pytest.mark.parametrize(
    "raw",
    [
        CHINESE.encode(),
        codecs.BOM_UTF8 + CHINESE.encode(),
        CHINESE.encode("gbk"),
        CHINESE.encode("gb18030"),
        CHINESE.encode("utf-16"),
        codecs.BOM_UTF16_BE + CHINESE.encode("utf-16-be"),
        CHINESE.replace(",", "\t").encode("utf-16"),
        b"userid;tag[all]\r\nzhang;" + '"北京;上海"\r\n'.encode("gbk"),
        CHINESE.replace("\r\n", "\r").encode(),
        CHINESE.replace("\r\n", "\n").encode(),
    ],
)
def test_what_is_certain_is_read(raw: bytes) -> None:
    ((number, cells),) = read(raw)
    assert (number, cells[0], cells[1][:2], cells[1][-2:]) == (2, "zhang", "北京", "上海")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("userid,tag\nann,臺灣繁體會員測試資料\n", "big5"),
        ("userid,tag\nann,カタカナ東京都渋谷区\n", "shift_jis"),
        ("userid,tag\nrené,café;naïve\n", "latin-1"),
        ("userid,tag\nann,Привет;Москва\n", "cp1251"),
        ("userid,tag\nann,北京\n", "utf-16-le"),
        ("userid,tag\nann,北京\n", "utf-16-be"),
        ("\ufeffuserid\nann\n", "utf-32-le"),
        ("\ufeffuserid\nann\n", "utf-32-be"),
    ],
)
def test_an_uncertain_encoding_is_refused(text: str, encoding: str) -> None:
    assert fault(text.encode(encoding)) is Fault.ENCODING


def test_rare_characters_of_names_do_not_make_a_file_uncertain() -> None:
    text = "userid,tag\n" + "ann,北京大客户\n" * 9 + "eve,李喆\n"
    assert len(read(text.encode("gb18030"))) == 10


def test_a_text_cut_within_a_character_is_refused() -> None:
    assert fault("userid,tag\nann,北京".encode()[:-1]) is Fault.ENCODING


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_the_header_tells_the_delimiter(delimiter: str) -> None:
    text = f"userid{delimiter}phone[all]{delimiter}tag\nann{delimiter}1{delimiter}a\n"
    assert read(text.encode()) == [(2, ["ann", "1", "a"])]
    named = f'"sep={delimiter}"\r\n' + text
    assert read(named.encode()) == [(3, ["ann", "1", "a"])], "its row is that of the spreadsheet"


def test_surplus_cells_stay_and_missing_cells_are_marked() -> None:
    rows = read(b"userid,phone,tag\nann,1,vip,beijing\nbob\neve,1,\n")
    assert rows[0][1] == ["ann", "1", "vip", "beijing"]
    assert missing(rows[1][1]) == [False, True, True]
    assert rows[2][1] == ["eve", "1"]


def test_cells_that_excel_left_out_for_a_block_of_rows_are_empty() -> None:
    """Cite Microsoft KB 77295: it writes no delimiters where 16 rows have nothing behind them."""
    whole = ["userid,phone,tag", *(f"a{n},1,x" for n in range(15))]
    short = [f"b{n},1" for n in range(16)]
    rows = read("\n".join([*whole, *short, *short[:3]]).encode())
    assert [cells for _, cells in rows[15:]] == [line.split(",") for line in [*short, *short[:3]]]
    mixed = [*whole, *short[:8], "c,1,x", *short[9:]]
    assert sum(any(missing(cells)) for _, cells in read("\n".join(mixed).encode())) == 15


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b'userid,tag\nann,"a\nbob,b\n', Fault.OPEN_QUOTE),
        (b'userid,tag\nann,"a"b\n', Fault.OPEN_QUOTE),
        (b"userid\n" + b"x" * 131_073, Fault.LONG_CELL),
        (b"PK\x03\x04", Fault.IS_A_WORKBOOK),
        (b"\xd0\xcf\x11\xe0", Fault.IS_A_WORKBOOK),
        (b"\n\n,,\n", Fault.EMPTY),
    ],
)
def test_a_broken_file_is_refused_as_a_whole(raw: bytes, expected: Fault) -> None:
    assert fault(raw) is expected


def test_the_row_of_an_open_quotation_mark_is_named() -> None:
    with pytest.raises(Faulty) as error:
        read(b'userid,tag\nann,a\nbob,"b\neve,c\n')
    assert error.value.values == {"row": 3}


def test_nul_characters_stay_in_their_cells() -> None:
    assert read(b"userid,tag\nann,a\0b\n") == [(2, ["ann", "a\0b"])]
    assert fault(b"us\0erid,tag\nann,a\n") is Fault.ENCODING
