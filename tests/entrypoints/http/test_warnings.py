"""The table of warnings: every code has a sentence in two languages, and no room makes its own."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from chalicelib.domain.warnings import Code, Warning
from chalicelib.entrypoints.http import codes, warnings
from chalicelib.entrypoints.http.language import Language

ROOT = Path(__file__).resolve().parents[3] / "chalicelib"
LOWER = ("domain", "flow", "manage", "reports")


def made() -> Iterator[ast.Call]:
    """Yield each call in the lower rooms that makes a warning."""
    for room in LOWER:
        for path in sorted((ROOT / room).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "Warning":
                    yield node


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def test_every_code_has_a_sentence_and_a_meaning_and_none_is_left_over() -> None:
    assert set(warnings.TEXTS) == set(Code) == set(codes.WARNINGS)


@pytest.mark.parametrize("code", Code)
def test_a_warning_is_said_in_chinese_and_in_english(code: Code) -> None:
    english, chinese = warnings.TEXTS[code]
    assert english.isascii()
    assert any("一" <= sign <= "鿿" for sign in chinese)
    assert names_in(english) == names_in(chinese)


def test_lower_rooms_make_codes_and_no_sentences() -> None:
    calls = list(made())
    assert len(calls) > 10
    for call in calls:
        _, code, *values = call.args
        assert ast.unparse(code) == "code" or ast.unparse(code).startswith("Code.")
        texts = [node.value for part in values for node in ast.walk(part) if is_text(node)]
        assert not [text for text in texts if " " in text], ast.unparse(call)
        if values and isinstance(values[0], ast.Dict):
            named = {key.value for key in values[0].keys if isinstance(key, ast.Constant)}
            text = warnings.TEXTS[Code[ast.unparse(code).removeprefix("Code.")]]
            assert names_in(text.english) <= named, ast.unparse(call)


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def test_an_answer_has_each_warning_as_a_text_and_with_its_code() -> None:
    found = [
        Warning("name", Code.NOT_EVERYWHERE, {"types": ["app", "sms"]}),
        Warning("rule_id", Code.NO_EFFECT),
    ]
    answer = warnings.told(found, Language.CHINESE)
    assert answer["warnings"] == [
        "name: 只在 app、sms 的内容里",
        "rule_id: 发送策略对 registration id 不起作用",
    ]
    assert answer["warning_details"][0] == {
        "field": "name",
        "code": "not_everywhere",
        "message": "只在 app、sms 的内容里",
    }
    assert warnings.told(found, Language.ENGLISH)["warnings"] == [
        "name: only in app, sms",
        "rule_id: a strategy has no effect on registration ids",
    ]
