"""The file of bad rows: everything at once, masked, in the caller's language and format."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

import pytest

from chalicelib.domain.imports import (
    MAX_FAULTS,
    Fault,
    Faulty,
    FileFormat,
    Import,
    ImportKind,
    ImportState,
)
from chalicelib.domain.jobs import ImportJob
from chalicelib.entrypoints.http.import_errors import TEXTS, say
from chalicelib.entrypoints.lambdas.imports import DOOR
from chalicelib.manage.imports import run as imports
from tests import spreadsheets
from tests.fakes.world import FakeWorld, limits_of
from tests.manage.imports.files import RANDOM, TAGS, USERS, done, figures, report

CSV, XLSX = FileFormat.CSV, FileFormat.XLSX
ROWS = """userid,phone,email,tag
ann,12,x@,a b
bob,13800138000,bob@example.com,vip,beijing
eve
ok,13800138001,,vip
"""


def imported(fake: FakeWorld, raw: bytes, format: FileFormat, language: str) -> Import:
    one, form = imports.begin(fake.ports, RANDOM, USERS, format, language=language)
    assert fake.files.upload(form, raw)
    imports.start(fake.ports, one.id)
    imports.work(fake.ports, ImportJob(one.id), DOOR)
    return fake.imports.stored[one.id]


def test_every_error_of_every_row_is_listed_at_once(fake: FakeWorld) -> None:
    one = done(fake, ROWS)
    assert (one.state, figures(one)) == (ImportState.DONE, (4, 1, 0, 3))
    heading, *lines = report(fake, one)
    assert heading == ["row", "column", "value", "advice", "userid", "phone", "email", "tag"]
    assert [line[:3] for line in lines] == [
        ["2", "phone", "****"],
        ["2", "email", "x****@"],
        ["2", "tag", "a b"],
        ["3", "column 5", ""],
        ["4", "phone", ""],
    ]
    assert lines[0][4:] == ["ann", "****", "x****@", "a b"]
    assert not any(lines[1][4:]), "the row stands once"
    assert lines[3][4:] == ["bob", "138****8000", "b****@example.com", "vip"]
    assert "quotation marks" in lines[3][3]
    assert "keep the commas" in lines[4][3]


def test_the_report_of_a_workbook_is_a_workbook(fake: FakeWorld) -> None:
    grid: list[Sequence[spreadsheets.Cell]] = list(csv.reader(io.StringIO(ROWS)))
    one = done(fake, spreadsheets.xlsx(grid), USERS, XLSX)
    assert one.has_report
    heading, *lines = report(fake, one)
    assert heading[:4] == ["row", "column", "value", "advice"]
    assert [line[:2] for line in lines][:3] == [["2", "phone"], ["2", "email"], ["2", "tag"]]
    assert fake.files.stored[f"imports/errors/{one.id}.xlsx"].startswith(b"PK")
    assert imports.show(fake.ports, one.id)[1].endswith(  # type: ignore[union-attr]
        f"import-{one.id}-errors.xlsx&seconds=3600"
    )


@pytest.mark.parametrize("format", list(FileFormat))
def test_reasons_are_in_the_language_of_whoever_began(fake: FakeWorld, format: FileFormat) -> None:
    grid: list[Sequence[spreadsheets.Cell]] = list(csv.reader(io.StringIO(ROWS)))
    raw = ROWS.encode() if format is CSV else spreadsheets.xlsx(grid)
    heading, *lines = report(fake, imported(fake, raw, format, "zh"))
    assert heading[:4] == ["行", "列", "值", "原因与建议"]
    assert all(any("一" <= character <= "鿿" for character in line[3]) for line in lines)
    assert (
        imported(fake, b"userid,nothing\n", CSV, "zh").reason == "nothing: 不是「users」类导入的列"
    )


def test_a_header_that_is_refused_says_everything_at_once(fake: FakeWorld) -> None:
    one = done(fake, "\nuserid,nothing,phone,phone,tag[nobody]\nann,,,,\n")
    assert (one.state, one.failed, one.has_report) == (ImportState.FAILED, 0, True)
    lines = report(fake, one)[1:]
    assert [line[:2] for line in lines] == [["2", "nothing"], ["2", "phone"], ["2", "tag[nobody]"]]
    assert len(one.reason.splitlines()) == 3
    assert not fake.users.stored


def test_a_report_is_not_imported_by_mistake(fake: FakeWorld) -> None:
    one = done(fake, ROWS)
    again = done(fake, fake.files.stored[f"imports/errors/{one.id}.csv"])
    assert (again.state, again.reason.splitlines()[0]) == (
        ImportState.FAILED,
        'row: unknown column for an import of kind "users"',
    )


def test_values_that_look_like_contacts_are_masked_in_any_column(fake: FakeWorld) -> None:
    raw = (
        "userid,tag\n13800138000,a b\nann@example.com,+86 138 0013 8000\nann,x;13800138000\u3000\n"
    )
    text = str(report(fake, done(fake, raw, TAGS)))
    assert "8001380" not in text
    assert "ann@" not in text


@pytest.mark.parametrize(
    "number",
    [
        "(852) 9123-4567",
        "tel:85291234567",
        "852\u20119123\u20114567",
        "８５２９１２３４５６７",
        "wang 85291234567",
        "+852.9123.4567",
    ],
)
def test_a_number_is_masked_in_any_spelling(fake: FakeWorld, number: str) -> None:
    text = str(report(fake, done(fake, f"userid,tag\n{number},a b\n", TAGS)))
    assert number not in text
    assert "4567" not in text.replace("****4567", "")


def test_a_report_has_bounds_and_says_so(fake: FakeWorld) -> None:
    fake.limits = limits_of(report_cells=60)
    one = done(fake, "userid,tag\n" + "".join(f"u{n},a b\n" for n in range(25)))
    lines = report(fake, one)[1:]
    assert len(lines) == 11
    assert lines[-1][3] == "15 further bad rows are not listed: mend these first"


def test_a_row_lists_ten_errors_at_most(fake: FakeWorld) -> None:
    header = ["userid", *(f"tag[{'all' if n else 'shop'}]" for n in range(2)), "phone", "email"]
    cells = ["u", ";".join(["a b"] * 20), ";".join(["a b"] * 20), "1", "1"]
    one = done(fake, ",".join(header) + "\n" + ",".join(cells) + "\n")
    assert len(report(fake, one)[1:]) == MAX_FAULTS
    assert one.failed == 1


def test_every_fault_has_texts_in_both_languages() -> None:
    values = {"row": 1, "tries": 5, "most": "a", "kind": "users", "number": 3}
    for fault in Fault:
        error = Faulty("file", fault, **values)
        assert say(error, "en") != say(error, "zh"), fault
        assert "{" not in say(error, "en") + say(error, "zh")
    assert set(TEXTS) == set(Fault)


@pytest.mark.parametrize("kind", list(ImportKind))
def test_every_kind_of_import_lists_its_bad_rows(fake: FakeWorld, kind: ImportKind) -> None:
    is_of_contacts = kind is ImportKind.SUPPRESSIONS
    column, good = ("phone", "13900001111") if is_of_contacts else ("userid", "ann")
    one = done(fake, f"{column}\n{good}\nb d\n{good}2,x\n", kind, CSV, 7)
    assert [line[:2] for line in report(fake, one)[1:]] == [["3", column], ["4", "column 2"]]
    assert one.changed == 1
