"""Exports over the management API: files of targets and of figures, written one after the other."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import Any

import pytest

from chalicelib.domain import envelopes
from chalicelib.domain.facts import DeliveryRef, Fact, FactKind
from chalicelib.domain.jobs import ExportJob
from chalicelib.domain.plans import ChunkId
from chalicelib.entrypoints.lambdas import imports
from chalicelib.manage import exports
from chalicelib.reports import tables
from tests.builders import a_big_message, a_message, a_plan, a_reachable_user, a_user
from tests.entrypoints.conftest import KEY, Api
from tests.entrypoints.http.admin.test_statistics import CLICKED, counted, happened
from tests.fakes.clock import START


def sent(api: Api, *userids: str) -> str:
    """A message to people of whom `ann` was reached, `bob` was not, and others are unknown."""
    message = a_message(*userids, channel_key=KEY, accepted=START)
    plan = a_plan(message, users=[a_reachable_user("ann"), a_user("bob", push=("reg-bob",))])
    fake = api.fake
    fake.messages.has(message)
    fake.ledger.put_plan(plan, message)
    facts = [
        Fact(DeliveryRef(0, "push", 0), FactKind.SUBMITTED, START),
        Fact(DeliveryRef(1, "push", 0), FactKind.INVALID_TARGET, START + 5, "1003"),
    ]
    fake.ledger.add(plan.id, facts, message)
    return message.msgid


def exported(api: Api, path: str, body: Any) -> Any:
    begun = api.admin("POST", f"exports/{path}", body)
    assert begun.status == 202, begun.json
    while (envelope := api.fake.queues.take()) is not None:
        assert isinstance(envelope.job, ExportJob)
        event = {"Records": [{"messageId": "m", "body": envelopes.encode(envelope.job)}]}
        assert imports.imports(event, None)["batchItemFailures"] == []
    return api.admin("GET", f"exports/{begun.json['id']}").json


def rows(api: Api, export: Any, number: int = 0) -> list[list[str]]:
    name = export["files"][number]["name"]
    raw = api.fake.files.stored[f"exports/{export['id']}/{name}"]
    return list(csv.reader(io.StringIO(raw.decode("utf-8-sig"))))


def test_targets_come_with_state_reason_in_words_and_a_masked_contact(api: Api) -> None:
    export = exported(api, "targets", {"msgid": sent(api, "ann", "bob", "zoe")})
    assert (export["state"], export["rows"], len(export["files"])) == ("done", 3, 1)
    heading, ann, bob, zoe = rows(api, export)
    assert heading == [*exports.TARGETS, *exports.WORDS]
    assert ann[0] == "ann"
    assert ann[2:8] == ["submitted", "1", "app", "push", str(START), ""]
    assert "reg-ann" not in str(export) + ann[1]
    assert bob[2:9] == [
        "invalid_target",
        "1",
        "app",
        "push",
        str(START + 5),
        "invalid_target:1003",
        "服务商认为该联系方式有误（1003）",
    ]
    assert zoe[2:9] == ["invalid", "", "", "", "", "unknown_user", "用户不存在"]


@pytest.mark.parametrize(
    ("reason", "names"),
    [("unknown_user", ["zoe"]), ("invalid_target", ["bob"]), ("invalid_target:1003", ["bob"])],
)
def test_targets_that_were_lost_for_a_reason_can_be_chosen(
    api: Api, reason: str, names: list[str]
) -> None:
    body = {"msgid": sent(api, "ann", "bob", "zoe"), "reason": reason}
    assert [row[0] for row in rows(api, exported(api, "targets", body))[1:]] == names


def test_a_large_export_has_several_files_and_no_row_twice(api: Api) -> None:
    api.has_sizes(export_rows=2)
    message = a_big_message(5, channel_key=KEY, accepted=START)
    plan = a_plan(message)
    api.fake.messages.has(message)
    for number in range(5):
        following = None if number == 4 else str(number + 1)
        chunk = a_plan(message, number, targets=plan.targets[number : number + 1], next=following)
        api.fake.ledger.put_plan(chunk, message)
    assert plan.id == ChunkId(message.msgid, 0)
    export = exported(api, "targets", {"msgid": message.msgid})
    names = [row[0] for n in range(len(export["files"])) for row in rows(api, export, n)[1:]]
    assert (len(export["files"]), names) == (3, list(message.userids))


def test_a_job_that_comes_again_writes_the_same_files(api: Api) -> None:
    export = exported(api, "targets", {"msgid": sent(api, "ann")})
    before = dict(api.fake.files.stored)
    event = {"Records": [{"messageId": "m", "body": envelopes.encode(ExportJob(export["id"]))}]}
    imports.imports(event, None)
    assert api.fake.files.stored == before


def deleted(api: Api, msgid: str) -> None:
    """Delete a message which this container still remembers."""
    message = api.fake.messages.stored[msgid]
    api.fake.messages.delete(message, START)
    api.fake.messages.stored[msgid] = message


def test_a_message_that_was_deleted_is_not_exported(api: Api) -> None:
    body = {"msgid": sent(api, "ann"), "contacts": "whole"}
    begun = api.admin("POST", "exports/targets", body).json
    deleted(api, body["msgid"])
    exports.work(api.world, ExportJob(begun["id"]), tables.table)
    shown = api.admin("GET", f"exports/{begun['id']}").json
    assert (shown["state"], shown["rows"]) == ("done", 0)
    assert api.admin("POST", "exports/targets", body).status == 404


def test_an_export_keeps_its_owner_when_its_message_has_expired(api: Api) -> None:
    id = exported(api, "targets", {"msgid": sent(api, "ann")})["id"]
    api.fake.messages.stored.clear()
    assert exports.owner(api.world, id) == KEY
    assert exports.owner(api.world, "0" * 16) == ""


def test_figures_come_with_their_definitions(api: Api) -> None:
    happened(api, number=1, at=START, kinds=CLICKED)
    counted(api)
    export = exported(api, "statistics", {"channel_key": KEY, "since": "2027-01-15"})
    assert [file["name"] for file in export["files"]] == ["statistics-0001.csv", "definitions.csv"]
    heading, day = rows(api, export)
    shown = dict(zip(heading, day, strict=True))
    assert (shown["time"], shown["requests"], shown["users.clicked"]) == ("2027-01-15", "1", "1")
    assert ["users.planned", "计划用户数"] in [row[:2] for row in rows(api, export, 1)]


def test_a_workbook_of_figures_has_a_sheet_of_definitions(api: Api) -> None:
    happened(api, number=1, at=START, kinds=CLICKED)
    counted(api)
    body = {"channel_key": KEY, "format": "xlsx", "of": "template", "by": "hour"}
    export = exported(api, "statistics", body)
    (file,) = export["files"]
    raw = api.fake.files.stored[f"exports/{export['id']}/{file['name']}"]
    with zipfile.ZipFile(io.BytesIO(raw)) as book:
        assert 'name="definitions"' in book.read("xl/workbook.xml").decode()
        sheets = [name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]
    assert len(sheets) == 2


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("targets", {"msgid": "0" * 16}, 404),
        ("targets", {}, 400),
        ("targets", {"msgid": "x"}, 400),
        ("statistics", {"channel_key": "nobody"}, 404),
        ("statistics", {"zone": "Mars"}, 400),
        ("statistics", {"since": "2026-12-01", "until": "2027-01-15", "by": "hour"}, 400),
        ("statistics", {"since": "2026-09-01", "until": "2027-01-15", "zone": "Asia/Tokyo"}, 400),
        ("statistics", {"format": "pdf"}, 400),
    ],
)
def test_what_cannot_be_exported_is_refused_at_once(
    api: Api, path: str, body: Any, status: int
) -> None:
    assert api.admin("POST", f"exports/{path}", body).status == status
    assert api.fake.queues.waiting == []


def test_an_export_that_is_not_there_is_not_found(api: Api) -> None:
    assert api.admin("GET", f"exports/{'0' * 16}").status == 404
    assert api.admin("GET", "exports/nothing").status == 404
