"""Plain language in docstrings and comments.

Print the violations of a folder or file with
`python -m tests.architecture.test_language chalicelib/flow`.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import sys
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("app.py", "chalicelib", "infra", "tests")

MAX_WORDS = 20  # of a sentence
BAD_BEGINNING = re.compile(
    r"(?:What|Who|Whom|Whose|Where|Whether|When|How|Why|Which|The same|Those|These|That|This|It"
    r"|They|None|So|As)\b",
    re.IGNORECASE,
)

# Quotes of others' texts and code are not this project's prose. A span is one word.
_CODE = re.compile(r"``.+?``|`[^`]+`", re.DOTALL)
_URL = re.compile(r"https?://\S*[\w/]")
_QUOTE = re.compile(r'"[^"\n]*"')
_ITEM = re.compile(r"\A(?:[-*•]|\(?(?:\d+[a-z]?|[a-z])[.)])\s+")  # "- ", "3. ", "6a. ", "b) "
_END = re.compile(r"(?:[.!?…][)\]\"'”’]*|:)(?=\s|$)|[。！？：]")
_ABBREVIATION = re.compile(r"\b(?:e\.g|i\.e|vs|cf)\.\Z")
_COLUMNS = re.compile(r"\s{2,}|\|")
_RULER = re.compile(r"[\s|:=+-]*\Z")
_DIRECTIVE = re.compile(r"#\s*(?:!|-\*-|noqa|type:|pragma|fmt:|ruff:|mypy:|pyright:)")

# "There is no file" and "is no longer" are English. "Is no file" is not.
_NEGATION = re.compile(
    r"(?<!\bthere )\b(?:is|are|was|were|be|been) no "
    r"(?!one\b|longer\b|more\b|less\b|fewer\b|later\b|earlier\b|larger\b|smaller\b|older\b|newer\b"
    r"|higher\b|lower\b|faster\b|slower\b|better\b|worse\b|different\b)\w+",
    re.IGNORECASE,
)


class Violation(NamedTuple):
    path: str
    line: int
    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.text}"


class Prose(NamedTuple):
    line: int
    text: str


def docstrings(tree: ast.AST) -> Iterator[Prose]:
    """Yield every string that is a statement: docstrings, also those of attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield Prose(node.lineno, inspect.cleandoc(text))


def comments(source: str) -> Iterator[Prose]:
    if "#" not in source:
        return
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT and not _DIRECTIVE.match(token.string):
            yield Prose(token.start[0], token.string.lstrip("#! "))


def without_code(text: str) -> str:
    """Replace code spans and addresses by a word each."""
    return _URL.sub("Address", _CODE.sub("Code", text))


def sentences(text: str) -> Iterator[str]:
    """Split a docstring as a reader does: at full stops, colons, list items, rows and columns."""
    for block in _blocks(without_code(text)):
        begin = 0
        for end in _END.finditer(block):
            part = block[begin : end.end()]
            if not _ABBREVIATION.search(part):
                yield part.strip()
                begin = end.end()
        yield block[begin:].strip()


def _blocks(text: str) -> Iterator[str]:
    """Yield paragraphs and list items as one line each, and the cells of tables."""
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        is_row = stripped.startswith("|") or line.startswith("    ")
        if (is_row or not stripped or _ITEM.match(stripped)) and lines:
            yield " ".join(lines)
            lines = []
        if is_row:
            yield from (cell for cell in _COLUMNS.split(stripped) if not _RULER.match(cell))
        elif stripped:
            lines.append(_ITEM.sub("", stripped, count=1) if not lines else stripped)


def words(sentence: str) -> int:
    return sum(any(c.isalnum() for c in word) for word in sentence.split())


def beginnings(path: str, source: str) -> Iterator[Violation]:
    for doc in _docs(source):
        if BAD_BEGINNING.match(without_code(doc.text).lstrip("\"'“(* ")):
            yield Violation(path, doc.line, "beginning", _short(doc.text))


def long_sentences(path: str, source: str) -> Iterator[Violation]:
    for doc in _docs(source):
        for sentence in sentences(doc.text):
            if (count := words(sentence)) > MAX_WORDS:
                yield Violation(path, doc.line, f"{count} words", _short(sentence))


def semicolons(path: str, source: str) -> Iterator[Violation]:
    for prose in _prose(source):
        if ";" in _QUOTE.sub("", without_code(prose.text)):
            yield Violation(path, prose.line, "semicolon", _short(prose.text, ";"))


def negations(path: str, source: str) -> Iterator[Violation]:
    for prose in _prose(source):
        for negation in _NEGATION.finditer(_QUOTE.sub("", without_code(prose.text))):
            yield Violation(path, prose.line, "negation", negation[0])


@cache
def _docs(source: str) -> list[Prose]:
    return list(docstrings(ast.parse(source)))


@cache
def _prose(source: str) -> list[Prose]:
    return [*_docs(source), *comments(source)]


def _short(text: str, around: str = "") -> str:
    flat = " ".join(text.split())
    begin = max(0, flat.find(around) - 60) if around else 0
    return flat[begin : begin + 160]


RULES = (beginnings, long_sentences, semicolons, negations)


def files(root: Path, rooms: tuple[str, ...] = ROOMS) -> list[Path]:
    paths = [root / room for room in rooms]
    return [
        file for path in paths for file in (sorted(path.rglob("*.py")) if path.is_dir() else [path])
    ]


def violations(root: Path, rooms: tuple[str, ...], rules: tuple[object, ...]) -> list[Violation]:
    return [
        violation
        for file in files(root, rooms)
        for rule in rules
        for violation in rule(str(file.relative_to(root)), file.read_text())  # type: ignore[operator]
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_language_is_plain(rule: object) -> None:
    broken = violations(ROOT, ROOMS, (rule,))
    assert not broken, "\n" + "\n".join(map(str, broken))


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("One two three. Four five.", [3, 2]),
        ("A colon ends: the rest counts alone.", [3, 4]),
        ("`a b c` is one word, https://a.example/b?c=d too.", [6]),
        ("Names, e.g. of files, i.e. paths (a.b.c) - and more.", [9]),
        ("A line that\ngoes on.\n\n- an item\n- another\n  that goes on", [5, 2, 4]),
        ("Rooms:\n\n    flow/   the way of a message\n    web/   connections", [1, 1, 5, 1, 1]),
        ("| a | b c |\n|---|---|\n| d e f | g |", [1, 2, 3, 1]),
        ("6a. Wait for a turn.", [4]),
    ],
)
def test_words_are_counted_as_a_reader_counts_them(text: str, counts: list[int]) -> None:
    assert [words(sentence) for sentence in sentences(text) if sentence] == counts


@pytest.mark.parametrize(
    ("source", "rules"),
    [
        ('"""Return the name; raise."""', ["semicolons"]),
        ('"""Return `a; b`."""  # noqa: S105; ruff', []),
        ("x = 1  # one; two", ["semicolons"]),
        ('x = 1  # answers "one; two"', []),
        ('"""Raise for what is no file."""', ["negations"]),
        ('"""Raise if there is no file, or if it is no longer there."""', []),
        ('"""What a file holds."""', ["beginnings"]),
        ('"""The same, of a file."""', ["beginnings"]),
        ('"""`What` is a name."""', []),
        ('"""Assign a name."""', []),
        ('x = 1\n"""' + "word " * 21 + '"""', ["long_sentences"]),
    ],
)
def test_a_rule_finds_what_it_refuses(source: str, rules: list[str]) -> None:
    assert [rule.__name__ for rule in RULES if list(rule("x.py", source))] == rules


def main() -> None:
    broken = violations(Path.cwd(), tuple(sys.argv[1:]) or ROOMS, RULES)
    print(*broken, f"{len(broken)} violations", sep="\n")
    sys.exit(bool(broken))


if __name__ == "__main__":
    main()
