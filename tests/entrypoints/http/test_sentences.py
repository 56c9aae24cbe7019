"""Every sentence of the inside has its Chinese, and is made of a template with its values."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from chalicelib.domain import crons
from chalicelib.domain.errors import Invalid
from chalicelib.domain.groups import Family
from chalicelib.domain.sentences import Sentence
from chalicelib.domain.third_party import Sort
from chalicelib.entrypoints.http.language import Language
from chalicelib.entrypoints.http.sentences import chinese, text_of
from chalicelib.providers.wechat.values import ANY, KINDS

ROOT = Path(__file__).resolve().parents[3] / "chalicelib"
TABLES = list(chinese())
CHINESE = {template: text for table in TABLES for template, text in table.items()}

# Calls that take a sentence, by the place of its argument.
TAKES = {"Invalid": 1, "Sentence": 0, "Conflict": 0, "Stale": 0}
# Sentences that are values of other sentences.
VALUES = {
    *(kind.words for kind in (ANY, *KINDS.values())),
    *(name for name, *_ in crons.FIELDS),
    *(sort.value for sort in Sort),
    *(Family.SEGMENT.value, Family.LIST.value),
    *("characters", "bytes"),
}


class Made(NamedTuple):
    """A sentence as the code makes it: an expression, and where it stands."""

    node: ast.expr
    place: str


def made() -> Iterator[Made]:
    for path in sorted(ROOT.rglob("*.py")):
        place = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func).rpartition(".")[2]
                if name == "_wrong" and place == "domain/crons.py":
                    yield Made(node.args[1], place)
                elif name in TAKES and len(node.args) > TAKES[name]:
                    yield Made(node.args[TAKES[name]], f"{place}:{node.lineno}")
            elif isinstance(node, ast.Assign) and not place.startswith(("console", "entrypoints")):
                yield from (Made(value, f"{place}:{node.lineno}") for value in reasons(node))


def reasons(node: ast.Assign) -> Iterator[ast.expr]:
    """Yield values of variables that are called reason."""
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=True))
        for name, value in pairs:
            if ast.unparse(name) in ("reason", "UNKNOWN_FIELD", "REASON"):
                yield value


def templates(made: Made) -> Iterator[str]:
    """Yield the texts of an expression. One that is put together from others is refused."""
    match made.node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=first, orelse=second):
            yield from templates(made._replace(node=first))
            yield from templates(made._replace(node=second))
        case ast.JoinedStr() | ast.BinOp():
            pytest.fail(f"{made.place}: give the values to Invalid or Sentence, to translate it")


# Reasons that are codes, for logs and ledgers, and empty ones.
CODES = re.compile(r"[a-z]+(_[a-z]+)+|")


def used() -> set[str]:
    texts = {text for one in made() for text in templates(one)}
    return {text for text in texts if not CODES.fullmatch(text)} | VALUES


def test_every_sentence_has_its_chinese_and_none_is_left_over() -> None:
    assert used() - CHINESE.keys() == set(), "add the Chinese to entrypoints/http/sentences/"
    assert CHINESE.keys() - used() == set()
    assert sum(map(len, TABLES)) == len(CHINESE)


@pytest.mark.parametrize("template", CHINESE)
def test_a_sentence_takes_the_values_of_its_template(template: str) -> None:
    def names(text: str) -> set[str]:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name}

    text = CHINESE[template]
    if "{{" in template and "{{{" not in template:  # without values, braces stand for themselves
        assert set(re.findall(r"\{\{\w*", template)) == set(re.findall(r"\{\{\w*", text))
    else:
        assert names(text) == names(template)
    rest = re.sub(r"\{\w+\}", "", text)
    assert re.search("[一-鿿]", rest) or not rest.strip(" ：{}")


def test_values_that_are_sentences_are_in_chinese_too() -> None:
    inner = Invalid("text", "must have at most {most} {unit}", most=5, unit=Sentence("bytes"))
    reason = "{platform} takes none of it ({field}: {reason})"
    error = Invalid("msg_wechatwk", reason, platform="wecom", field="text", reason=inner.reason)
    english, said = text_of(error.reason)
    assert english == "wecom takes none of it (text: must have at most 5 bytes)"
    assert said == "wecom 不接受其中任何内容（text：最多 5 字节）"
    assert str(error) == f"msg_wechatwk: {english}"


def test_a_list_has_the_commas_of_each_language() -> None:
    text = text_of(Sentence("must be one of {allowed}", allowed=["on", "off"]))
    assert text.in_language(Language.ENGLISH) == "must be one of on, off"
    assert text.in_language(Language.CHINESE) == "须为 on、off 之一"


def test_a_sentence_that_is_not_known_is_english() -> None:
    assert text_of("a word from elsewhere {x}").both == "a word from elsewhere {x}"


def test_a_wrong_cron_says_which_field_is_wrong() -> None:
    with pytest.raises(Invalid) as wrong:
        crons.parse("61 9 * * *")
    english, said = text_of(wrong.value.reason)
    assert english == "minute: 61 is not within 0 to 59"
    assert said == "分：61 不在 0 到 59 之间"
