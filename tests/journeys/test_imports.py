"""An import on the stack: the form, the bucket, the queue, the function, the file of bad rows."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
import requests

from chalicelib.domain.imports import FileFormat
from chalicelib.manage.imports import sheets
from infra.demo.client import Failed, Shop
from tests import spreadsheets
from tests.liveness import eventually

pytestmark = pytest.mark.stack


def run(shop: Shop, content: bytes, language: str = "en", **body: Any) -> dict[str, Any]:
    wish = {"kind": "users", "format": "csv", **body}
    made = requests.post(
        shop.admin.url + "/admin/v1/imports",
        json=wish,
        auth=shop.admin.pair,
        headers={"Accept-Language": language},
        timeout=10,
    ).json()
    assert shop.put_file(made["upload"], content) == 204
    path = f"/admin/v1/imports/{made['id']}"
    shop.admin.ask("POST", f"{path}/start")
    return eventually(lambda: shop.admin.ask("GET", path), lambda told: told["state"] != "running")


def bad_rows(told: Mapping[str, Any]) -> list[list[str]]:
    """Download the file of bad rows, which has the format of the uploaded file."""
    answer = requests.get(told["errors_url"], timeout=10)
    assert answer.status_code == 200
    assert f"-errors.{told['format']}" in answer.headers["Content-Disposition"]
    if told["format"] == "csv":
        return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    sheet = sheets.read(answer.content, FileFormat.XLSX)
    return [list(sheet.header), *(list(cells) for _, cells in sheet.rows())]


def test_users_are_imported_and_their_bad_rows_fetched(shop: Shop) -> None:
    grid: list[Sequence[spreadsheets.Cell]] = [
        ["userid", "phone[all]", f"app_regid[{shop.code('app')}]", "tag[all]"]
    ]
    grid += [
        [f"{shop.mark}i{n}", 13800000000 + n, f"reg{n};reg{n}b", f"imported{shop.mark}"]
        for n in range(1500)
    ]
    told = run(shop, spreadsheets.xlsx([*grid, ["bad id", None, None, None]]), format="xlsx")
    assert (told["state"], told["changed"], told["failed"]) == ("done", 1500, 1)
    assert [line[:2] for line in bad_rows(told)] == [["row", "column"], ["1502", "userid"]]
    found = shop.admin.ask("GET", f"/admin/v1/users/{shop.mark}i7")
    assert found["contacts"] == {
        "sms": {"all": ["13800000007"]},
        "app": {shop.code("app"): ["reg7", "reg7b"]},
    }
    search = {"type": "sms", "contact": "13800000007"}
    assert [
        each["userid"] for each in shop.admin.ask("POST", "/admin/v1/users/search", search)["users"]
    ] == [f"{shop.mark}i7"]
    assert (
        len(shop.admin.ask("GET", f"/admin/v1/users?prefix={shop.mark}i14&limit=100")["users"])
        == 100
    )
    assert (
        len(
            shop.admin.ask("GET", f"/admin/v1/user-tags/all/imported{shop.mark}/users?limit=100")[
                "userids"
            ]
        )
        == 100
    )
    again = run(shop, spreadsheets.xlsx([*grid, ["bad id", None, None, None]]), format="xlsx")
    assert (again["changed"], again["unchanged"], again["failed"]) == (0, 1500, 1)


def test_a_form_takes_no_file_beyond_its_range(shop: Shop) -> None:
    made = shop.admin.ask("POST", "/admin/v1/imports", {"kind": "users", "format": "csv"})
    assert shop.put_file(made["upload"], b"") == 400
    assert shop.put_file(made["upload"], bytes(made["upload"]["max_bytes"] + 1)) == 400
    assert (
        shop.put_file(
            {**made["upload"], "fields": {**made["upload"]["fields"], "key": "aws/lambda/other"}},
            b"x",
        )
        == 403
    )
    with pytest.raises(Failed, match="not been uploaded"):
        shop.admin.ask("POST", f"/admin/v1/imports/{made['id']}/start")


def test_a_workbook_that_would_end_its_reader_is_refused(shop: Shop) -> None:
    first = '<row r="1"><c r="A1"><v>1</v></c></row>'
    last = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    bomb = spreadsheets.package(first + last)
    told = run(shop, bomb, format="xlsx")
    assert (told["state"], told["reason"]) == (
        "failed",
        "file: has more than 64 columns: divide it",
    )


def test_a_workbook_whose_relation_names_bytes_fails_at_once(shop: Shop) -> None:
    with zipfile.ZipFile(io.BytesIO(spreadsheets.xlsx([["userid"], ["ann"]]))) as archive:
        members: dict[str, str | bytes] = {n: archive.read(n) for n in archive.namelist()}
    relations = archive_text(members, "xl/_rels/workbook.xml.rels")
    members["xl/_rels/workbook.xml.rels"] = relations.replace("sheet1.xml", "sheet1.bin")
    members["xl/worksheets/sheet1.bin"] = b"\x81\x01\x00" * 400
    told = run(shop, spreadsheets.archive(members), format="xlsx")
    assert (told["state"], told["errors_url"]) == ("failed", None)
    assert told["reason"].startswith("file: not a readable .xlsx file")


def archive_text(members: Mapping[str, str | bytes], name: str) -> str:
    content = members[name]
    return content.decode() if isinstance(content, bytes) else content


@pytest.mark.parametrize("format", ["csv", "xlsx"])
def test_a_refused_file_says_everything_at_once_in_the_callers_language(
    shop: Shop, format: str
) -> None:
    grid: list[Sequence[spreadsheets.Cell]] = [
        ["userid", "phone", "tag"],
        [f"{shop.mark}{format}1", "13800138000x", "a b"],
        [f"{shop.mark}{format}2", "13800138002", "vip", "surplus"],
        [f"{shop.mark}{format}3", "13800138003", "vip"],
    ]
    text = "\n".join(",".join(str(cell) for cell in row) for row in grid)
    content = text.encode("gb18030") if format == "csv" else spreadsheets.xlsx(grid)
    told = run(shop, content, "zh-CN", format=format)
    assert (told["state"], told["changed"], told["failed"]) == ("done", 1, 2)
    heading, *lines = bad_rows(told)
    assert heading == ["行", "列", "值", "原因与建议", "userid", "phone", "tag"]
    assert [line[:3] for line in lines] == [
        ["2", "phone", "138****000x"],
        ["2", "tag", "a b"],
        ["3", "column 4", ""],
    ]
    assert lines[2][3].startswith("单元格多于 3 列")
    assert lines[2][4:] == [f"{shop.mark}{format}2", "138****8002", "vip"]
    refused = run(shop, b"nothing,phone\n", "zh")
    assert (refused["state"], refused["reason"].splitlines()[-1]) == ("failed", "userid: 缺少该列")
    assert len(bad_rows(refused)) == 3


def test_members_and_tags_are_imported(shop: Shop) -> None:
    left = shop.admin.ask(
        "POST", "/admin/v1/lists", {"channel_key": shop.key, "name": "left us", "kind": "black"}
    )
    told = run(
        shop, f"userid\n{shop.mark}a\n{shop.mark}b\n".encode(), kind="list", target=left["id"]
    )
    assert (told["state"], told["changed"]) == ("done", 2)
    assert shop.admin.ask("GET", f"/admin/v1/lists/{left['id']}/members/{shop.mark}a") == {
        "userid": f"{shop.mark}a"
    }
    assert (
        run(shop, f"userid,tag\n{shop.mark}a,x;y\n".encode("gb18030"), kind="tags")["changed"] == 1
    )


def test_a_template_is_a_file_that_can_be_imported(shop: Shop) -> None:
    answer = shop.admin.call("GET", "/admin/v1/imports/template?kind=tags")
    assert answer.headers["Content-Type"].startswith("text/csv")
    assert run(shop, answer.content, kind="tags")["state"] == "done"
