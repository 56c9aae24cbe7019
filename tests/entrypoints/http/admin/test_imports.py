"""Imports as an administrator makes them, from the form to the bad rows."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
import xlsxwriter
from chalice.test import Client

import app
from chalicelib.domain.imports import MAX_BYTES, FileFormat
from chalicelib.manage.imports import sheets
from chalicelib.ports import Form
from tests.entrypoints.conftest import Api


def upload(api: Api, made: Any, content: str | bytes) -> bool:
    form = Form(made["upload"]["url"], made["upload"]["fields"])
    return api.fake.files.upload(form, content.encode() if isinstance(content, str) else content)


def run(api: Api) -> None:
    """Work through the queue of imports, as Lambda does."""
    with Client(app.app) as client:
        while (envelope := api.fake.queues.take()) is not None:
            event = client.events.generate_sqs_event(
                [f'{{"kind":"import","id":"{envelope.job.id}"}}']
            )  # type: ignore[union-attr]
            assert client.lambda_.invoke("imports", event).payload == {"batchItemFailures": []}


def test_users_are_imported_and_the_bad_rows_come_back(configured: Api) -> None:
    begun = configured.admin("POST", "imports", {"kind": "users", "format": "csv"})
    assert begun.status == 201
    made = begun.json
    assert made["upload"]["max_bytes"] == MAX_BYTES == 31_457_280
    assert (made["state"], made["target"], made["percentage"]) == ("waiting", None, 0)
    assert (
        configured.admin("POST", f"imports/{made['id']}/start").json["errors"][0]["field"] == "file"
    )
    assert upload(
        configured, made, "userid,phone[all],app_regid[app1]\nann,13800138000,r1\nbob,12,\n"
    )
    started = configured.admin("POST", f"imports/{made['id']}/start")
    assert (started.status, started.json["state"]) == (202, "running")
    run(configured)
    done = configured.admin("GET", f"imports/{made['id']}").json
    assert {
        name: done[name]
        for name in (
            "state",
            "total",
            "rows",
            "changed",
            "unchanged",
            "failed",
            "percentage",
            "reason",
        )
    } == {
        "state": "done",
        "total": 2,
        "rows": 2,
        "changed": 1,
        "unchanged": 0,
        "failed": 1,
        "percentage": 100,
        "reason": "",
    }
    assert done["errors_url"].startswith(
        f"https://files.example.com/imports/errors/{made['id']}.csv"
    )
    raw = configured.fake.files.stored[f"imports/errors/{made['id']}.csv"].decode("utf-8-sig")
    assert [line[:2] for line in csv.reader(io.StringIO(raw))] == [
        ["row", "column"],
        ["3", "phone[all]"],
    ]
    assert configured.admin("GET", "users/ann").json["contacts"] == {
        "app": {"app1": ["r1"]},
        "sms": {"all": ["13800138000"]},
    }
    for language, text in (("en", "id: the import has ended"), ("zh", "id: 导入已结束")):
        headers = {"Accept-Language": language}
        again = configured.admin("POST", f"imports/{made['id']}/start", headers=headers)
        assert (again.status, again.json["detail"]) == (409, text), "a retry cannot help"


def test_members_are_imported_into_the_segment_that_was_named(configured: Api) -> None:
    made = configured.admin(
        "POST", "imports", {"kind": "segment", "format": "csv", "target": 7}
    ).json
    assert upload(configured, made, "userid\nann\nbob\n")
    configured.admin("POST", f"imports/{made['id']}/start")
    run(configured)
    assert configured.admin("GET", "segments/7/members/ann").status == 200
    assert configured.admin("GET", f"imports/{made['id']}").json["errors_url"] is None


def test_a_file_that_cannot_be_read_says_why(configured: Api) -> None:
    made = configured.admin("POST", "imports", {"kind": "users", "format": "xlsx"}).json
    assert upload(configured, made, "userid\nann\n")
    configured.admin("POST", f"imports/{made['id']}/start")
    run(configured)
    found = configured.admin("GET", f"imports/{made['id']}").json
    assert (found["state"], found["reason"], found["errors_url"]) == (
        "failed",
        'file: not an .xlsx file: save it as "Excel Workbook (.xlsx)"',
        None,
    )


def test_imports_are_listed_newest_first(configured: Api) -> None:
    ids = []
    for _ in range(5):
        configured.fake.clock.time += 1000
        ids.append(
            configured.admin("POST", "imports", {"kind": "tags", "format": "csv"}).json["id"]
        )
    first = configured.admin("GET", "imports?limit=3").json
    rest = configured.admin("GET", f"imports?limit=3&cursor={first['cursor']}").json
    assert [each["id"] for each in (*first["imports"], *rest["imports"])] == ids[::-1]
    assert rest["cursor"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"format": "csv"}, "kind"),
        ({"kind": "people", "format": "csv"}, "kind"),
        ({"kind": "users", "format": "xls"}, "format"),
        ({"kind": "users", "format": "csv", "target": 1}, "body"),
        ({"kind": "list", "format": "csv"}, "body"),
        ({"kind": "list", "format": "csv", "target": 0}, "target"),
        ({"kind": "list", "format": "csv", "target": 10**15}, "target"),
        ({"kind": "list", "format": "csv", "target": "1"}, "target"),
    ],
)
def test_what_is_wrong_with_an_import_is_named(configured: Api, body: Any, field: str) -> None:
    reply = configured.admin("POST", "imports", body)
    assert reply.status == 400
    assert field in [each["field"] for each in reply.json["errors"]], reply.json
    assert not configured.fake.imports.stored


@pytest.mark.parametrize(
    "path", ["imports/nothing", "imports/" + "0" * 16, "imports/%00", "imports/" + "x" * 3000]
)
def test_an_import_that_is_not_there_is_not_found(configured: Api, path: str) -> None:
    assert configured.admin("GET", path).status == 404
    assert configured.admin("POST", f"{path}/start").status == 404


def test_a_template_has_the_columns_of_the_channels_that_there_are(configured: Api) -> None:
    reply = configured.admin("GET", "imports/template?kind=users")
    assert reply.headers["Content-Type"] == "text/csv; charset=utf-8"
    header, example = csv.reader(io.StringIO(reply.body.decode("utf-8-sig")))
    assert header == [
        "userid",
        "tag[all]",
        "phone[all]",
        "email[all]",
        "app_regid[app1]",
        "dingtalkcc_userid",
        "wechatwk_userid",
        "wechatwk_linkedcorp",
    ]
    assert len(example) == len(header)
    made = configured.admin("POST", "imports", {"kind": "users", "format": "csv"}).json
    assert upload(configured, made, reply.body)
    configured.admin("POST", f"imports/{made['id']}/start")
    run(configured)
    assert configured.admin("GET", f"imports/{made['id']}").json["changed"] == 1
    assert configured.admin("GET", "imports/template?kind=list").body.decode(
        "utf-8-sig"
    ).split() == ["userid", "zhangsan"]
    assert configured.admin("GET", "imports/template?kind=x").status == 400


@pytest.mark.parametrize(
    ("accepted", "advice"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "属于合并单元格：请取消合并并逐行填写"),
        ("en", "is part of a merged cell: unmerge it and fill each row"),
    ],
)
def test_advice_is_in_the_language_of_whoever_began(
    configured: Api, accepted: str, advice: str
) -> None:
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_column(0, 0, ["userid", "ann", "bob"])
        sheet.write(0, 1, "tag")
        sheet.merge_range("B2:B3", "vip")
    headers = {"Accept-Language": accepted}
    body = {"kind": "users", "format": "xlsx"}
    made = configured.admin("POST", "imports", body, headers=headers).json
    assert upload(configured, made, raw.getvalue())
    configured.admin("POST", f"imports/{made['id']}/start")
    run(configured)
    stored = configured.fake.files.stored[f"imports/errors/{made['id']}.xlsx"]
    lines = [cells for _, cells in sheets.read(stored, FileFormat.XLSX).rows()]
    assert [(line[0], line[1], line[3]) for line in lines] == [
        (row, "tag", advice) for row in ("2", "3")
    ]
    assert configured.admin("GET", f"imports/{made['id']}").json["failed"] == 2
