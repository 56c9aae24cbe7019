"""Texts of errors are in the language that the caller prefers."""

from __future__ import annotations

import pytest

from chalicelib.entrypoints.http.language import Language, Text, preferred
from tests.entrypoints.conftest import KEY, OTHER, SENDER, Api


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh", Language.CHINESE),
        ("en", Language.ENGLISH),
        ("zh-CN,zh;q=0.9,en;q=0.8", Language.CHINESE),
        ("fr, en;q=0.8, zh;q=0.7", Language.ENGLISH),
        ("en;q=0.1, zh;q=0.2", Language.CHINESE),
        ("zh, en", Language.CHINESE),
    ],
)
def test_the_heaviest_language_wins_then_the_first(header: str, language: Language) -> None:
    assert {preferred(header, default) for default in Language} == {language}


@pytest.mark.parametrize("header", ["", "fr", "en;q=0", "*", "zh;q=9", "," * 10_000])
def test_other_languages_leave_the_default(header: str) -> None:
    assert [preferred(header, default) for default in Language] == list(Language)


def test_a_text_without_chinese_is_english_everywhere() -> None:
    text = Text("is wrong")
    assert [text.in_language(language) for language in Language] == ["is wrong"] * 2
    assert text.both == "is wrong"


def test_problem_details_speak_the_callers_language(configured: Api) -> None:
    def asked(language: str) -> tuple[str, str, str]:
        answer = configured.admin("GET", "members/nobody", headers={"Accept-Language": language})
        return answer.status, answer.json["title"], answer.json["detail"]

    assert asked("zh-CN") == (404, "不存在", "不存在")
    assert asked("en") == asked("fr") == (404, "Not Found", "no such member")


def test_the_fields_of_problem_details_speak_it_too(configured: Api) -> None:
    def asked(language: str) -> list[dict[str, str]]:
        body = {"nome": "x"}
        headers = {"Accept-Language": language}
        answer = configured.admin("POST", "members", body, headers=headers)
        errors: list[dict[str, str]] = answer.json["errors"]
        return errors

    assert asked("zh")[0] == {"field": "name", "reason": "缺失"}
    assert asked("en")[0] == {"field": "name", "reason": "is required"}
    assert [error["field"] for error in asked("zh")] == [error["field"] for error in asked("en")]


def test_a_problem_does_not_repeat_the_field_in_its_reason(configured: Api) -> None:
    path = f"access-channels/{KEY}"
    answer = configured.admin("PATCH", path, {"name": "x"}, headers={"Accept-Language": "en"})
    assert answer.status == 428
    (error,) = answer.json["errors"]
    assert answer.json["detail"] == f"{error['field']}: {error['reason']}"
    assert error["field"] == "If-Match"


def test_ums_speaks_both_languages(api: Api) -> None:
    wrong = SENDER + "x"
    answers = [
        api("GET", "/v1/messages/x", auth=wrong, headers={"Accept-Language": language}).json
        for language in ("zh", "en")
    ]
    assert answers[0] == answers[1]
    assert answers[0]["message"].startswith("Authorization: 认证失败 (authentication failed")
    assert OTHER not in str(answers)
