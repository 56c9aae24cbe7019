"""Sensitive words by the management API, by hand and by file."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from chalicelib.manage.imports import sheets
from chalicelib.manage.sensitive_words import MAX_ERRORS, MAX_EXPANDED, MAX_TAGS
from tests import spreadsheets
from tests.entrypoints.conftest import KEY, Api, message
from tests.entrypoints.http.admin.management import change, pages, problem

PATH = f"sensitive-words/{KEY}"


def add(api: Api, *words: str) -> Any:
    body = {"add": [{"word": word} for word in words]}
    return api.admin("POST", f"{PATH}/words", body)


def uploaded(api: Api, *rows: list[str], header: tuple[str, ...] = ("word", "enabled")) -> str:
    made = api.admin("POST", f"{PATH}/uploads")
    assert made.status == 201
    key = made.json["upload"]["fields"]["key"]
    api.fake.files.stored[key] = sheets.write_workbook(header, rows)
    return str(made.json["id"])


def test_words_are_added_switched_listed_and_found(configured: Api) -> None:
    shown = configured.admin("GET", PATH).json
    assert (shown["on"], shown["count"]) == (False, 0)
    assert add(configured, "赌博", "彩票", "abc").json["count"] == 3
    assert change(configured, PATH, {"on": True}, "PUT").json["on"] is True
    body = {"add": [{"word": "彩票", "enabled": False}], "remove": ["abc"]}
    assert configured.admin("POST", f"{PATH}/words", body).json["count"] == 2
    (listed,) = pages(configured, f"{PATH}/words", "words")
    assert listed == [{"word": "彩票", "enabled": False}, {"word": "赌博", "enabled": True}]
    assert len(pages(configured, f"{PATH}/words?limit=1", "words")) == 2
    reply = configured.send(message(template_para={"name": "賭博"}))
    assert (reply.status, reply.code) == (400, 1015034)
    assert "template_para.name" in reply.json["message"]
    assert "赌博" in reply.json["message"]
    assert configured.send(message(template_para={"name": "彩票"})).code == 0
    change(configured, PATH, {"on": False}, "PUT")
    assert configured.send(message(template_para={"name": "賭博"})).code == 0


def test_a_list_goes_on_behind_a_word_with_any_blank(configured: Api) -> None:
    words = ["外\u3000挂", "代\u200b打", "买\t号"]
    add(configured, *words, "龙")
    listed = pages(configured, f"{PATH}/words?limit=1", "words")
    assert sorted(entry["word"] for (entry,) in listed) == sorted([*words, "龙"])


def test_a_template_with_a_word_is_not_saved(configured: Api) -> None:
    add(configured, "赌博")
    change(configured, PATH, {"on": True}, "PUT")
    body = {"channel_key": KEY, "name": "t", "contents": {"app": {"alert": "去赌博"}}}
    problem(configured, "POST", "templates", body, field="contents.app.alert")


def test_words_come_from_a_workbook_and_go_into_one(configured: Api) -> None:
    add(configured, "old")
    id = uploaded(configured, ["赌博", "on"], ["彩票", "关"], ["free", ""])
    asked = configured.admin("POST", f"{PATH}/import", {"upload": id})
    assert asked.json["count"] == 4
    replaced = configured.admin("POST", f"{PATH}/import", {"upload": id, "replace": True})
    assert replaced.json["count"] == 3
    url = configured.admin("POST", f"{PATH}/export").json["url"]
    (key,) = [name for name in configured.fake.files.stored if name.startswith("imports/exports/")]
    assert key in url
    again = sheets.read(configured.fake.files.stored[key], sheets.FileFormat.XLSX)
    assert [list(cells) for _, cells in again.rows()] == [
        ["free", "on"],
        ["彩票", "off"],
        ["赌博", "on"],
    ]


@pytest.mark.parametrize(
    ("rows", "header", "field"),
    [
        ([["赌博", "maybe"]], ("word", "enabled"), "row 2"),
        ([["…", "on"]], ("word", "enabled"), "row 2"),
        ([["x"]], ("name",), "word"),
    ],
)
def test_a_wrong_file_changes_nothing(
    configured: Api, rows: list[list[str]], header: tuple[str, ...], field: str
) -> None:
    id = uploaded(configured, *rows, header=header)
    problem(configured, "POST", f"{PATH}/import", {"upload": id}, field=field)
    assert configured.admin("GET", PATH).json["count"] == 0


def test_every_wrong_row_of_a_file_is_named(configured: Api) -> None:
    id = uploaded(configured, ["赌博", "maybe"], ["彩票", "on"], ["…", "on"])
    reply = configured.admin("POST", f"{PATH}/import", {"upload": id})
    assert reply.status == 400
    assert [error["field"] for error in reply.json["errors"]] == ["row 2", "row 4"]
    many = uploaded(configured, *[["", "on"] for _ in range(MAX_ERRORS)], ["…", "on"])
    listed = configured.admin("POST", f"{PATH}/import", {"upload": many}).json["errors"]
    assert len(listed) <= MAX_ERRORS


def test_a_workbook_is_read_only_as_far_as_somebody_may_wait(configured: Api) -> None:
    """A small archive may hold tags for minutes, and texts for more than the memory."""
    many, long = "<c/>" * (MAX_TAGS // 1000), "x" * MAX_EXPANDED
    tags = spreadsheets.package("".join(f'<row r="{n}">{many}</row>' for n in range(1, 1001)))
    texts = spreadsheets.package('<row r="1"><c r="A1" t="s"><v>0</v></c></row>', [long])
    for raw, reason in ((tags, "XML tags"), (texts, "when it is unpacked")):
        id = uploaded(configured, ["free"])
        configured.fake.files.stored[f"imports/uploads/words-{id}"] = raw
        answer = problem(configured, "POST", f"{PATH}/import", {"upload": id}, field="file")
        assert reason in answer["detail"]
    assert configured.admin("GET", PATH).json["count"] == 0


def test_words_are_searched_by_a_part(configured: Api) -> None:
    add(configured, "赌博", "博彩", "Viagra")
    for text, expected in (("博", ["博彩", "赌博"]), ("AGR", ["Viagra"]), ("none", [])):
        (listed,) = pages(configured, f"{PATH}/words?text={quote(text)}", "words")
        assert [entry["word"] for entry in listed] == expected


def test_an_upload_that_is_not_there_is_refused(configured: Api) -> None:
    problem(configured, "POST", f"{PATH}/import", {"upload": "0" * 32}, field="upload")
    problem(configured, "POST", f"{PATH}/import", {"upload": "../x"}, field="upload")


@pytest.mark.parametrize("word", ["", "…", "x" * 65])
def test_a_word_that_could_never_be_found_is_refused(configured: Api, word: str) -> None:
    assert add(configured, word).status == 400


def test_words_of_nobody_are_not_found(configured: Api) -> None:
    for method, path, body in (
        ("GET", "sensitive-words/nobody", None),
        ("POST", "sensitive-words/nobody/words", {"add": [{"word": "a"}]}),
        ("POST", "sensitive-words/nobody/uploads", None),
        ("POST", "sensitive-words/nobody/export", None),
    ):
        problem(configured, method, path, body, status=404)
